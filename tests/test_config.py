import re

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from helpers.clone import copy_params
from mer import config, registry
from mer.errors import MerError


@pytest.fixture
def edited(root, tmp_path):
    """Write all params with one key changed; returns the path of params.yaml."""

    def write(key, value):
        path = copy_params(root, tmp_path)
        file = config.file_of(key, path)
        content = yaml.safe_load(file.read_text())
        *parents, last = key.split(".")
        block = content
        for parent in parents:
            block = block[parent]
        block[last] = value
        file.write_text(yaml.safe_dump(content))
        return path

    return write


def test_committed_file_is_valid(root):
    config.read_all(root / "params.yaml")


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("seed", "seed: 1\n", "seed: 2\n"),
        ("corpora.demo.sample_rate", "rate: 22050\n", "rate: 2\n"),
        ("demos.demo.seed", "seed: 7\n", "seed: 2\n"),
        ("views.louro.n_fft", "n_fft: 2048\n", "n_fft: 2\n"),
        ("policies.deepsmote.synthesis.samples_per_class", "per_class: 25\n", "per_class: 2\n"),
    ],
)
def test_dvc_writes_what_an_experiment_sets_and_nothing_else(root, tmp_path, key, old, new):
    """Else `dvc exp run -S` lays it out anew: leave its layout to DVC, and comments out of its lists."""
    path = config.file_of(key, copy_params(root, tmp_path))
    before = path.read_text()
    block = key.split(".")[1] if "." in key else "seed"
    start = re.search(rf"^ *{block}:", before, re.MULTILINE).start()
    apply_overrides(str(path), [f"{key}=2"])
    assert path.read_text() == before[:start] + before[start:].replace(old, new, 1) != before


def test_no_block_of_params_shares_values_with_another(root):
    """Else DVC, which writes block after block, loses what `-S` sets in one of them."""
    for path in (root / "params.yaml", *(root / "params").glob("*.yaml")):
        events = yaml.parse(path.read_text(), Loader=yaml.SafeLoader)
        assert not any(isinstance(event, yaml.AliasEvent) for event in events), path


def test_a_section_in_another_file_is_told_where_it_belongs(root, tmp_path):
    path = copy_params(root, tmp_path)
    path.write_text(path.read_text() + "views: {}\n")
    with pytest.raises(MerError, match=r"params\.yaml: 'views' must be in .*params/views\.yaml"):
        config.read_all(path)


