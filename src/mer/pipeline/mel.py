"""The stage ``mel``: it computes the spectrograms of a corpus in one view."""

import logging
import math
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mer.dsp.mel import padded, prepare, spectrogram
from mer.io.artefacts import absent, write_absent, write_manifest
from mer.io.files import writing
from mer.io.standard import Standard, read_clip
from mer.runtime.parallel import parallel_map
from mer.schema.spectrograms import View

log = logging.getLogger("mer")


def width(corpus: Standard, view: View) -> int:
    """Frames of the longest spectrogram of a corpus."""
    longest = math.ceil(max(corpus.lengths) * view.sample_rate / corpus.sample_rate)
    return view.frames or 1 + longest // view.hop_length


def write(
    folder: Path,
    ids: tuple[str, ...],
    mels: Iterable[np.ndarray],
    width: int,
    view: View,
    versions: Collection[str] = (),
) -> None:
    """Write the spectrograms of all clips for ``Mels`` or ``AugmentedMels`` to read.

    Parameters
    ----------
    mels : iterable of np.ndarray [shape=([versions], [segments], frames, n_mels)]
        One array per clip, in the order of ``ids``. Spectrograms of fewer than ``width`` frames are padded.
    width : int
        Frames of the stored spectrograms.
    versions : collection of str
        Names of the augmented versions; empty for the spectrograms of the clips themselves.
    """
    leading = [count for count in (len(versions), view.segments) if count]
    shape = (len(ids), *leading, width, view.n_mels)
    facts = {"descr": "<f2", "fortran_order": False, "shape": shape}
    frames = []
    # written as a stream, for a full disk kills a process that writes to a memory map
    with (folder / "mel.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, facts)
        for _, mel in zip(ids, mels, strict=True):
            stream.write(padded(mel, width, view, at_start=view.reverse).astype("<f2").tobytes())
            frames.append(mel.shape[-2])
    table = pd.DataFrame({"id": ids, "frames": frames})
    table.to_csv(folder / "ids.csv", index=False, lineterminator="\n")
    write_manifest(folder, view=view.parameters, versions=list(versions))


def _warn_of_lengths(corpus: Standard, view: View) -> None:
    """Say how many clips are cut, by a second or more, and how many fill less than half of the view."""
    if view.seconds is None:
        return
    seconds = corpus.lengths / corpus.sample_rate
    cut, short = (seconds >= view.seconds + 1).sum(), (seconds < view.seconds / 2).sum()
    if cut or short:
        log.warning(
            "the view reads %g s of each of %d clips; clips that are cut by a second or more: %d; clips "
            "shorter than half of it, whose spectrograms are mostly padding or repetition: %d",
            *(view.seconds, len(seconds), cut, short),
        )


def _of_clip(standard: Path, view: View, clip: str) -> np.ndarray:
    return spectrogram(prepare(read_clip(standard, clip), view), view)


def compute(standard: Path, target: Path, view: View | None) -> None:
    """Write ``data/mel/<view>/<dataset>``, the spectrograms of all clips.

    Values are stored as float16, which rounds decibels by 0.031 dB at most.

    Parameters
    ----------
    standard : Path
        ``data/standard/<dataset>``. An absent artefact makes the target absent, too.
    view : View or None
        None makes the target absent.

    Raises
    ------
    MerError
        If the sample rate of the view is above that of the corpus.
    """
    if view is None:
        write_absent(target, "this view has no spectrogram")
        return
    if reason := absent(standard):
        write_absent(target, reason)
        return
    corpus = Standard.read(standard)
    _warn_of_lengths(corpus, view)
    work = partial(_of_clip, standard.absolute(), view)
    with writing(target) as folder:
        mels = parallel_map(work, corpus.ids, label=f"mel {target.name}")
        write(folder, corpus.ids, mels, width(corpus, view), view)
    log.info("%d spectrograms", len(corpus.ids))
