"""papers/<paper>/paper.yaml: published tables, and the experiment for each of their cells."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, FiniteFloat, ValidationError

from mer import config
from mer.errors import MerError
from mer.io import yaml_files
from mer.schema import Block, Key, NamedProtocol, TargetName

PAPERS = Path("papers")
Published = dict[Key, dict[Key, FiniteFloat]]


class Paper(Block):
    """``papers.<key>``: a reproduced paper."""

    title: str
    authors: str
    url: str | None


def _of_cell(*known: str) -> AfterValidator:
    """A validator of text with some of the names of a cell in braces."""

    def check(pattern: str) -> str:
        try:
            pattern.format(**dict.fromkeys(known, ""))
        except (LookupError, ValueError):
            names = ", ".join(f"{{{name}}}" for name in known)
            raise ValueError(f"must have no other names in braces than {names}") from None
        return pattern

    return AfterValidator(check)


KeyPattern = Annotated[str, _of_cell("row", "column")]
FigurePattern = Annotated[str, _of_cell("metric", "row", "column")]


class Column(Block):
    """``columns.<key>`` of a table.

    Attributes
    ----------
    title : as the paper prints it
    why : reason why its cells have no experiment
    """

    title: str
    why: str | None = None


class Row(Block):
    """``rows.<key>`` of a table.

    Attributes
    ----------
    title : as the paper prints it
    why : reason why its cells, or its cells in the named columns, have no experiment
    note : differences from the paper
    published : metric -> column -> the figure, in 0..1 (or a count) and with the digits of the paper
    published_sd : the same for the standard deviation, where the authors repeated their trainings
    experiments : column -> key of the experiment, where the pattern of the table does not give it
    figures : metric -> name of the figure in the results, where the pattern of the table does not give it
    references : rows for the paired tests, in place of the reference of the table
    """

    title: str
    why: str | dict[Key, str] | None = None
    note: str | None = None
    published: Published = Field(default_factory=dict)
    published_sd: Published = Field(default_factory=dict)
    experiments: dict[Key, KeyPattern] = Field(default_factory=dict)
    figures: dict[Key, FigurePattern] = Field(default_factory=dict)
    references: tuple[Key, ...] = ()


class Table(Block):
    """``tables.<paper>_<table>``: one published table.

    Attributes
    ----------
    paper : key of ``papers``
    title : as the paper prints it
    protocol : of the paper, in a sentence
    metrics : names of scores, or of other figures of the experiments
    experiment : key of the experiment behind a cell, with ``{row}`` and ``{column}``
    figure : name of the figure in its results, with ``{metric}``, ``{row}`` and ``{column}``
    reference : row that the others are compared with in paired tests; null for none
    timed : whether the figures are times, which need the name of the device
    folds : whether the figures of each fold, averaged over restarts, are also shown
    """

    paper: Key
    title: str
    protocol: str
    metrics: tuple[Key, ...] = Field(min_length=1)
    experiment: KeyPattern = "{row}_{column}"
    figure: FigurePattern = "{metric}"
    reference: Key | None = None
    timed: bool = False
    folds: bool = False
    columns: dict[Key, Column]
    rows: dict[Key, Row]

    def key(self, row: str, column: str) -> str:
        """The key that the experiment of a cell has, if there is one."""
        pattern = self.rows[row].experiments.get(column, self.experiment)
        return pattern.format(row=row, column=column)

    def name(self, metric: str, row: str, column: str) -> str:
        """The name of a cell's figure in the results of its experiment."""
        pattern = self.rows[row].figures.get(metric, self.figure)
        return pattern.format(metric=metric, row=row, column=column)

    def references(self, row: str) -> tuple[str, ...]:
        """The rows that a row is compared with in paired tests."""
        every = self.rows[row].references or tuple(filter(None, [self.reference]))
        return tuple(against for against in every if against != row)

    def why(self, row: str, column: str) -> str | None:
        """The reason why a cell has no experiment, from its row or else its column."""
        found = self.rows[row].why
        return (found.get(column) if isinstance(found, dict) else found) or self.columns[column].why


class CellSource(Block):
    """The source of figures of a corpus for cells of published tables."""

    paper: Key
    dataset: Key


class Count(CellSource):
    """``counts.<key>``: the numbers of clips of a corpus."""


class Setting(CellSource):
    """``settings.<key>``: the tabulated parameters of a view and a model on a corpus."""

    view: Key
    model: Key


class Experiment(CellSource):
    """``experiments.<key>``: the selectors of one experiment, except ``profile`` and ``seed``, which
    params.yaml has for all experiments.

    Attributes
    ----------
    augmented : ``<policy>/<view>`` of the augmented versions, ``none/none`` if the policy makes none
    settings : words ``set.<dotted key>=<value>`` that replace values of the model's block, and
        ``columns.<key>=<value>``, see ``mer.schema.feature_selection.Columns``
    corpus : original of a segmented corpus; null for other corpora
    """

    model: Key
    target: TargetName
    view: Key
    family: Key
    augment: Key
    augmented: str
    protocol: NamedProtocol
    fidelity: Literal["described", "released"]
    settings: str
    corpus: Key | None = None


class Cross(Experiment):
    """``cross.<key>``: trained on one dataset, tested on another.

    Attributes
    ----------
    source : the dataset to train on
    """

    source: Key


