"""Augmented copies of a corpus, already in one view."""

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mer import registry
from mer.dsp.mel import prepare, spectrogram
from mer.io.artefacts import (
    Standard,
    absent,
    write_absent,
    write_json,
    writing,
)
from mer.parallel import parallel_map
from mer.pipeline.mel import width, write
from mer.schema.augmentation import Policy
from mer.schema.spectrograms import View
from mer.seeds import generator
from mer.types import Clip

log = logging.getLogger("mer")

Chain = list[dict[str, Any]]


def draw(policy: Policy, name: str, seed: int, clip: str) -> dict[str, Chain]:
    """All that is random about the copies of one clip.

    Parameters
    ----------
    name : str
        Key of the policy in params.yaml.
    clip : str
        Its id. The draws of a clip depend on no other clip.

    Returns
    -------
    dict of str to list of dict
        Copy, in alphabetical order -> its transforms in the order in which they are applied: the name
        under ``transform``, and the drawn arguments of ``apply`` beside it.
    """
    drawn = {}
    for copy, steps in sorted(policy.copies.items()):
        rng = generator(seed, "augment", name, copy, clip)
        drawn[copy] = [
            {
                "transform": step.transform,
                **registry.get("augment", step.transform).draw(rng, step.params),
            }
            for step in steps
        ]
    return drawn


def apply(clip: Clip, chain: Chain) -> Clip:
    """``clip`` after each transform of ``chain``, in order."""
    samples = clip.samples
    for step in chain:
        arguments = {k: v for k, v in step.items() if k != "transform"}
        samples = registry.get("augment", step["transform"]).apply(
            samples, clip.sample_rate, **arguments
        )
    return replace(clip, samples=samples)


def _of_clip(standard: Path, view: View, item: tuple[int, dict[str, Chain]]) -> np.ndarray:
    """The spectrograms of one clip's copies [shape=(copies, frames, mels)]."""
    index, drawn = item
    clip = prepare(Standard.read(standard).clip(index), view)
    return np.stack([spectrogram(apply(clip, chain), view) for chain in drawn.values()])


def _nothing(standard: Path, policy: Policy, name: str, view: View | None) -> str | None:
    """Why there are no copies, or None where there are some."""
    if not policy.copies:
        return f"the policy {name!r} makes no copies before a training"
    return absent(standard) if view else "this view has no spectrogram"


def make(
    standard: Path, target: Path, policy: Policy, name: str, view: View | None, seed: int
) -> None:
    """Write ``data/augmented/<policy>/<view>/<dataset>``.

    A clip is prepared for the view (resampled, levelled, cut), each copy is transformed, and its
    spectrogram taken, so that a gain survives the view's peak normalization. ``draws.json`` keeps what
    was drawn for each clip.

    Parameters
    ----------
    standard : Path
        ``data/standard/<dataset>``; where it is absent, so is the target.
    policy : Policy
        One without copies leaves an absent artefact.
    name : str
        Key of the policy in params.yaml.
    view : View or None
        None leaves an absent artefact too.
    seed : int
        ``seed`` of params.yaml.
    """
    reason = _nothing(standard, policy, name, view)
    if view is None or reason:
        write_absent(target, str(reason))
        return
    corpus = Standard.read(standard)
    draws = {id_: draw(policy, name, seed, id_) for id_ in corpus.ids}
    work = partial(_of_clip, standard.absolute(), view)
    with writing(target) as folder:
        mels = parallel_map(work, list(enumerate(draws.values())), label=f"augment {name}")
        write(folder, corpus.ids, mels, width(corpus, view), view, sorted(policy.copies))
        write_json(folder / "draws.json", draws)
    log.info("%d copies of each of %d clips", len(policy.copies), len(draws))
