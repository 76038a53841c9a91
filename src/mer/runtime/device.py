"""The device of the networks: ``MER_DEVICE`` is ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``."""

import ctypes
import os
import re

import torch

from mer.errors import MerError
from mer.runtime.portable import instructions_are_limited

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def keep_memory() -> None:
    """Let the C library reuse the memory of freed tensors in this process, which trains a network.

    By default, glibc returns every block above 32 MiB to the system, and the page faults of the next step
    take a fifth of its time on a CPU. Other C libraries have no such option.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def computes_in_bfloat16(where: torch.device) -> bool:
    """Whether the device has bfloat16 instructions; without them, bfloat16 is several times slower."""
    if where.type == "cuda":
        with torch.cuda.device(where):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def device() -> torch.device:
    """The device of ``MER_DEVICE``; ``auto``, the default, takes a GPU if there is one.

    Each call also sets torch to one thread and to full float32.

    Raises
    ------
    MerError
        If the value is invalid, or the GPU does not exist.
    """
    # Folds run in parallel processes, and one thread gives the same bytes on every machine.
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False  # full float32, on a GPU too
    torch.backends.cudnn.benchmark = True  # the fastest convolution for each shape
    name = os.environ.get("MER_DEVICE") or "auto"
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", name):
        raise MerError(f"MER_DEVICE must be auto, cpu, cuda or cuda:<n>, not {name!r}")
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    chosen = torch.device(name)
    if chosen.type == "cuda" and (chosen.index or 0) >= count:
        raise MerError(f"MER_DEVICE={name!r} needs a GPU of that number; {count} are visible")
    return chosen


def arithmetic(where: torch.device) -> tuple[str, str, bool]:
    """The version of torch, the kind of device, and whether instructions are limited.

    They decide on rounding.
    """
    kind = torch.cuda.get_device_name(where) if where.type == "cuda" else where.type
    return torch.__version__, kind, instructions_are_limited()