def test_params_that_a_person_edits_are_few(root):
    assert len((root / "params.yaml").read_text().splitlines()) <= 400


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model", "typo", r"model='typo' is not one of \[.*'svm'"),
        ("dataset", "typo", r"dataset='typo' is not one of \[.*'ch818'"),
        ("view", "typo", r"view='typo' is not one of"),
        ("family", "typo", r"family='typo' is not one of \[.*'compare'"),
        ("augment", "typo", r"augment='typo' is not one of"),
        (
            "profile",
            "typo",
            r"profile='typo' is not one of \[.*'miniature'",
        ),
        ("protocol", "typo", r"protocol='typo': Input should be 'default', 'grouped'"),
        ("target", "happiness", r"target='happiness': Input should be 'quadrant'"),
        ("fidelity", "exact", r"fidelity='exact': Input should be 'described' or 'released'"),
        ("modle", "svm", r"'modle' is not a known key"),
        ("seed", -1, r"seed=-1: .*greater than or equal to 0"),
        ("seed", "one", r"seed='one': .*integer"),
        ("models.svm.kernel", "rbf", r"'models.svm.kernel' is not a known key"),
        ("models.svm.c", "much", r"models.svm.c='much': .*number"),
        ("models.svm.c", 0.0, r"models.svm.c=0.0: .*greater than 0"),
        ("models.bogus", {}, r"models: 'bogus' is not one of"),
        (
            "families.compare.sample_rate",
            22050.5,
            r"families.compare.sample_rate=22050.5: .*integer",
        ),
        ("corpora.demo.layout", "zip", r"corpora.demo.layout='zip' is not one of"),
        ("corpora.demo.shares_songs_with", ["demos"], r"shares_songs_with: 'demos' is not one of"),
        (
            "merged_corpora.mixed3.of",
            ["4qaed", "merge_audio_c", "tr_music"],
            r"mixed3.of must name corpora without common songs, and '4qaed' shares some with 'merge_aud",
        ),
        (
            "merged_corpora.mixed3.of",
            ["4qaed", "4qaed", "tr_music"],
            r"mixed3.of must .* '4qaed' shares some with '4qaed'; leave one out",
        ),
        ("corpora.demo.sample_rate", 0, r"corpora.demo.sample_rate=0: .*greater than 0"),
        ("corpora.demo.typo", 1, r"'corpora.demo.typo' is not a known key"),
        ("corpora.My-songs", {}, r"the key 'My-songs' must have a-z, 0-9 and _ only; rename it"),
        (
            "corpora.demo.range",
            "-1..1",
            r"range='-1..1': this must be a list, such as \[-1, 1\]; cor",
        ),
        ("profiles.demo.folds", 1, r"profiles.demo.folds=1: .*greater than or equal to 2"),
        ("quarantine.duplicates", "merge", r"quarantine.duplicates='merge': .*'drop' or 'keep'"),
        ("audio.max_pcm_mib", 0, r"audio.max_pcm_mib=0: .*greater than 0"),
        ("quarantine.max_fraction", 2.0, r"quarantine.max_fraction=2.0: .*less than or equal to 1"),
    ],
)
def test_a_fault_is_named(edited, key, value, message):
    with pytest.raises(MerError, match=message):
        config.read_all(edited(key, value))


def test_a_missing_key_is_named(root, tmp_path):
    path = copy_params(root, tmp_path)
    path.write_text(path.read_text().replace("seed: 1\n", "", 1))
    with pytest.raises(MerError, match="'seed' is missing"):
        config.read_all(path)


def test_a_float_that_dvc_writes_as_a_string_is_a_float(edited):
    path = edited("models.svm.gamma", "1e-05")
    assert isinstance(yaml.safe_load(path.read_text())["models"]["svm"]["gamma"], str)
    assert config.read("models.svm", path=path)[0].gamma == 1e-5


