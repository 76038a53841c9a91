"""Random spans of the frames or bands of spectrograms."""

import torch
from torch import Tensor

from mer.errors import MerError
from mer.schema.augmentation import Masking, SpectrogramMasks


def check_lengths(masks: Masking | SpectrogramMasks, shape: tuple[int, int], what: str) -> None:
    """Refuse masks that can be as long as an example of ``shape``, (frames, mels).

    A limit may equal the length of the example, because limits are exclusive.

    Parameters
    ----------
    what : str
        Name of the examples in the message: ``segments``, ``spectrograms``.

    Raises
    ------
    MerError
        If a mask can be as long as an example.
    """
    longest = masks.time_mask_param, masks.freq_mask_param
    if any(mask > size for mask, size in zip(longest, shape, strict=True)):
        raise MerError(
            f"masks must be shorter than the {what} of {shape[0]} frames x {shape[1]} mels, not up to "
            f"{longest[0]} x {longest[1]}; lower them in the policy"
        )


def random_spans(length: int, max_length: int, like: Tensor) -> Tensor:
    """One random span per example [shape=(n, length), dtype=bool].

    The size of a span is uniform in [0, max_length), and its start in [0, length - size), as torchaudio's
    ``TimeMasking`` draws them: the last frame or band is never part of a span.

    Parameters
    ----------
    like : Tensor [shape=(n, ...)]
        The examples; the spans differ at each call, from torch's generator.
    """
    count = (len(like), 1)
    size = torch.randint(max_length, count, device=like.device)
    start = (torch.rand(count, device=like.device) * (length - size)).long()
    place = torch.arange(length, device=like.device)
    return (place >= start) & (place < start + size)
