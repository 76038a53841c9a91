"""Which parts of a system fit together: a selection that cannot run is refused, and the choices named."""

from collections.abc import Collection
from pathlib import Path

from mer import registry
from mer.contracts import interfaces
from mer.contracts.trainers import applied_parts
from mer.errors import MerError
from mer.io import fold_tables, pretrained, raw_folder
from mer.schema.augmentation import Policy, Smote
from mer.schema.feature_selection import Columns
from mer.schema.parameters import Params
from mer.selection import SELECTORS, Selection
from mer.splits import split
from mer.targets import labels


def _check_corpus(chosen: Selection, params: Params, raw: Path) -> None:
    """Refuse a corpus that is missing, cannot be read or split, or lacks labels of the target."""
    corpus = params.corpora[chosen.dataset]
    root = raw_folder.of_corpus(chosen.dataset, corpus.source, raw)
    raw_folder.check(root)
    tracks = registry.get("datasets", corpus.layout).tracks(root)
    labels.target_of(chosen.target, tracks, corpus.range)
    labels.check_range(root, tracks, corpus.range)
    labels.encode(tracks, chosen.target)
    protocol = corpus.protocol if chosen.protocol == "default" else chosen.protocol
    if protocol == "own" and (root / fold_tables.NAME).is_file():
        return
    folds = params.profiles[chosen.profile].folds
    split(tracks, protocol, chosen.dataset, seed=chosen.seed, folds=folds, repeats=1)


def _has_table(family: str, params: Params, published: Collection[str]) -> bool:
    """Whether a family, or both sides of a join, can be extracted or come with the corpus."""
    for join in params.joined_families:
        if join.name == family:
            return all(_has_table(side, params, published) for side in (join.left, join.right))
    return family in published or hasattr(registry.get("features", family), "extract")


def _check_released_inputs(chosen: Selection, params: Params, reads: Collection[str]) -> None:
    """Refuse a spectrogram or a table that the authors' code does not compute."""
    view = params.views[chosen.view] if "spectrogram" in reads else None
    if view and view.released:
        raise MerError(
            f"fidelity='released': view={chosen.view!r} is the described spectrogram; choose view="
            f"{view.released}"
        )
    if "table" not in reads or chosen.family not in params.families:
        return
    theirs = getattr(registry.get("features", chosen.family), "RELEASED", {})
    for key, value in theirs.items():
        if params.families[chosen.family][key] != value:
            name = f"families.{chosen.family}.{key}"
            raise MerError(
                f"fidelity='released': {name} must be {value!r}, as in the authors' code; set it with -S "
                f"{name}={value}"
            )


def check_inputs(chosen: Selection, params: Params) -> None:
    """Refuse a selection without an input that the model reads.

    Raises
    ------
    MerError
        If an input is missing; the message names the choices that fit.
    """
    module = registry.get("models", chosen.model)
    if "table" in module.reads:
        _check_table(chosen, params)
    if "spectrogram" in module.reads:
        _check_view(chosen, params, module.trainer)
    _check_rates(chosen, params, module.reads)
    _check_fidelity(chosen, params, module)
    _check_target(chosen, params)
    policy = params.policies[chosen.augment]
    _check_policy(chosen, policy, module)
    if module.trainer == "sklearn_estimator" and policy.oversampling:
        made = f"augment={chosen.augment!r} adds synthetic rows"
        _check_no_inner_folds(chosen, params, made, "choose augment=none")
    if policy.leak != "none":
        _check_leak(chosen, policy.leak, module.trainer)


def _check_table(chosen: Selection, params: Params) -> None:
    """Refuse a family that is neither extracted nor published with the corpus."""
    published: Collection[str] = ()  # of a segmented corpus, for tables describe whole clips
    if chosen.dataset not in params.segmented_corpora:
        layout = registry.get("datasets", params.corpora[chosen.dataset].layout)
        published = getattr(layout, "published_families", ())
    if chosen.family == "none":
        fitting = [name for name in params.families if name != "none"]
        raise MerError(
            f"family='none': model {chosen.model!r} reads a table; choose one of {fitting}"
        )
    if not _has_table(chosen.family, params, published):
        names = [*params.families, *(join.name for join in params.joined_families)]
        fitting = [name for name in names if _has_table(name, params, published)]
        raise MerError(
            f"family={chosen.family!r}: {chosen.dataset!r} must come with that published table; "
            f"choose one of {fitting}"
        )


