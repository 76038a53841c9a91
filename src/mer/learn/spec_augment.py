"""SpecAugment: random masks over time and frequency of the spectrograms that a training reads.

Park et al., Interspeech 2019, in the form of Kong et al. (PANNs, IEEE/ACM TASLP 28, 2020): two masks over
time and two over frequency. Their masks are zero after a batch norm of each band, where zero is the mean of
the band. The networks here read decibels, of which zero is a high level, so the masks hold that mean itself
(docs/methods.md, "Louro's augmentations").
"""

import torch
from torch import Tensor

from mer.networks.spans import check_lengths, random_spans
from mer.schema.augmentation import SpectrogramMasks


class SpecAugment:
    """Spectrograms with other random masks each time they are indexed, from torch's generator.

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
        Spectrograms of the training clips; the masks hold the mean of each band over them.

    Raises
    ------
    MerError
        If a mask can be as long as a spectrogram.
    """

    def __init__(self, mel: Tensor, masks: SpectrogramMasks) -> None:
        check_lengths(masks, (mel.shape[1], mel.shape[2]), "spectrograms")
        self.mel, self.masks, self.device = mel, masks, mel.device
        self.band_means = mel.mean((0, 1), dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.mel)

    def __getitem__(self, rows: Tensor) -> Tensor:
        mel = self.mel[rows].float()
        for _ in range(self.masks.n_masks):
            frames = random_spans(mel.shape[1], self.masks.time_mask_param, mel)[:, :, None]
            bands = random_spans(mel.shape[2], self.masks.freq_mask_param, mel)[:, None, :]
            mel = torch.where(frames | bands, self.band_means, mel)
        return mel
