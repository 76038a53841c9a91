"""Examples that may be more than memory holds."""

import mmap

import numpy as np
import torch
from torch import Tensor

from mer.learn.loop import Examples


class Rows:
    """Rows of an array on disk, read as they are asked for; none of its pages stays resident.

    Parameters
    ----------
    values : np.ndarray [shape=(n, ...)]
        Memory-mapped.
    numbers : np.ndarray [shape=(k,), dtype=int]
        Which of them, and in what order.
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
    """Rows of an array: a tensor on a GPU that has twice the room for them, else left on disk."""
    rows = Rows(values, numbers, device)
    if device.type == "cuda":
        needed = values[:1].nbytes * len(numbers)
        if 2 * needed < torch.cuda.mem_get_info(device)[0]:
            return rows[torch.arange(len(numbers))]
    return rows
