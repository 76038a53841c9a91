"""The stage ``augment``: it computes the spectrograms of augmented versions of a corpus in one view."""

import inspect
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mer import registry
from mer.dsp.mel import prepare, spectrogram
from mer.errors import MerError, noting
from mer.io.artefacts import absent, write_absent
from mer.io.files import write_json, writing
from mer.io.standard import Standard, read_clip
from mer.pipeline.mel import width, write
from mer.runtime.parallel import parallel_map
from mer.schema.augmentation import Policy, Step
from mer.schema.spectrograms import View
from mer.seeds import generator
from mer.types import LEAKY, Clip, array_text

log = logging.getLogger("mer")

Chain = list[dict[str, Any]]
PARAMETERS = "parameters.json"


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _sample(step: Step, rng: np.random.Generator) -> dict[str, Any]:
    """A step of a chain: the name of a transform, and the arguments that it samples."""
    module = registry.get("augment", step.transform)
    sampled = module.sample_parameters(rng, step.params)
    if not (isinstance(sampled, Mapping) and _is_json(sampled)) or "transform" in sampled:
        raise MerError(
            f"augment: sample_parameters of {step.transform!r} must return a dict of JSON values by the "
            f"names of the arguments of apply, none of them 'transform', not {sampled!r}; convert "
            "NumPy's numbers with float or int"
        )
    try:
        inspect.signature(module.apply).bind(np.empty(0), 0, **sampled)
    except TypeError as error:
        raise MerError(
            f"augment: apply of {step.transform!r} must take x, sample_rate and what sample_parameters "
            f"returns, {sorted(sampled)}, and does not ({error}); correct one of them"
        ) from None
    return {"transform": step.transform, **sampled}


def _transformed(samples: np.ndarray, sample_rate: int, step: Mapping[str, Any]) -> np.ndarray:
    """The samples after one transform, of the same shape."""
    module = registry.get("augment", step["transform"])
    arguments = {name: value for name, value in step.items() if name != "transform"}
    found = module.apply(samples.copy(), sample_rate, **arguments)  # other versions need them, too
    is_array = isinstance(found, np.ndarray)
    if not is_array or found.shape != samples.shape or found.dtype != np.float32:
        raise MerError(
            f"augment: apply of {step['transform']!r} must return float32 samples of shape "
            f"{samples.shape}, as it was given, not {array_text(found)}; cut or pad them, and convert them"
        )
    if not np.isfinite(found).all():
        raise MerError(
            f"augment: apply of {step['transform']!r} must return finite samples, and with {arguments} "
            "some are not; correct it"
        )
    return found


def sample_parameters(policy: Policy, name: str, seed: int, clip: str) -> dict[str, Chain]:
    """The random parameters of the augmented versions of one clip.

    Parameters
    ----------
    name : str
        Key of the policy in params.yaml. One with a leak has the parameters of that without it.
    clip : str
        Id of the clip. Its parameters depend on no other clip.

    Returns
    -------
    dict of str to list of dict
        Version, in alphabetical order -> its transforms in the order in which they are applied: the name
        under ``transform``, and the arguments of ``apply`` beside it.

    Raises
    ------
    MerError
        If a transform samples what JSON cannot hold.
    """
    parameters = {}
    for version, steps in sorted(policy.versions.items()):
        rng = generator(seed, "augment", name.removesuffix(LEAKY), version, clip)
        parameters[version] = [_sample(step, rng) for step in steps]
    return parameters


def apply(clip: Clip, chain: Chain) -> Clip:
    """``clip`` after each transform of ``chain``, in order.

    Raises
    ------
    MerError
        If a transform returns samples of another shape or type, or some that are not finite.
    """
    samples = clip.samples
    for step in chain:
        samples = _transformed(samples, clip.sample_rate, step)
    return replace(clip, samples=samples)


def _of_clip(standard: Path, view: View, item: tuple[str, dict[str, Chain]]) -> np.ndarray:
    """The spectrograms of one clip's augmented versions [shape=(versions, ..., frames, n_mels)]."""
    id_, chains = item
    with noting(f"in the clip {id_!r}"):
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
        write_json(folder / PARAMETERS, parameters)
    log.info("%d augmented versions of each of %d clips", len(policy.versions), len(parameters))
