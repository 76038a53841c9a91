"""Figures of published tables that are no scores: the clips of a corpus, the parameters of a system."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mer import registry
from mer.io.artefacts import MANIFEST
from mer.io.files import read_json, write_json
from mer.io.spectrograms import Mels
from mer.io.tracks import read_tracks
from mer.metrics import DIGITS
from mer.schema import Block
from mer.targets.labels import HIGH
from mer.types import QUADRANTS

if TYPE_CHECKING:
    from mer.contracts.interfaces import TwoStageModel


def write_counts(index: Path, metrics: Path) -> None:
    """Count the clips of a corpus: ``n_clips_q1 … n_clips_q4, n_clips_total``.

    Also ``<axis>_low, <axis>_high``, the number of clips of each class of valence and arousal, and, where
    the quadrants are derived from these, ``<axis>_threshold``.

    Parameters
    ----------
    index : Path
        ``data/index/<dataset>``.
    metrics : Path
        JSON to write.
    """
    found = Counter(track.quadrant for track in read_tracks(index))
    figures: dict[str, Any] = {f"n_clips_{name.lower()}": found[name] for name in QUADRANTS}
    figures["n_clips_total"] = found.total()
    thresholds = read_json(index / MANIFEST).get("thresholds", {})
    for axis, quadrants in HIGH.items():
        high = sum(found[quadrant] for quadrant in quadrants)
        if axis in thresholds:
            figures[f"{axis}_threshold"] = round(thresholds[axis], DIGITS)
        figures |= {f"{axis}_low": found.total() - high, f"{axis}_high": high}
    write_json(metrics, {"dataset": index.name, **figures})


def write_settings(model: str, params: Block, mel: Path, metrics: Path) -> None:
    """Write the parameters of a system that a paper tabulates, and the output shapes of its layers.

    They are those of any corpus, so that a miniature's are those of the original.

    Parameters
    ----------
    params : the model's ``Params``
    mel : Path
        ``data/mel/<view>/<dataset>``, of any corpus.
    metrics : Path
        JSON to write: ``sample_rate, n_fft, hop_length``; ``frames`` as the artefact has them;
        ``<training>_lr, <training>_batch``; ``<layer>_frames, <layer>_mels, <layer>_maps``.
    """
    view, shape = read_json(mel / MANIFEST)["view"], Mels.read(mel).values.shape[-2:]
    figures = {
        "sample_rate": view["sample_rate"],
        "n_fft": view["n_fft"],
        "hop_length": view["hop_length"],
    }
    figures["frames"] = shape[0]
    for name, block in params.model_dump().items():
        if isinstance(block, dict) and "lr" in block:
            figures |= {f"{name}_lr": block["lr"], f"{name}_batch": block["batch_size"]}
    module = cast("TwoStageModel", registry.get("models", model))
    for layer, sizes in module.layers(params, shape).items():
        named = zip(("frames", "mels", "maps"), sizes, strict=True)
        figures |= {f"{layer}_{name}": size for name, size in named}
    write_json(metrics, figures)