def _check_view(chosen: Selection, params: Params, trainer: str) -> None:
    """Refuse a view without spectrograms, and a segmented view for the model ``hybrid``."""
    view = params.views[chosen.view]
    if view is None:
        fitting = [name for name in params.views if name != "none"]
        raise MerError(
            f"view='none': model {chosen.model!r} reads a spectrogram; choose one of {fitting}"
        )
    if trainer == "hybrid" and view.segment_samples:
        fitting = [name for name, view in params.views.items() if view and not view.segment_samples]
        raise MerError(
            f"view={chosen.view!r}: model {chosen.model!r} needs one spectrogram per clip, and "
            f"this view has one per segment; choose one of {fitting}"
        )


def _check_rates(chosen: Selection, params: Params, reads: Collection[str]) -> None:
    """Refuse a view or a family of a higher sample rate than that of the corpus."""
    dataset = params.recorded(chosen.dataset)
    highest = params.corpora[dataset].sample_rate
    rates: dict[str, int | None] = {}
    if "spectrogram" in reads and (view := params.views[chosen.view]):
        rates[f"views.{chosen.view}.sample_rate"] = view.sample_rate
    if "table" in reads and chosen.family in params.families:
        rates[f"families.{chosen.family}.sample_rate"] = params.families[chosen.family].get(
            "sample_rate"
        )
    for key, rate in rates.items():
        if rate and int(rate) > highest:
            raise MerError(
                f"{key}={rate} must be at most corpora.{dataset}.sample_rate={highest}, for audio is never "
                "upsampled; lower the former, or raise the latter if the recordings have that rate"
            )


def _check_fidelity(chosen: Selection, params: Params, module: interfaces.Model) -> None:
    """Refuse a reading of the paper that the model does not know, or that the inputs do not follow."""
    if chosen.fidelity not in module.fidelities:
        raise MerError(
            f"fidelity={chosen.fidelity!r}: model {chosen.model!r} does not implement it; choose one of "
            f"{list(module.fidelities)}"
        )
    if chosen.fidelity != "released":
        return
    _check_released_inputs(chosen, params, module.reads)
    policy = params.policies[chosen.augment]
    if policy.synthesis:
        raise MerError(
            f"fidelity='released': augment {chosen.augment!r} is implemented as described only; choose "
            "fidelity='described'"
        )
    if policy.versions and policy.leak == "none" and module.augments == "pretraining":
        raise MerError(
            f"fidelity='released': model {chosen.model!r} is not pre-trained, and nothing else reads the "
            f"versions of augment={chosen.augment!r}; choose augment='none'"
        )


def _check_target(chosen: Selection, params: Params) -> None:
    """Refuse a target that the model does not predict, or, for values, parts that need classes."""
    kind, policy = labels.kind_of(chosen.target), params.policies[chosen.augment]
    if kind not in registry.get("models", chosen.model).predicts:
        fitting = [name for name in params.models if kind in registry.get("models", name).predicts]
        other = " or ".join(registry.get("models", chosen.model).predicts)
        raise MerError(
            f"target={chosen.target!r}: model {chosen.model!r} does not predict {kind}; choose one of "
            f"{fitting}, or a target of {other}"
        )
    if kind == "classes":
        return
    if not params.corpora[params.recorded(chosen.dataset)].range:
        fitting = [name for name, corpus in params.corpora.items() if corpus.range]
        raise MerError(
            f"target={chosen.target!r}: {chosen.dataset!r} states no range of valence and arousal; set "
            f"corpora.{chosen.dataset}.range in params/corpora.yaml, or choose one of {fitting}"
        )
    if chosen.fidelity == "released":
        raise MerError(
            f"fidelity='released': the authors' code predicts classes, and target={chosen.target!r} needs "
            "values; choose fidelity='described'"
        )
    if policy.synthesis or isinstance(policy.oversampling, Smote):
        raise MerError(
            f"augment={chosen.augment!r} makes clips of each class, and target={chosen.target!r} has none; "
            "choose another policy, as classic or none"
        )


