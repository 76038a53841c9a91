"""Provenance of a run: the parameters that differ from the committed ones, and the code."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mer import config
from mer.errors import MerError
from mer.io import yaml_files
from mer.pipeline.run_record import git, uncommitted
from mer.schema.feature_selection import EVERY_COLUMN, Columns, JoinedFamilies, members
from mer.schema.parameters import FILES, PARAMS
from mer.selection import Selection

# Sections that shape the artefacts of every corpus, and those keys of a corpus' own section that do.
EVERYWHERE = ("audio", "quarantine")
OF_CORPUS = ("layout", "sample_rate", "peak_db")
# Key of a training -> the key of a profile that replaces it.
REPLACED = {"batch_size": "batch_size", "max_epochs": "smoke_test", "precision": "portable"}
Values = dict[str, Any]

log = logging.getLogger("mer")


def _sections_of_corpus(corpus: str, content: Mapping[str, Any]) -> list[str]:
    """Dotted keys of the sections that decide the clips of a corpus."""
    found = []
    if corpus in content["segmented_corpora"]:
        found.append(f"segmented_corpora.{corpus}")
        corpus = content["segmented_corpora"][corpus]["of"]
    found += [f"corpora.{corpus}.{key}" for key in OF_CORPUS]
    has_values = content["corpora"].get(corpus, {}).get("range") is not None
    if has_values:  # the range decides them, and the classes that are derived from them
        found.append(f"corpora.{corpus}.range")
    if corpus in content["merged_corpora"]:
        members = content["merged_corpora"][corpus]["of"]
        found += [f"merged_corpora.{corpus}", *(f"corpora.{name}.layout" for name in members)]
    return found


def _sections(chosen: Selection, source: str | None, content: Mapping[str, Any]) -> list[str]:
    """Dotted keys of the sections that decide a run."""
    used = chosen.used
    found = [
        f"models.{used['model']}",
        f"policies.{used['augment']}",
        f"profiles.{used['profile']}",
    ]
    if used["view"] != "none":
        found.append(f"views.{used['view']}")
    if used["family"] != "none":
        joins = [JoinedFamilies(**join) for join in content["joined_families"]]
        found += [f"families.{name}" for name in members(chosen.family, joins)]
    for corpus in (chosen.dataset, source):
        found += _sections_of_corpus(corpus, content) if corpus else []
    return [*found, *EVERYWHERE]


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """The values of a section by their dotted keys."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}")
    else:
        yield key, value


def _values(content: Mapping[str, Any], sections: list[str]) -> Values:
    """The values of the sections by their dotted keys; a section that is missing has none."""
    found: Values = {}
    for section in sections:
        value: Any = content
        for name in section.split("."):
            value = value.get(name, {}) if isinstance(value, dict) else {}
        found |= dict(_leaves(value, section)) if value != {} else {}
    return found


def _committed(revision: str) -> dict[str, Any] | None:
    """The content of params.yaml and params/*.yaml in a commit; None if there is none."""
    return _content_of(git("rev-parse", "--verify", "--quiet", revision))


@cache
def _content_of(commit: str) -> dict[str, Any] | None:
    """As ``_committed``, of a commit by its full hash, whose content never changes."""
    if not commit:
        return None
    content: dict[str, Any] = {}
    for file in dict.fromkeys([PARAMS.as_posix(), *FILES.values()]):
        text = git("show", f"{commit}:./{file}")
        if not text:
            return None
        content |= yaml_files.parse(text, Path(file))
    return content


def warn_of_replaced(changed: Iterable[str], profile: str) -> None:
    """Log which changed settings of a training the profile replaces, so that they do not change the run.

    Parameters
    ----------
    changed : iterable of str
        Dotted keys.
    """
    (scope,) = config.read(f"profiles.{profile}")
    for key in changed:
        by = REPLACED.get(key.rpartition(".")[2])
        if by and key.startswith("models.") and (value := getattr(scope, by)):
            log.warning("%s has no effect: profiles.%s.%s=%s replaces it", key, profile, by, value)


def digest(
    chosen: Selection,
    settings: Mapping[str, Any] | None = None,
    columns: Columns = EVERY_COLUMN,
    source: str | None = None,
) -> dict[str, str]:
    """``parameters_sha256``: the first 12 digits of the hash of all values that decide a run, but the seed.

    Parameters
    ----------
    chosen : Selection
    settings : mapping of str to value
        Dotted keys below the model's section that the experiment itself replaces.
    columns : Columns
        Which columns of the table the experiment chooses.
    source : str or None
        The corpus that the experiment trains on instead of the tested one.
    """
    content = config.load()
    values = _values(content, _sections(chosen, source, content))
    values |= {f"models.{chosen.model}.{key}": value for key, value in (settings or {}).items()}
    values |= {f"columns.{key}": value for key, value in columns.used.items()}
    text = json.dumps(values, sort_keys=True)
    return {"parameters_sha256": hashlib.sha256(text.encode()).hexdigest()[:12]}


def changes(
    chosen: Selection, source: str | None = None, revision: str | None = None
) -> dict[str, Values | None]:
    """``changed``: the parameters of a run that differ from the committed ones, those of HEAD.

    They depend on what is committed when they are asked for, so no output that DVC hashes may hold them.

    Parameters
    ----------
    source : str or None
        The corpus that the run trains on instead of the tested one.
    revision : str or None
        The commit whose parameters are those of the run; None for the files as they are.

    Returns
    -------
    dict
        Empty where no parameter differs, and neither does the seed. Else ``changed``: dotted key -> value
        in the run, None for a key that is left out; None in place of the mapping where no Git repository
        says what is committed.
    """
    content = _committed(revision) if revision else config.load()
    committed = _committed("HEAD")
    if content is None or committed is None:
        return {"changed": None}
    sections = _sections(chosen, source, content)
    values, theirs = _values(content, sections), _values(committed, sections)
    changed = {k: v for k, v in values.items() if k not in theirs or theirs[k] != v}
    changed |= dict.fromkeys(sorted(theirs.keys() - values.keys()))
    changed |= {} if committed.get("seed") == chosen.seed else {"seed": chosen.seed}
    return {"changed": changed} if changed else {}


def require_committed_code(key: str) -> None:
    """Refuse to file a result of a real corpus under a commit that does not hold the code of the run.

    Raises
    ------
    MerError
        If a file of the code is not committed. Without a Git repository nothing is refused: the record
        then names no commit.
    """
    if files := uncommitted():
        raise MerError(
            f"{key}: the result of a real corpus must come from committed code, and {files[0]} has changes "
            "that are not committed; commit them (`git commit -a`), or try them on the miniature "
            "(`-S miniature=demo_ -S papers_profile=miniature`)"
        )
