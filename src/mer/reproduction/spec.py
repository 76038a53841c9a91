"""papers/<paper>/paper.yaml: its tables, and the composition behind each of their cells."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, FiniteFloat, ValidationError

from mer.errors import MerError
from mer.schema import Block, Key, Protocol

PAPERS = Path("papers")
Published = dict[Key, dict[Key, FiniteFloat]]


class Paper(Block):
    """``papers.<key>``: what is reproduced."""

    title: str
    authors: str
    url: str | None


class Column(Block):
    """``columns.<key>`` of a table.

    Attributes
    ----------
    title : as the paper prints it
    why : what keeps its cells from having a composition, where they have none
    """

    title: str
    why: str | None = None


class Row(Block):
    """``rows.<key>`` of a table.

    Attributes
    ----------
    title : as the paper prints it
    why : what keeps its cells, or those of the columns named, from having a composition
    note : how ours differs from what the paper describes
    published : metric -> column -> the figure, in 0..1 (or a count) and with the digits of the paper
    experiments : column -> key of the experiment, where it is not what the table's pattern gives
    figures : metric -> name of the figure in its results, likewise
    reference : row that this one is tested against in place of the table's
    """

    title: str
    why: str | dict[Key, str] | None = None
    note: str | None = None
    published: Published = Field(default_factory=dict)
    experiments: dict[Key, str] = Field(default_factory=dict)
    figures: dict[Key, str] = Field(default_factory=dict)
    reference: Key | None = None


class Table(Block):
    """``tables.<paper>_<table>``: one published table.

    Attributes
    ----------
    paper : key of ``papers``
    title : as the paper prints it
    protocol : of the paper, in a sentence
    metrics : names of ``mer.metrics``, or of whatever the experiments write
    experiment : key of the experiment behind a cell, with ``{row}`` and ``{column}``
    figure : name of the figure in its results, with ``{metric}``, ``{row}`` and ``{column}``
    reference : row that the others are tested against, fold by fold; null for none
    timed : whether the figures are times, which mean nothing without the device's name
    folds : whether the figures of each fold are shown, too, means over its rounds
    """

    paper: Key
    title: str
    protocol: str
    metrics: tuple[Key, ...] = Field(min_length=1)
    experiment: str = "{row}_{column}"
    figure: str = "{metric}"
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

    def why(self, row: str, column: str) -> str | None:
        """Why a cell has no composition, as its row, or else its column, says."""
        found = self.rows[row].why
        return (found.get(column) if isinstance(found, dict) else found) or self.columns[column].why


class Statistic(Block):
    """``counts.<key>``: an experiment that counts the clips of a corpus, nothing else."""

    paper: Key
    dataset: Key


class Setting(Statistic):
    """``settings.<key>``: what is tabulated of a view and a model, as they are on that corpus."""

    view: Key
    model: Key


class Experiment(Statistic):
    """``experiments.<key>``: the selectors of one experiment but ``profile`` and ``seed``, which
    params.yaml holds for all of them.

    Attributes
    ----------
    copies : ``<policy>/<view>`` of the augmented versions, ``none/none`` where the policy has none
    settings : words ``set.<dotted key>=<value>``, which replace values of the model's block
    corpus : what the dataset was cut from; null where it is a corpus itself
    """

    model: Key
    target: Literal["quadrant", "valence", "arousal"]
    view: Key
    family: Key
    augment: Key
    copies: str
    protocol: Protocol
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


class Brought(Experiment):
    """``brought.<key>``: an experiment that needs weights which a user brings.

    Attributes
    ----------
    weights : the model, or the family, that names them
    """

    weights: Key


# What has results -> its stage in papers/experiments.yaml.
PARTS = {
    "experiments": "experiment",
    "cross": "cross",
    "transfer": "transfer",
    "brought": "brought",
    "counts": "count",
    "settings": "setting",
}


class Papers(Block):
    """All files of ``papers/`` as one.

    Attributes
    ----------
    systems : compositions, or parts of such, that the others share by YAML anchors
    experiments, cross, transfer, brought, counts, settings : by key; groups of
        papers/experiments.yaml, some of them called by the singular
    """

    papers: dict[Key, Paper]
    tables: dict[Key, Table]
    systems: dict[Key, dict[str, Any]] = Field(default_factory=dict)
    experiments: dict[Key, Experiment] = Field(default_factory=dict)
    cross: dict[Key, Cross] = Field(default_factory=dict)
    transfer: dict[Key, Transfer] = Field(default_factory=dict)
    brought: dict[Key, Brought] = Field(default_factory=dict)
    counts: dict[Key, Statistic] = Field(default_factory=dict)
    settings: dict[Key, Setting] = Field(default_factory=dict)

    @property
    def groups(self) -> dict[str, Mapping[str, Statistic]]:
        """Everything that has results, by the groups of papers/experiments.yaml."""
        return {stage: getattr(self, name) for name, stage in PARTS.items()}

    @property
    def stages(self) -> dict[str, str]:
        """Key of everything that has results -> its stage, ``papers/<paper>/dvc.yaml:<group>@<key>``."""
        return {
            key: f"papers/{found.paper}/dvc.yaml:{group}@{key}"
            for group, keys in self.groups.items()
            for key, found in keys.items()
        }

    @property
    def corpora(self) -> set[str]:
        """Every corpus that an experiment reads."""
        return {corpus_of(found) for key in self.stages if (found := self.find(key))}

    def only(self, chosen: Collection[str]) -> "Papers":
        """What belongs to some of the papers.

        Raises
        ------
        MerError
            If one of them is none of ``papers``.
        """
        if unknown := sorted(set(chosen) - self.papers.keys()):
            raise MerError(f"papers/{unknown[0]} must be one of {sorted(self.papers)}")
        blocks = {name: getattr(self, name) for name in Papers.model_fields}
        for name in ("tables", *PARTS):
            blocks[name] = {k: found for k, found in blocks[name].items() if found.paper in chosen}
        return self.model_copy(update=blocks | {"papers": {k: self.papers[k] for k in chosen}})

    def find(self, key: str) -> Statistic | None:
        """The experiment of that key, of whatever group."""
        return next((group[key] for group in self.groups.values() if key in group), None)


def corpus_of(experiment: Statistic) -> str:
    """The corpus that an experiment reads, be it in parts."""
    return getattr(experiment, "corpus", None) or experiment.dataset


def _read(path: Path) -> Papers:
    try:
        return Papers.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise MerError(f"{path} must be a readable YAML file ({error})") from error
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        raise MerError(f"{path}: {key}={fault['input']!r}: {fault['msg']}") from None


def load(folder: Path = PAPERS) -> Papers:
    """Every ``<paper>/paper.yaml`` of the folder, joined.

    Raises
    ------
    MerError
        Naming the file and the key, if a file is damaged or two share the key of a table or an
        experiment.
    """
    joined: dict[str, dict[str, Any]] = {name: {} for name in Papers.model_fields}
    for path in sorted(folder.glob("*/paper.yaml")):
        part = _read(path)
        for name, block in joined.items():
            added = getattr(part, name)
            if name != "systems" and (twice := sorted(block.keys() & added.keys())):
                raise MerError(
                    f"{path}: {name}.{twice[0]} stands in another paper's file; rename it"
                )
            block |= added
    return Papers(**joined)