def _check_policy(chosen: Selection, policy: Policy, module: interfaces.Model) -> None:
    """Refuse a policy with a part that the trainer of the model does not apply."""
    applied = applied_parts(module)
    for part in ("synthesis", "oversampling", "masking", "spec_augment"):
        if getattr(policy, part) and part not in applied:
            raise MerError(
                f"augment={chosen.augment!r}: model {chosen.model!r} does not apply its {part}, so the "
                "run would be one without it; choose another policy, as none"
            )


def _check_no_inner_folds(chosen: Selection, params: Params, why: str, remedy: str) -> None:
    """Refuse an inner cross-validation where its validation rows would not be unseen."""
    block = params.models[chosen.model]
    plain = {"search": "none", "combine": "features"}  # the values without inner folds
    for key, value in plain.items():
        if block.get(key, value) != value:
            raise MerError(
                f"{why}, so the inner cross-validation of models.{chosen.model}.{key}={block[key]!r} would "
                f"not validate on unseen rows; set models.{chosen.model}.{key} to {value}, or {remedy}"
            )
    if len(alphas := block.get("alphas", ())) > 1:
        raise MerError(
            f"{why}, so the inner cross-validation of models.{chosen.model}.alphas={list(alphas)} would "
            f"not validate on unseen rows; give one alpha, or {remedy}"
        )


def _check_leak(chosen: Selection, leak: str, trainer: str) -> None:
    """Refuse a policy with ``leak`` for a model in which nothing leaks."""
    kind, leaking = {
        "before_split": ("a scikit-learn estimator", trainer == "sklearn_estimator"),
        "mismatched_folds": (
            "the model hybrid as described",
            trainer == "hybrid" and chosen.fidelity == "described",
        ),
    }[leak]
    if not leaking:
        raise MerError(
            f"augment={chosen.augment!r} shows what the leak {leak!r} gains {kind}, and model "
            f"{chosen.model!r} as {chosen.fidelity} has no such leak; choose another policy"
        )


def check_columns(chosen: Selection, columns: Columns, params: Params) -> None:
    """Refuse columns of a table that the model does not read, or that no catalogue describes.

    Raises
    ------
    MerError
        Naming the columns, and the families that fit.
    """
    if columns.used and "table" not in registry.get("models", chosen.model).reads:
        raise MerError(
            f"columns={columns.used}: model {chosen.model!r} reads no table; leave them out, or "
            "choose a model that reads one"
        )
    if columns.select != "none" and labels.kind_of(chosen.target) == "values":
        raise MerError(
            f"columns.select={columns.select!r} ranks columns by classes, and target={chosen.target!r} has "
            "none; set it to none"
        )
    if columns.select != "none":
        ranked = f"columns.select={columns.select!r} ranks columns by all training clips"
        _check_no_inner_folds(chosen, params, ranked, "set columns.select to none")
    if not columns.restrictions:
        return
    fitting = [
        name for name in params.families if hasattr(registry.get("features", name), "catalogue")
    ]
    if chosen.family not in fitting:
        raise MerError(
            f"columns={columns.restrictions}: no catalogue describes the columns of family="
            f"{chosen.family!r}; choose one of {fitting}"
        )


def _check_weights(chosen: Selection, params: Params, folder: Path) -> None:
    """Refuse a model or family whose pretrained weights are missing or have another digest."""
    module = registry.get("models", chosen.model)
    blocks = [("models", chosen.model, params.models)]
    if "table" in module.reads and chosen.family in params.families:
        blocks.append(("features", chosen.family, params.families))
    for package, name, block in blocks:
        typed = registry.get(package, name).Params.model_validate(block[name])
        weights = getattr(typed, "weights", None)
        if weights and (reason := pretrained.unusable_reason(weights, folder)):
            raise MerError(f"{name}: {reason}")


def check(params: Params, raw: Path) -> None:
    """Refuse a selection that cannot run; the message names the choices that can.

    Parameters
    ----------
    raw : Path
        ``data/raw``, where corpora and weights lie.

    Raises
    ------
    MerError
        If the corpus or the pretrained weights are missing (the message says where they belong and where
        to get them), if the protocol cannot split the corpus, or if the model cannot read the selected
        inputs.
    """
    chosen = Selection(**{name: getattr(params, name) for name in SELECTORS})
    if chosen.dataset not in params.demos:
        _check_corpus(chosen, params, raw)
    check_inputs(chosen, params)
    check_columns(chosen, params.columns, params)
    _check_weights(chosen, params, raw / pretrained.FOLDER.name)
