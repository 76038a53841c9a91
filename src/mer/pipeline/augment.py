"""The stage ``augment``: it computes the spectrograms of augmented versions of a corpus in one view."""

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mer import registry
from mer.dsp.mel import prepare, spectrogram
from mer.io.artefacts import absent, write_absent
from mer.io.files import write_json, writing
from mer.io.standard import Standard, read_clip
from mer.parallel import parallel_map
from mer.pipeline.mel import width, write
from mer.schema.augmentation import Policy
from mer.schema.spectrograms import View
from mer.seeds import generator
from mer.types import Clip

log = logging.getLogger("mer")

Chain = list[dict[str, Any]]


def sample_parameters(policy: Policy, name: str, seed: int, clip: str) -> dict[str, Chain]:
    """The random parameters of the augmented versions of one clip.

    Parameters
    ----------
    name : str
        Key of the policy in params.yaml.
    clip : str
        Id of the clip. Its parameters depend on no other clip.

    Returns
    -------
    dict of str to list of dict
        Version, in alphabetical order -> its transforms in the order in which they are applied: the name
        under ``transform``, and the arguments of ``apply`` beside it.
    """
    parameters = {}
    for version, steps in sorted(policy.versions.items()):
        rng = generator(seed, "augment", name, version, clip)
        parameters[version] = [
            {
                "transform": step.transform,
                **registry.get("augment", step.transform).sample_parameters(rng, step.params),
            }
            for step in steps
        ]
    return parameters


def apply(clip: Clip, chain: Chain) -> Clip:
    """``clip`` after each transform of ``chain``, in order."""
    samples = clip.samples
    for step in chain:
        arguments = {k: v for k, v in step.items() if k != "transform"}
        samples = registry.get("augment", step["transform"]).apply(
            samples, clip.sample_rate, **arguments
        )
    return replace(clip, samples=samples)


def _of_clip(standard: Path, view: View, item: tuple[str, dict[str, Chain]]) -> np.ndarray:
    """The spectrograms of one clip's augmented versions [shape=(versions, ..., frames, n_mels)]."""
    id_, chains = item
    clip = prepare(read_clip(standard, id_), view)
    return np.stack([spectrogram(apply(clip, chain), view) for chain in chains.values()])


def _absence(standard: Path, policy: Policy, name: str, view: View | None) -> str | None:
    """The reason why there are no augmented versions, or None where there are some."""
    if not policy.versions:
        return f"the policy {name!r} has no augmented versions"
    return absent(standard) if view else "this view has no spectrogram"


def make(
    standard: Path, target: Path, policy: Policy, name: str, view: View | None, seed: int
) -> None:
    """Write ``data/augmented/<policy>/<view>/<dataset>``.

    Transforms are applied to the prepared clip (see ``mer.dsp.mel.prepare``), so that a gain survives the
    view's peak normalization. ``parameters.json`` holds the parameters of each clip.

    Parameters
    ----------
    standard : Path
        ``data/standard/<dataset>``. An absent artefact makes the target absent, too.
    policy : Policy
        A policy without versions makes the target absent.
    name : str
        Key of the policy in params.yaml.
    view : View or None
        None makes the target absent.
    seed : int
        ``seed`` of params.yaml.
    """
    reason = _absence(standard, policy, name, view)
    if view is None or reason:
        write_absent(target, str(reason))
        return
    corpus = Standard.read(standard)
    parameters = {id_: sample_parameters(policy, name, seed, id_) for id_ in corpus.ids}
    work = partial(_of_clip, standard.absolute(), view)
    with writing(target) as folder:
        mels = parallel_map(work, list(parameters.items()), label=f"augment {name}")
        write(folder, tuple(parameters), mels, width(corpus, view), view, sorted(policy.versions))
        write_json(folder / "parameters.json", parameters)
    log.info("%d augmented versions of each of %d clips", len(policy.versions), len(parameters))
