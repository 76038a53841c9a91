"""The rules of papers/*/paper.yaml beyond the types of their keys: tables, experiments and params fit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from mer import config, registry
from mer.compatibility import check_columns, check_inputs
from mer.contracts.trainers import STARTS_FROM_WEIGHTS, applied_parts
from mer.errors import MerError
from mer.metrics import limits
from mer.reproduction.spec import (
    STAGE_OF_BLOCK,
    CellSource,
    Cross,
    Experiment,
    Papers,
    Pretrained,
    Setting,
    Table,
)
from mer.schema.parameters import Params
from mer.schema.profiles import WHOLE
from mer.selection import Selection
from mer.types import MINIATURE


@dataclass(frozen=True)
class _Entry:
    """A block of a paper's file, as ``tables.<name>`` or ``experiments.<key>``."""

    paper: str
    name: str

    def refuse(self, fault: str) -> NoReturn:
        """Raise the fault of this entry, with its file."""
        raise MerError(f"papers/{self.paper}/paper.yaml: {self.name}{fault}") from None

    def require(self, holds: bool, key: str, value: object, rule: str) -> None:
        """Refuse a value that breaks a rule: ``must …, and what to do``."""
        if not holds:
            self.refuse(f".{key}={value!r} {rule}")

    def one_of(self, key: str, value: str, known: Iterable[str]) -> None:
        """Refuse a value that is not known."""
        names = sorted(known)
        self.require(value in names, key, value, f"must be one of {names}; correct it")

    def keys_of(self, key: str, found: Iterable[str], known: Iterable[str]) -> None:
        """Refuse a mapping with a key that is not known."""
        for name in found:
            if name not in (names := sorted(known)):
                self.refuse(f".{key}.{name}: {name!r} must be one of {names}; correct or remove it")


def check(papers: Papers, params: Params) -> None:
    """Refuse tables and experiments that do not fit together, or do not fit params.yaml.

    Raises
    ------
    MerError
        Naming the file, the key, its value, and what to do, for the first rule that is broken.
    """
    for name, table in papers.tables.items():
        _check_table(name, table)
        _check_cells(name, table, papers)
        _check_scores(name, table, papers)
    _check_use(papers)
    for entry, found in _entries(papers):
        _check_names(entry, found, params)
        if isinstance(found, Experiment):
            _check_inputs(entry, found, params)
            _check_augmentation(entry, found, params)
            _check_settings(entry, found, params)
            _check_selection(entry, found, params)
            _check_weights(entry, found, params)
    _check_parents(papers, params)


def _entries(papers: Papers) -> Iterator[tuple[_Entry, CellSource]]:
    for block in STAGE_OF_BLOCK:
        for key, found in getattr(papers, block).items():
            yield _Entry(found.paper, f"{block}.{key}"), found


def _check_table(name: str, table: Table) -> None:
    """A table belongs to its paper, and its rows name metrics, columns and rows of the table."""
    entry = _Entry(table.paper, f"tables.{name}")
    begins = name.startswith(f"{table.paper}_")
    entry.require(
        begins, "paper", table.paper, "must begin the name of the table; rename the table"
    )
    if table.reference is not None:
        entry.one_of("reference", table.reference, table.rows)
    for key, row in table.rows.items():
        entry = _Entry(table.paper, f"tables.{name}.rows.{key}")
        for field, published in (("published", row.published), ("published_sd", row.published_sd)):
            entry.keys_of(field, published, table.metrics)
            for metric, figures in published.items():
                entry.keys_of(f"{field}.{metric}", figures, table.columns)
        entry.keys_of("experiments", row.experiments, table.columns)
        entry.keys_of("figures", row.figures, table.metrics)
        entry.keys_of("why", row.why if isinstance(row.why, dict) else (), table.columns)
        for against in row.references:
            entry.one_of("references", against, table.rows)


def _check_cells(name: str, table: Table, papers: Papers) -> None:
    """A cell has an experiment of its paper, or a reason why it has none."""
    for key, row in table.rows.items():
        entry = _Entry(table.paper, f"tables.{name}.rows.{key}")
        found = {column: papers.find(table.key(key, column)) for column in table.columns}
        for column, experiment in found.items():
            wanted = table.key(key, column)
            if experiment is None and not table.why(key, column):
                entry.refuse(
                    f": the cell of column {column!r} must have an experiment {wanted!r}, or a reason "
                    "why it has none; add the experiment, or `why` to the row"
                )
            if experiment and experiment.paper != table.paper:
                entry.refuse(
                    f": the cell of column {column!r} must have an experiment of its own paper, and "
                    f"{wanted!r} belongs to {experiment.paper!r}; name another"
                )
        rule = "must be left out, for every cell of the row has an experiment; remove it"
        entry.require(not (row.why and all(found.values())), "why", row.why, rule)


