"""mer.pipeline.join_features: tables side by side, joined by id, never published beside extracted."""

import numpy as np
import pytest
import yaml

from helpers.clone import copy_params
from mer import config, registry
from mer.errors import MerError
from mer.io import artefacts
from mer.io.feature_tables import read_features, write_features
from mer.io.files import writing
from mer.pipeline import join_features
from mer.types import FeatureTable

EXTRACTED = {"source": "extracted", "family": "left", "params": "{}", "library": "1.0"}
LEFT = FeatureTable(("a", "b", "c"), ("x", "y"), np.arange(6.0).reshape(3, 2), EXTRACTED)
RIGHT = FeatureTable(
    ("c", "a", "b"), ("z",), np.array([[30.0], [10.0], [20.0]]), EXTRACTED | {"family": "right"}
)


@pytest.fixture
def join(tmp_path):
    """Write two tables, join them, and give the target."""

    def run(left, right):
        for name, table in (("left", left), ("right", right)):
            if isinstance(table, str):
                artefacts.write_absent(tmp_path / name / "songs", table)
                continue
            with writing(tmp_path / name / "songs") as folder:
                write_features(folder / join_features.TABLE, table)
                artefacts.write_manifest(folder)
        join_features.join(*(tmp_path / name / "songs" for name in ("left", "right", "joined")))
        return tmp_path / "joined/songs"

    return run


def test_columns_are_joined_by_id(join):
    found = read_features(join(LEFT, RIGHT) / join_features.TABLE)
    assert found.ids == ("a", "b", "c")
    assert found.names == ("x", "y", "z")
    assert found.values.tolist() == [[0, 1, 10], [2, 3, 20], [4, 5, 30]]
    assert (found.source["source"], found.source["family"]) == ("extracted", "left + right")
    assert found.source["left.library"] == found.source["right.library"] == "1.0"


@pytest.mark.parametrize(
    ("right", "message"),
    [
        (
            FeatureTable(RIGHT.ids, ("x",), RIGHT.values, {"source": "published", "family": "top"}),
            r"'right' must not be joined to 'left'.*both have the column 'x'",
        ),
        (
            FeatureTable(("c", "a"), ("z",), RIGHT.values[:2], RIGHT.source),
            r"'left' and 'right' must be of the same clips; one of them lacks 'b'",
        ),
    ],
    ids=["sources", "clips"],
)
def test_tables_that_do_not_belong_together_are_refused(join, tmp_path, right, message):
    with pytest.raises(MerError, match=message):
        join(LEFT, right)
    assert not (tmp_path / "joined/songs").exists()


def test_published_and_extracted_features_are_joined_where_no_feature_is_in_both(join):
    published = {"source": "published", "family": "top"}
    right = FeatureTable(RIGHT.ids, ("z",), RIGHT.values, published)
    found = read_features(join(LEFT, right) / join_features.TABLE)
    assert found.names == ("x", "y", "z")
    assert found.source["source"] == "extracted and published"


def test_a_joined_table_knows_the_family_of_each_column(join):
    found = read_features(join(LEFT, RIGHT) / join_features.TABLE)
    assert found.families == ("left", "left", "right")
    assert found.select_columns(["z", "x"]).families == ("right", "left")
    assert "family of each column" not in found.source
    assert LEFT.families == ("left", "left")


def test_a_name_that_both_have_says_whose_it_is(join):
    right = FeatureTable(RIGHT.ids, ("x",), RIGHT.values, RIGHT.source)
    found = read_features(join(LEFT, right) / join_features.TABLE)
    assert found.names == ("x", "y", "right.x")
    assert found.values[:, 2].tolist() == [10, 20, 30]


def test_every_join_of_params_has_the_columns_of_both_sides(root, tmp_path):
    """With the names that the families give, of which some are alike."""
    joined, families = config.read("joined_families", "families", path=root / "params.yaml")
    sides = {side for j in joined for side in (j.left, j.right)} - {j.name for j in joined}
    widths = {}
    for family in sides:
        module = registry.get("features", family)
        names = tuple(module.names(module.Params.model_validate(families[family])))
        source = {"source": "extracted", "family": family}
        table = FeatureTable(("a",), names, np.zeros((1, len(names))), source)
        with writing(tmp_path / family / "songs") as folder:
            write_features(folder / join_features.TABLE, table)
            artefacts.write_manifest(folder)
        widths[family] = len(names)
    for made in joined:
        join_features.join(*(tmp_path / n / "songs" for n in (made.left, made.right, made.name)))
        found = read_features(tmp_path / made.name / "songs" / join_features.TABLE)
        widths[made.name] = widths[made.left] + widths[made.right]
        assert len(found.names) == widths[made.name]


def test_the_absence_of_one_is_handed_on(join):
    assert "left/songs is absent: no audio here" in artefacts.absent(join("no audio here", RIGHT))


@pytest.mark.parametrize(
    ("joined_families", "message"),
    [
        ([{"name": "svm", "left": "essentia", "right": "bogus"}], r"'svm' joins 'bogus', not one"),
        (
            [{"name": "top100", "left": "essentia", "right": "compare"}],
            r"the name 'top100' must not",
        ),
        ([{"name": "both", "left": "essentia"}], r"the key 'joined_families.0.right' is missing"),
    ],
)
def test_a_join_that_cannot_be_is_named(root, tmp_path, joined_families, message):
    path = copy_params(root, tmp_path)
    file = config.file_of("joined_families", path)
    file.write_text(yaml.safe_dump({"joined_families": joined_families}))
    with pytest.raises(MerError, match=message):
        config.read_all(path)
