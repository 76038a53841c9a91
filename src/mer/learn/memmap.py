"""Examples on disk, for arrays that do not fit into memory."""

import mmap

import numpy as np
import torch
from torch import Tensor

from mer.learn.forward import Examples


class Rows:
    """Rows of a memory-mapped array, read when they are indexed.

    The mapped pages are released after each read, so that memory holds one batch.

    Parameters
    ----------
    values : np.ndarray [shape=(n, ...)]
        Memory-mapped.
    numbers : np.ndarray [shape=(k,), dtype=int]
        Numbers of the rows, in their order.
    """

    def __init__(self, values: np.ndarray, numbers: np.ndarray, device: torch.device) -> None:
        self.values, self.numbers, self.device = values, numbers, device

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Tensor) -> Tensor:
        found = self.values[self.numbers[rows.cpu().numpy()]]
        if (mapped := getattr(self.values, "_mmap", None)) is not None:
            mapped.madvise(mmap.MADV_DONTNEED)
        return torch.from_numpy(found).to(self.device)


def examples(values: np.ndarray, numbers: np.ndarray, device: torch.device) -> Examples:
    """Rows of an array: a tensor where the device is a GPU with twice the memory for them, else on disk."""
    rows = Rows(values, numbers, device)
    if device.type == "cuda":
        needed = values[:1].nbytes * len(numbers)
        if 2 * needed < torch.cuda.mem_get_info(device)[0]:
            return rows[torch.arange(len(numbers))]
    return rows
