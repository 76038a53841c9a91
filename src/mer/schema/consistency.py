"""Checks of params.yaml and params/*.yaml that concern several sections."""

from itertools import combinations
from pathlib import Path

from mer import registry
from mer.errors import MerError
from mer.schema.parameters import CHOICES, TYPED_BY_MODULE, Params, file_of
from mer.schema.profiles import WHOLE
from mer.types import LEAKY, MINIATURE


def check(params: Params, path: Path) -> None:
    """Check what the sections say of each other.

    Raises
    ------
    MerError
        Naming the file and the key, and the choices where there are some.
    """
    _check_corpora(params, file_of("corpora", path))
    _check_joins(params, file_of("joined_families", path))
    _check_profiles(params, path)
    _check_policies(params, file_of("policies", path))
    _check_choices(params, path)


def _check_corpora(params: Params, file: Path) -> None:
    """Every layout exists, and merged and segmented corpora are made of corpora that exist."""
    layouts = registry.names("datasets")
    rendered = params.demos.keys() | params.merged_corpora.keys()
    for key, corpus in params.corpora.items():
        if key.startswith(MINIATURE) and key not in rendered:
            raise MerError(
                f"{file}: the name of corpora.{key} must not begin with {MINIATURE}, which marks rendered "
                f"corpora; rename it, or add a block demos.{key} (seed, seconds) to params/demos.yaml"
            )
        if corpus.layout not in layouts:
            raise MerError(
                f"{file}: corpora.{key}.layout={corpus.layout!r} is not one of {layouts}; choose one"
            )
        if unknown := [other for other in corpus.shares_songs_with if other not in params.corpora]:
            raise MerError(
                f"{file}: corpora.{key}.shares_songs_with: {unknown[0]!r} is not one of "
                f"{sorted(params.corpora)}; choose among them"
            )
    known = sorted(params.corpora.keys() - params.merged_corpora.keys())
    for key, merged in params.merged_corpora.items():
        for member in merged.of:
            if member not in known:
                raise MerError(
                    f"{file}: merged_corpora.{key}.of: {member!r} is not one of {known}; choose among them"
                )
        for one, other in combinations(merged.of, 2):
            if params.sharing_songs(one) & params.sharing_songs(other):
                raise MerError(
                    f"{file}: merged_corpora.{key}.of must name corpora without common songs, and {one!r} "
                    f"shares some with {other!r}; leave one out"
                )
        if key not in params.corpora or params.corpora[key].layout != "folder":
            raise MerError(
                f"{file}: corpora.{key} must be there with layout=folder, for merged_corpora.{key}; add "
                "that block"
            )
    for key, segmented in params.segmented_corpora.items():
        where, corpora = f"{file}: segmented_corpora.{key}", sorted(params.corpora)
        if segmented.of not in corpora:
            raise MerError(
                f"{where}.of: {segmented.of!r} is not one of {corpora}; choose one of them"
            )
        if key in corpora:
            raise MerError(f"{where} must not have the name of a corpus; rename it")


def _check_joins(params: Params, file: Path) -> None:
    """A join has a name of its own, and joins families, or joins that stand before it."""
    taken = list(params.families)
    for join in params.joined_families:
        if join.name in taken:
            raise MerError(
                f"{file}: joined_families: the name {join.name!r} must not be that of another family; "
                "rename it"
            )
        for side in (join.left, join.right):
            if side not in taken:
                raise MerError(
                    f"{file}: joined_families: {join.name!r} joins {side!r}, not one of {sorted(taken)}; "
                    "choose among them"
                )
        taken.append(join.name)


def _check_profiles(params: Params, path: Path) -> None:
    """The profile of whole protocols limits nothing."""
    if WHOLE in params.profiles and not params.profiles[WHOLE].whole:
        raise MerError(
            f"{path}: profiles.{WHOLE} must limit nothing, for its figures stand as those of a whole "
            "protocol; set folds, repeats, max_folds, max_epochs or batch_size of profiles.quick, and "
            "profile=quick"
        )


def _check_policies(params: Params, file: Path) -> None:
    """The name of a policy says whether it leaks test clips, for results keep only the name."""
    for name, policy in params.policies.items():
        if (policy.leak != "none") != name.endswith(LEAKY):
            raise MerError(
                f"{file}: the name of a policy must end in {LEAKY} if its leak is not none, and only then; "
                f"policies.{name} has leak={policy.leak!r}; rename it"
            )


def _check_choices(params: Params, path: Path) -> None:
    """The choice of every selector has a block."""
    joins = [join.name for join in params.joined_families]
    for selector, block in CHOICES.items():
        chosen, known = getattr(params, selector), sorted(getattr(params, block))
        if chosen in known or (selector == "family" and chosen in joins):
            continue
        if block in TYPED_BY_MODULE and chosen in registry.names(TYPED_BY_MODULE[block]):
            raise MerError(f"{path}: {selector}={chosen!r} needs a block {block}.{chosen}; add it")
        every = [*known, *joins] if selector == "family" else known
        raise MerError(
            f"{path}: {selector}={chosen!r} is not one of {every}; choose one, or add a block "
            f"{block}.{chosen} to {file_of(block, path)}"
        )