def _check_scores(name: str, table: Table, papers: Papers) -> None:
    """A published score lies where its metric can, and so is no percentage."""
    for key, row in table.rows.items():
        entry = _Entry(table.paper, f"tables.{name}.rows.{key}")
        for field, published in (("published", row.published), ("published_sd", row.published_sd)):
            for metric, figures in published.items():
                low, high = limits(metric)
                rule = f"must lie in {low}..{high}, as this metric does; divide a percentage by 100"
                for column, figure in figures.items():
                    is_score = papers.has_published_score(table, key, column) and not table.timed
                    at = f"{field}.{metric}.{column}"
                    entry.require(not is_score or low <= figure <= high, at, figure, rule)


def _check_use(papers: Papers) -> None:
    """Refuse an experiment that no cell of a table uses and no transfer starts from."""
    used = {found.parent for found in papers.transfer.values()}
    for table in papers.tables.values():
        used |= {table.key(row, column) for row in table.rows for column in table.columns}
    for entry, _ in _entries(papers):
        if entry.name.partition(".")[2] not in used:
            entry.refuse(" must stand behind a cell of a table; name it in a row, or remove it")


def _check_names(entry: _Entry, found: CellSource, params: Params) -> None:
    """Every corpus, view, model, family and policy is there, and each corpus has its miniature."""
    corpora = params.corpora.keys() | params.segmented_corpora.keys()
    datasets = {"dataset": found.dataset}
    if isinstance(found, Cross):
        datasets["source"] = found.source
        rule = f"must be another corpus than dataset={found.dataset!r}; name one, or move it to experiments"
        entry.require(found.source != found.dataset, "source", found.source, rule)
    for key, value in datasets.items():
        entry.one_of(key, value, corpora)
        miniature = f"{MINIATURE}{value}"
        rule = (
            f"must have a miniature, {miniature!r}, and there is none; add it to corpora and demos"
        )
        entry.require(miniature in corpora, key, value, rule)
    if isinstance(found, Setting | Experiment):
        entry.one_of("view", found.view, params.views)
        entry.one_of("model", found.model, params.models)
    if isinstance(found, Experiment):
        entry.one_of(
            "family", found.family, [*params.families, *(j.name for j in params.joined_families)]
        )
        entry.one_of("augment", found.augment, params.policies)
        whole = (
            params.segmented_corpora[found.dataset].of
            if found.dataset in params.segmented_corpora
            else None
        )
        rule = f"must be {whole!r}, which {found.dataset!r} is cut from; correct it"
        entry.require(found.corpus == whole, "corpus", found.corpus, rule)


def _check_inputs(entry: _Entry, found: Experiment, params: Params) -> None:
    """An input that the model does not read is ``none``."""
    module, policy = registry.get("models", found.model), params.policies[found.augment]
    augments = module.augments != "no"
    augments |= any(getattr(policy, part) is not None for part in applied_parts(module))
    read = {
        "family": "table" in module.reads,
        "view": "spectrogram" in module.reads,
        "augment": augments,
    }
    if isinstance(found, Cross):
        rule = "must read a table or whole waveforms, to train on one corpus and test on another; choose "
        entry.require("spectrogram" not in module.reads, "model", found.model, f"{rule}another")
        _check_source(entry, found, params)
    for key, reads in read.items():
        value = getattr(found, key)
        rule = f"must be 'none', for model {found.model!r} does not use it; correct it"
        entry.require(reads or value == "none", key, value, rule)


def _check_augmentation(entry: _Entry, found: Experiment, params: Params) -> None:
    """``augmented`` says where the augmented copies of the policy lie, if it makes any."""
    makes = bool(params.policies[found.augment].versions)
    expected = f"{found.augment}/{found.view}" if makes else "none/none"
    rule = f"must be {expected!r} for augment={found.augment!r} and view={found.view!r}; correct it"
    entry.require(found.augmented == expected, "augmented", found.augmented, rule)


def _with_settings(model: str, words: list[str], params: Params) -> Params:
    """The parameters with the settings of an experiment in the block of its model."""
    typed = registry.get("models", model).Params.model_validate(params.models[model])
    block = config.with_values(typed, config.settings(words)).model_dump()
    return params.model_copy(update={"models": {**params.models, model: block}})