class Transfer(Experiment):
    """``transfer.<key>``: trained further from the network of another experiment.

    Attributes
    ----------
    parent : key of that experiment, in ``experiments`` or ``transfer``
    """

    parent: Key


class Pretrained(Experiment):
    """``pretrained.<key>``: an experiment that needs pretrained weights.

    Attributes
    ----------
    weights : the model or the family that has the pretrained weights
    """

    weights: Key


# Kind of experiment -> its stage in papers/experiments.yaml.
STAGE_OF_BLOCK = {
    "experiments": "experiment",
    "cross": "cross",
    "transfer": "transfer",
    "pretrained": "pretrained",
    "counts": "count",
    "settings": "setting",
}


class Papers(Block):
    """All files of ``papers/`` together.

    Attributes
    ----------
    systems : compositions and parts of compositions that experiments share by YAML anchors
    experiments, cross, transfer, pretrained, counts, settings : by key; groups of
        papers/experiments.yaml, some of them called by the singular
    """

    papers: dict[Key, Paper]
    tables: dict[Key, Table]
    systems: dict[Key, dict[str, Any]] = Field(default_factory=dict)
    experiments: dict[Key, Experiment] = Field(default_factory=dict)
    cross: dict[Key, Cross] = Field(default_factory=dict)
    transfer: dict[Key, Transfer] = Field(default_factory=dict)
    pretrained: dict[Key, Pretrained] = Field(default_factory=dict)
    counts: dict[Key, CellSource] = Field(default_factory=dict)
    settings: dict[Key, Setting] = Field(default_factory=dict)

    def has_published_score(self, table: Table, row: str, column: str) -> bool:
        """Whether the paper prints a score in a cell, not a parameter or a number of clips."""
        is_score = table.key(row, column) not in self.settings.keys() | self.counts.keys()
        return is_score and any(column in found for found in table.rows[row].published.values())

    @property
    def groups(self) -> dict[str, Mapping[str, CellSource]]:
        """All experiments, by their group in papers/experiments.yaml."""
        return {stage: getattr(self, name) for name, stage in STAGE_OF_BLOCK.items()}

    @property
    def stages(self) -> dict[str, str]:
        """Key of an experiment -> its stage, ``papers/<paper>/dvc.yaml:<group>@<key>``."""
        return {
            key: f"papers/{found.paper}/dvc.yaml:{group}@{key}"
            for group, keys in self.groups.items()
            for key, found in keys.items()
        }

    @property
    def corpora(self) -> set[str]:
        """The corpora that the experiments read."""
        return {corpus_of(found) for key in self.stages if (found := self.find(key))}

    def only(self, folders: Collection[str]) -> "Papers":
        """The tables and experiments of some papers.

        Parameters
        ----------
        folders : collection of str
            ``louro_merge`` or ``papers/louro_merge``.

        Raises
        ------
        MerError
            If one is not in ``papers``.
        """
        chosen = [Path(folder).name for folder in folders]
        if unknown := sorted(set(chosen) - self.papers.keys()):
            raise MerError(f"papers/{unknown[0]} must be one of {sorted(self.papers)}")
        blocks = {name: getattr(self, name) for name in Papers.model_fields}
        for name in ("tables", *STAGE_OF_BLOCK):
            blocks[name] = {k: found for k, found in blocks[name].items() if found.paper in chosen}
        return self.model_copy(update=blocks | {"papers": {k: self.papers[k] for k in chosen}})

    def find(self, key: str) -> CellSource | None:
        """The experiment of a key, in any group; None if there is none."""
        return next((group[key] for group in self.groups.values() if key in group), None)


def corpus_of(experiment: CellSource) -> str:
    """The corpus that an experiment reads; the original of a segmented corpus."""
    return getattr(experiment, "corpus", None) or experiment.dataset


def _read(path: Path) -> Papers:
    try:
        return Papers.model_validate(yaml_files.load(path))
    except ValidationError as error:
        _, fault = config.key_and_fault(error, "")
        raise MerError(f"{path}: {fault}") from None


def _check_owner(path: Path, part: Papers) -> None:
    """Refuse a file that describes another paper than that of its folder."""
    owner = path.parent.name
    if [*part.papers] != [owner]:
        raise MerError(
            f"{path}: papers={[*part.papers]} must be [{owner!r}], the folder; correct it"
        )
    for block in ("tables", *STAGE_OF_BLOCK):
        for key, found in getattr(part, block).items():
            if found.paper != owner:
                raise MerError(
                    f"{path}: {block}.{key}.paper={found.paper!r} must be {owner!r}, the folder; correct it"
                )


def load(folder: Path = PAPERS) -> Papers:
    """Read and merge every ``<paper>/paper.yaml`` of a folder.

    Raises
    ------
    MerError
        If a file is invalid or describes another paper than that of its folder, or two files share the key
        of a table or an experiment; the message names file and key.
    """
    joined: dict[str, dict[str, Any]] = {name: {} for name in Papers.model_fields}
    for path in sorted(folder.glob("*/paper.yaml")):
        part = _read(path)
        _check_owner(path, part)
        for name, block in joined.items():
            added = getattr(part, name)
            if name != "systems" and (twice := sorted(block.keys() & added.keys())):
                raise MerError(
                    f"{path}: {name}.{twice[0]} is also in the file of another paper; rename it"
                )
            block |= added
    return Papers(**joined)
