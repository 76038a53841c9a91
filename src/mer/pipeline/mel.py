"""The stage ``mel``: the spectrograms of a corpus in one view."""

import logging
import math
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mer.dsp.mel import padded, prepare, spectrogram
from mer.io.artefacts import Standard, absent, write_absent, write_manifest, writing
from mer.parallel import parallel_map
from mer.schema.spectrograms import View

log = logging.getLogger("mer")


def width(corpus: Standard, view: View) -> int:
    """Frames of the longest spectrogram of a corpus, or of a segment's."""
    longest = math.ceil(max(corpus.lengths) * view.rate / corpus.sample_rate)
    return view.frames or 1 + longest // view.hop


def write(
    folder: Path,
    ids: tuple[str, ...],
    mels: Iterable[np.ndarray],
    width: int,
    view: View,
    copies: Collection[str] = (),
) -> None:
    """Write spectrograms, clip by clip, as ``Mels`` reads them.

    Parameters
    ----------
    mels : iterable of np.ndarray [shape=(..., frames, mels)]
        In the order of ``ids``: of a clip, its segments, its copies, or its copies' segments. At most
        ``width`` frames, fewer are filled up.
    copies : collection of str
        Names of a clip's copies; empty where a clip stands once.
    """
    each_clip = [*([len(copies)] if copies else []), *([view.segments] if view.segments else [])]
    shape = (len(ids), *each_clip, width, view.mels)
    facts = {"descr": "<f2", "fortran_order": False, "shape": shape}
    frames = []
    with (folder / "mel.npy").open("wb") as stream:  # a full disk ends a memory map by SIGBUS
        np.lib.format.write_array_header_1_0(stream, facts)
        for _, mel in zip(ids, mels, strict=True):
            stream.write(padded(mel, width, view).astype("<f2").tobytes())
            frames.append(mel.shape[-2])
    table = pd.DataFrame({"id": ids, "frames": frames})
    table.to_csv(folder / "ids.csv", index=False, lineterminator="\n")
    write_manifest(folder, view=view.model_dump(), copies=list(copies))


def _of_clip(standard: Path, view: View, index: int) -> np.ndarray:
    return spectrogram(prepare(Standard.read(standard).clip(index), view), view)


def compute(standard: Path, target: Path, view: View | None) -> None:
    """Write ``data/mel/<view>/<dataset>``: every clip's spectrogram as float16 (0.031 dB at most).

    Parameters
    ----------
    standard : Path
        ``data/standard/<dataset>``; where it is absent, so is the target.
    view : View or None
        None leaves an absent artefact too.

    Raises
    ------
    MerError
        If the view's rate is above the corpus'.
    """
    if view is None:
        write_absent(target, "this view has no spectrogram")
        return
    if reason := absent(standard):
        write_absent(target, reason)
        return
    corpus = Standard.read(standard)
    clips = range(len(corpus.ids))
    with writing(target) as folder:
        mels = parallel_map(
            partial(_of_clip, standard.absolute(), view), clips, label=f"mel {target.name}"
        )
        write(folder, corpus.ids, mels, width(corpus, view), view)
    log.info("%d spectrograms", len(clips))
