"""SpecAugment: stripes of a spectrogram that a training hides, and nothing else does.

Park et al., Interspeech 2019, in the form that Kong et al. give it (PANNs, IEEE/ACM TASLP 28, 2020;
methods A10): two stripes of frames and two of bands. Theirs are zero behind a batch norm of each band,
where zero is the band's mean. The networks here read decibels, whose zero is loud, and are shown that
mean itself.
"""

import torch
from torch import Tensor

from mer.networks.spans import span
from mer.schema.augmentation import Stripes


class SpecAugment:
    """Examples with other stripes whenever they are looked at, from torch's generator.

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
        Of the training part; the mean of each band over it fills the stripes.
    """

    def __init__(self, mel: Tensor, stripes: Stripes) -> None:
        self.mel, self.stripes, self.device = mel, stripes, mel.device
        self.fill = mel.mean((0, 1), dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.mel)

    def __getitem__(self, rows: Tensor) -> Tensor:
        mel = self.mel[rows].float()
        for _ in range(self.stripes.n_masks):
            frames = span(mel.shape[1], self.stripes.time_mask_param, mel)[:, :, None]
            bands = span(mel.shape[2], self.stripes.freq_mask_param, mel)[:, None, :]
            mel = torch.where(frames | bands, self.fill, mel)
        return mel