def test_only_the_named_sections_are_read(root, tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 3\nnonsense: true\n")
    assert config.read("seed", path=tmp_path / "params.yaml") == [3]


def test_sections_come_typed(root):
    rate, svm, profile = config.read(
        "corpora.demo.sample_rate", "models.svm", "profiles.quick", path=root / "params.yaml"
    )
    assert rate == 22050
    assert svm.c == 8
    assert (profile.folds, profile.repeats) == (None, 1)


@pytest.mark.parametrize(
    "cut",
    [
        "folds: 2",
        "repeats: 1",
        "max_folds: 1",
        "max_epochs: 5",
        "batch_size: 8",
        "smoke_test: true",
    ],
)
def test_the_whole_protocol_is_not_cut_short(root, tmp_path, cut):
    """The ledger takes the name of the profile for it."""
    key = cut.partition(":")[0]
    path = copy_params(root, tmp_path)
    before, paper = path.read_text().split("\n  paper: ")
    changed = re.sub(rf"    {key}:.*", f"    {cut}", paper)
    path.write_text(f"{before}\n  paper: {changed}")
    with pytest.raises(MerError, match=r"profiles\.paper must limit nothing"):
        config.read_all(path)


@pytest.mark.parametrize(
    ("old", "new"), [("smote_leak:", "smote_mistake:"), ("  smote: ", "  smote_leak2_leak: ")]
)
def test_the_name_of_a_policy_says_that_it_leaks(root, tmp_path, old, new):
    """Results keep the name only, and leaderboards leave it out by that."""
    path = copy_params(root, tmp_path)
    policies = config.file_of("policies", path)
    assert policies.read_text().count(old) == 1
    policies.write_text(policies.read_text().replace(old, new))
    with pytest.raises(MerError, match=r"the name of a policy must end in _leak if its leak"):
        config.read_all(path)


def test_the_name_of_a_corpus_of_recordings_does_not_say_demo(edited, root):
    block = config.read("corpora.4qaed", path=root / "params.yaml")[0].model_dump()
    with pytest.raises(MerError, match=r"corpora\.demo_tapes must not begin with demo_"):
        config.read_all(edited("corpora.demo_tapes", block))


def test_columns_are_those_that_the_words_say():
    words = ["set.c=4", "columns.select=relieff", "columns.k=20"]
    changes = {"select": "relieff", "k": 20}
    assert config.columns(words) == config.EVERY_COLUMN.model_copy(update=changes)
    with pytest.raises(MerError, match=r"^k=0"):
        config.columns(["columns.k=0"])


def test_settings_are_the_words_that_say_set():
    words = ["p", "model=svm", "set.training.lr=1e-3", "set.filters=[1, 2]", "set.c="]
    assert config.settings(words) == {"training.lr": "1e-3", "filters": [1, 2], "c": None}


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("seed", "True"),
        ("models.svm.c", "True"),
        ("models.cnn.training.batch_size", "True"),
        ("models.svm.grid_c", r"\[True, 2\]"),
        ("profiles.demo.folds", "True"),
    ],
)
def test_true_is_no_number(edited, key, shown):
    """Pydantic takes it for 1."""
    path = edited(key, True if shown == "True" else [True, 2])
    said = rf"^{path}: {re.escape(key)}={shown}: this must be a number; correct it$"
    with pytest.raises(MerError, match=said):
        config.read_all(path)


def test_true_is_refused_by_name_where_a_word_must_be(edited):
    with pytest.raises(MerError, match=r"models\.svm\.search=False: "):
        config.read_all(edited("models.svm.search", False))


@pytest.mark.parametrize("key", ["d", "c.d", "search.d.e", "grid_c.0"])
def test_a_setting_of_no_key_is_refused(root, key):
    (params,) = config.read("models.svm", path=root / "params.yaml")
    with pytest.raises(MerError, match=f"'{key}' is not a key of mer.models.svm"):
        config.with_values(params, {key: 1})


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "params.yaml").write_text("model: [")
    with pytest.raises(MerError, match=r"params.yaml must be a YAML file"):
        config.read("model", path=tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("block", "package"),
    [("models", "models"), ("families", "features")],
    ids=["models", "families"],
)
def test_every_module_has_its_block(root, block, package):
    assert sorted(yaml.safe_load((root / "params.yaml").read_text())[block]) == registry.names(
        package
    )


def test_unknown_name_in_the_registry_lists_the_known():
    with pytest.raises(MerError, match=r"models: 'typo' is not one of \[.*'svm'"):
        registry.get("models", "typo")


def test_a_misspelled_key_is_named_before_the_one_that_is_missing(root, tmp_path):
    path = copy_params(root, tmp_path)
    path.write_text(re.sub(r"(\n  svm:.*\n    )c: ", r"\1C: ", path.read_text(), count=1))
    with pytest.raises(
        MerError, match=r"'models\.svm\.C' is not a known key; remove it or correct"
    ):
        config.read_all(path)


def test_a_module_without_its_block_is_said_to_need_one(root, tmp_path):
    path = copy_params(root, tmp_path)
    text = path.read_text().replace("\n  constant: {}", "", 1)
    path.write_text(re.sub(r"^model: \w+", "model: constant", text, count=1, flags=re.MULTILINE))
    with pytest.raises(MerError, match=r"model='constant' needs a block models\.constant; add it"):
        config.read_all(path)