def _check_selection(entry: _Entry, found: Experiment, params: Params) -> None:
    """The model can read what is selected, on the corpus and on its miniature, and the columns fit."""
    words = found.settings.split()
    effective = _with_settings(found.model, words, params)
    for prefix in ("", MINIATURE):
        given = {**found.model_dump(), "dataset": f"{prefix}{found.dataset}"}
        try:
            chosen = Selection.of(given, WHOLE, seed=1)
            check_inputs(chosen, effective)
            check_columns(chosen, config.columns(words), effective)
        except MerError as error:
            entry.refuse(f": {error}")


def _check_settings(entry: _Entry, found: Experiment, params: Params) -> None:
    """Its words name keys of the model's block or of ``columns``, each once, with values that fit."""
    words = found.settings.split()
    try:
        given, narrowing = config.settings(words), config.settings(words, "columns")
    except MerError as error:
        entry.refuse(f".settings={found.settings!r}: {error}")
    rule = (
        "must be words set.<key>=<value> or columns.<key>=<value>, each key once; correct or remove "
        "the others"
    )
    entry.require(len(given) + len(narrowing) == len(words), "settings", found.settings, rule)
    try:
        _with_settings(found.model, words, params)
    except MerError as error:
        entry.refuse(f".settings={found.settings!r}: {error}")


def _check_weights(entry: _Entry, found: Experiment, params: Params) -> None:
    """An experiment that needs weights which a user brings stands in ``pretrained`` and names them."""
    blocks = {found.family: params.families.get(found.family, {})}
    blocks[found.model] = params.models[found.model]
    needed = [name for name, block in blocks.items() if "weights" in block]
    if isinstance(found, Pretrained):
        rule = f"must be one of {needed}, which need weights; correct it, or move it to experiments"
        entry.require(found.weights in needed, "weights", found.weights, rule)
    elif needed:
        entry.refuse(
            f" must stand in pretrained, with weights: {needed[0]}, for it needs them; move it there"
        )


def _songs_of(dataset: str, params: Params) -> set[str]:
    """The corpora that some songs of a corpus are in; of a merged corpus, those of its parts."""
    whole = params.recorded(dataset)
    merged = params.merged_corpora.get(whole)
    parts = merged.of if merged else (whole,)
    return set().union(*map(params.sharing_songs, parts))


def _check_source(entry: _Entry, found: Cross, params: Params) -> None:
    """A system is tested on other songs than it is trained on, unless both corpora have the same folds."""
    merged = params.merged_corpora.get(params.recorded(found.source))
    if merged and params.recorded(found.dataset) in merged.of:
        return
    apart = _songs_of(found.source, params).isdisjoint(_songs_of(found.dataset, params))
    rule = f"must have other songs than {found.dataset!r}, which is tested; choose another corpus"
    entry.require(apart, "source", found.source, rule)


def _check_parents(papers: Papers, params: Params) -> None:
    """A transfer goes on from an experiment with the same model, and a chain of them has a beginning."""
    known: dict[str, Experiment] = {**papers.experiments, **papers.transfer}
    for key, child in papers.transfer.items():
        entry = _Entry(child.paper, f"transfer.{key}")
        entry.one_of("parent", child.parent, known)
        rule = f"must be an experiment with model={child.model!r}, to train it further; name one"
        entry.require(known[child.parent].model == child.model, "parent", child.parent, rule)
        trainer = registry.get("models", child.model).trainer
        rule = (
            f"must be a model whose trainer is one of {sorted(STARTS_FROM_WEIGHTS)}; choose another"
        )
        entry.require(trainer in STARTS_FROM_WEIGHTS, "model", child.model, rule)
    for key, child in papers.transfer.items():
        chain = [key]
        while (link := papers.transfer.get(chain[-1])) and link.parent not in chain:
            chain.append(link.parent)
        rule = f"must not lead back to itself: {' <- '.join(chain)}; name an experiment"
        entry = _Entry(child.paper, f"transfer.{key}")
        entry.require(link is None, "parent", child.parent, rule)
        before = {c for parent in chain[1:] for c in _songs_of(known[parent].dataset, params)}
        rule = f"must come from other corpora than {child.dataset!r}, whose test clips it may know"
        is_new = before.isdisjoint(_songs_of(child.dataset, params))
        entry.require(is_new, "parent", child.parent, rule)
