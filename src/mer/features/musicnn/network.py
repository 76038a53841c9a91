"""MusiCNN's network: filters of musical shapes, three residual convolutions, pooling over time.

Pons, Serra. musicnn: Pre-trained Convolutional Neural Networks for Music Audio Tagging. ISMIR late-breaking
demo, 2019. 777,109 parameters without the layer of 50 tags. Batch norms stand behind the activations.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

BANDS, FRAMES = 96, 187  # of a patch of 3 s
EPSILON = 1e-3  # of TensorFlow's batch norm
TIMBRAL, TEMPORAL, MAPS, UNITS = 204, 51, 64, 200
TIMBRAL_BANDS = (38, 67)  # 0.4 and 0.7 of the bands
TEMPORAL_FRAMES = (128, 64, 32)


class ConvolutionBlock(nn.Module):
    """Convolution, ReLU, batch norm; zeros keep the number of frames.

    Parameters
    ----------
    outputs : int
        Filters of one input map.
    size : (int, int)
        Of a filter, over frames and bands.
    """

    def __init__(self, outputs: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, outputs, size)
        self.norm = nn.BatchNorm2d(outputs, eps=EPSILON)
        before = (size[0] - 1) // 2  # TensorFlow pads an even filter more behind it
        self.padding = (0, 0, before, size[0] - 1 - before)

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, 1, frames, bands)] -> [shape=(n, outputs, frames, bands - size + 1)]."""
        padded = functional.pad(maps, self.padding)
        return self.norm(functional.relu(self.convolution(padded)))


class MusiCNN(nn.Module):
    """The network up to its penultimate layer."""

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, eps=EPSILON)
        timbral = [ConvolutionBlock(TIMBRAL, (7, bands)) for bands in TIMBRAL_BANDS]
        temporal = [ConvolutionBlock(TEMPORAL, (frames, 1)) for frames in TEMPORAL_FRAMES]
        self.front = nn.ModuleList([*timbral, *temporal])
        width = len(timbral) * TIMBRAL + len(temporal) * TEMPORAL
        self.middle = nn.ModuleList([ConvolutionBlock(MAPS, (7, n)) for n in (width, MAPS, MAPS)])
        self.pooled_norm = nn.BatchNorm1d(2 * (width + 3 * MAPS), eps=EPSILON)
        self.dense = nn.Linear(2 * (width + 3 * MAPS), UNITS)
        self.dense_norm = nn.BatchNorm1d(UNITS, eps=EPSILON)

    def forward(self, mel: Tensor) -> Tensor:
        """Patches [shape=(n, frames, bands)] -> embeddings [shape=(n, 200)]."""
        spectrogram = self.input_norm(mel.unsqueeze(1))
        front = torch.cat([layer(spectrogram).amax(3) for layer in self.front], dim=1)
        first, second, third = self.middle
        maps = first(front.transpose(1, 2).unsqueeze(1))[..., 0]
        maps_2 = maps + second(maps.transpose(1, 2).unsqueeze(1))[..., 0]
        maps_3 = maps_2 + third(maps_2.transpose(1, 2).unsqueeze(1))[..., 0]
        features = torch.cat([front, maps, maps_2, maps_3], dim=1)
        pooled = torch.stack([features.amax(2), features.mean(2)], dim=2).flatten(1)  # by feature
        return self.dense_norm(functional.relu(self.dense(self.pooled_norm(pooled))))


# Layer of this network -> layers of the checkpoint: the convolution or dense layer, the batch norm.
LAYERS = {
    **{f"front.{n}": (f"conv2d_{n}", f"batch_normalization_{n + 1}") for n in range(5)},
    **{f"middle.{n}": (f"conv2d_{n + 5}", f"batch_normalization_{n + 6}") for n in range(3)},
}
NAMES = {
    "input_norm.": "batch_normalization.",
    "pooled_norm.": "batch_normalization_9.",
    "dense.": "dense.",
    "dense_norm.": "batch_normalization_10.",
    **{f"{ours}.convolution.": f"{theirs}." for ours, (theirs, _) in LAYERS.items()},
    **{f"{ours}.norm.": f"{theirs}." for ours, (_, theirs) in LAYERS.items()},
}
NAMES["front.0.convolution."] = "conv2d."  # TensorFlow numbers from the second one on
