"""Random spans of a spectrogram's frames or bands."""

import torch
from torch import Tensor


def span(length: int, most: int, like: Tensor) -> Tensor:
    """One random span per example [shape=(n, length), dtype=bool]: U[0, most) long, placed uniformly.

    Parameters
    ----------
    like : Tensor [shape=(n, ...)]
        The examples; other spans at each call, from torch's generator.
    """
    count = (len(like), 1)
    size = torch.randint(most, count, device=like.device)
    start = (torch.rand(count, device=like.device) * (length - size)).long()
    place = torch.arange(length, device=like.device)
    return (place >= start) & (place < start + size)
