import pytest

from mer import compatibility, config, selection
from mer.errors import MerError
from mer.schema.feature_selection import EVERY_COLUMN


@pytest.fixture
def check(root, tmp_path):
    """Check the committed params with some selectors changed, against an empty data/raw."""
    params = config.read_all(root / "params.yaml")

    def run(**changes):
        compatibility.check(params.model_copy(update=changes), raw=tmp_path)

    return run


def test_committed_selection_can_be(check):
    check()


def test_an_absent_corpus_gets_what_where_and_whence(check, tmp_path):
    with pytest.raises(
        MerError, match=r"'4qaed' must lie in .*4qaed.*none; get it from .*mir\.dei\.uc\.pt"
    ):
        check(dataset="4qaed")


def test_a_corpus_of_another_layout_is_refused(check, tmp_path):
    (tmp_path / "emopia200").mkdir()
    with pytest.raises(MerError, match=r"labels\.csv"):
        check(dataset="emopia200", model="svm")


def test_a_published_family_elsewhere_names_the_choices(check):
    with pytest.raises(MerError, match=r"'demo' must come with .*choose one of \["):
        check(model="svm", family="top100")


def test_a_published_family_where_it_is_published(check):
    check(model="svm", family="top100", dataset="demo_4qaed")


def test_a_join_is_a_family_where_both_its_families_are(check, root):
    check(model="svm", family="essentia_compare_lld")
    join = config.read("joined_families", path=root / "params.yaml")[0][0]
    mixed = join.model_copy(update={"right": "top100"})
    with pytest.raises(MerError, match=r"'demo' must come with"):
        check(model="svm", family=mixed.name, joined_families=(mixed,))


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        ({"model": "cnn"}, {"select": "chi2"}, r"columns=.*'chi2'.*: model 'cnn' reads no table"),
        (
            {"model": "svm", "family": "compare"},
            {"grades": "AB"},
            r"no catalogue .* family='compare'; choose one of \[.*'published1714'",
        ),
    ],
)
def test_columns_that_nothing_has_are_refused(check, changes, columns, message):
    with pytest.raises(MerError, match=message):
        check(columns=EVERY_COLUMN.model_copy(update=columns), **changes)


def test_columns_of_a_table_are_ranked_without_a_catalogue(check):
    check(columns=EVERY_COLUMN.model_copy(update={"select": "chi2"}), model="svm")


def test_one_reading_only(check):
    with pytest.raises(
        MerError, match=r"'constant' does not implement it; choose one of \['described'"
    ):
        check(model="constant", fidelity="released")


def test_released_is_a_whole_reading(check):
    """A released model on the described spectrogram would be no reading at all."""
    with pytest.raises(MerError, match=r"view='louro' is the described .* view=louro_released"):
        check(model="cnn", view="louro", fidelity="released")
    check(model="cnn", view="louro_released", fidelity="released")
    check(model="svm", view="louro", fidelity="released")


def test_clips_of_training_alone_are_one_reading(check):
    with pytest.raises(
        MerError, match=r"'deepsmote' is implemented as described only.*'described'"
    ):
        check(model="cnn", view="louro_released", augment="deepsmote", fidelity="released")


def test_versions_that_nothing_reads_are_refused(check):
    chosen = {"model": "hybrid", "view": "louro_released", "family": "compare"}
    with pytest.raises(MerError, match=r"'hybrid' is not pre-trained.* choose augment='none'"):
        check(**chosen, augment="classic", fidelity="released")
    check(**chosen, augment="none", fidelity="released")


@pytest.mark.parametrize(
    ("model", "key", "value", "plain"),
    [
        ("svm", "search", "grid", "none"),
        ("svm", "search", "bayes", "none"),
        ("fusion", "combine", "stack", "features"),
    ],
)
def test_synthetic_rows_are_not_validated_on(check, root, model, key, value, plain):
    models = config.read("models", path=root / "params.yaml")[0]
    chosen = {"model": model, "family": "essentia_compare_lld"}
    changed = {**models, model: {**models[model], key: value}}
    path = rf"models\.{model}\.{key}"
    with pytest.raises(MerError, match=f"'smote' adds .* {path}='{value}'.*set {path} to {plain}"):
        check(**chosen, models=changed, augment="smote")
    check(**chosen, models=changed, augment="none")
    changed[model][key] = plain
    check(**chosen, models=changed, augment="smote")


@pytest.mark.parametrize(
    ("model", "key", "value"), [("svm", "search", "grid"), ("fusion", "combine", "stack")]
)
def test_columns_that_all_training_clips_rank_are_not_validated_on(check, root, model, key, value):
    (models,) = config.read("models", path=root / "params.yaml")
    chosen = {"model": model, "family": "essentia_compare_lld"}
    ranked = EVERY_COLUMN.model_copy(update={"select": "chi2"})
    check(**chosen, columns=ranked)
    changed = {**models, model: {**models[model], key: value}}
    check(**chosen, models=changed)
    with pytest.raises(
        MerError, match=rf"'chi2' ranks .* models\.{model}\.{key}='{value}'.*to none"
    ):
        check(**chosen, models=changed, columns=ranked)


@pytest.mark.parametrize(
    ("model", "augment", "part"),
    [
        ("svm", "deepsmote", "synthesis"),
        ("hybrid", "deepsmote", "synthesis"),
        ("cnn", "smote", "oversampling"),
        ("cnn", "masked", "masking"),
        ("svm", "spec_augment", "spec_augment"),
        ("sample_cnn", "spec_augment", "spec_augment"),
    ],
)
def test_a_policy_that_the_model_does_not_apply_is_refused(check, model, augment, part):
    with pytest.raises(MerError, match=rf"'{model}' does not apply its {part}.*choose another"):
        check(model=model, augment=augment, family="compare")


def test_a_model_of_a_table_needs_a_family(check):
    with pytest.raises(MerError, match=r"'svm' reads a table; choose one of \[") as raised:
        check(model="svm", family="none")
    assert "'none'," not in str(raised.value).partition("choose")[2]


@pytest.fixture
def songs(tmp_path):
    """A corpus of 80 clips of four artists."""
    rows = [f"{n}.wav,Q{1 + n % 4},artist {n // 20}\n" for n in range(80)]
    folder = tmp_path / "mysongs"
    folder.mkdir()
    (folder / "labels.csv").write_text("path,quadrant,artist\n" + "".join(rows))
    return folder


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("grouped", r"80 clips cannot be split into 10 folds: .*artists"),
        ("own", r"'own': the labels .* have none; write a column split"),
    ],
)
def test_a_protocol_that_cannot_split_is_refused_before_anything_is_computed(
    check, root, songs, protocol, message
):
    corpora = config.read("corpora", path=root / "params.yaml")[0]
    own = corpora["emopia200"].model_copy(update={"layout": "folder", "counts": None})
    chosen = {"dataset": "mysongs", "corpora": {**corpora, "mysongs": own}, "model": "svm"}
    chosen |= {"family": "compare", "augment": "none", "profile": "quick"}
    with pytest.raises(MerError, match=message):
        check(protocol=protocol, **chosen)
    (songs / "folds.csv").touch()
    check(protocol="own", **chosen)


def test_a_value_outside_of_the_range_is_refused_before_the_folds(check, root, songs):
    """Its quadrants would be those of clusters that it moves."""
    rows = [f"{n}.wav,{(-1) ** n * 0.5},{0.5 if n % 4 < 2 else -0.5}\n" for n in range(80)]
    (songs / "labels.csv").write_text("path,valence,arousal\nz.wav,99,0.5\n" + "".join(rows))
    corpora = config.read("corpora", path=root / "params.yaml")[0]
    changes = {"layout": "folder", "counts": None, "range": (-1.0, 1.0)}
    own = corpora["emopia200"].model_copy(update=changes)
    with pytest.raises(MerError, match=r"valence of the clip 'z' must lie in the corpus' range"):
        check(dataset="mysongs", corpora={**corpora, "mysongs": own}, profile="quick")


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "cnn", "augment": "classic_leak"},
        {"model": "svm", "augment": "classic_leak"},
        {
            "model": "hybrid",
            "augment": "classic_leak",
            "fidelity": "released",
            "view": "louro_released",
        },
    ],
)
def test_a_leak_is_refused_where_nothing_would_leak(check, changes):
    with pytest.raises(MerError, match=r"leak '\w+' gains .* has no such leak; choose another"):
        check(family="compare", **changes)


def test_a_leak_can_be_measured_where_it_leaks(check):
    check(model="hybrid", augment="classic_leak", family="compare")
    check(model="svm", augment="smote_leak", family="compare")


def test_unread_selectors_are_none():
    chosen = selection.Selection(
        "constant",
        "demo",
        "quadrant",
        "louro",
        "compare",
        "classic",
        "cv10",
        "described",
        "demo",
        1,
    )
    used = chosen.used
    assert (used["view"], used["family"]) == ("none", "none")
    assert used["dataset"] == "demo"


VALUED = {"model": "svm", "target": "valence_arousal", "family": "compare", "augment": "none"}


def test_values_of_a_corpus_with_a_range_can_be_predicted(check):
    check(**VALUED)
    check(**VALUED | {"model": "hybrid", "target": "arousal_value", "augment": "classic"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "openl3_rf"}, r"'openl3_rf' does not predict values; choose one of \[.*'ridge'"),
        ({"dataset": "demo_4qaed"}, r"'demo_4qaed' states no range .* choose one of \['demo', "),
        ({"fidelity": "released"}, r"fidelity='released': the authors' code predicts classes"),
        ({"augment": "smote"}, r"augment='smote' makes clips of each class.*choose another policy"),
        (
            {"model": "cnn", "augment": "deepsmote"},
            r"augment='deepsmote' makes clips of each class",
        ),
    ],
)
def test_what_has_no_values_is_refused(check, changes, message):
    with pytest.raises(MerError, match=message):
        check(**VALUED | changes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"augment": "smote"}, "augment='smote' adds synthetic rows"),
        ({"columns": EVERY_COLUMN.model_copy(update={"select": "chi2"})}, "ranks columns"),
    ],
)
def test_penalties_are_not_compared_on_rows_that_had_a_part_in_the_training(
    check, root, changes, why
):
    (models,) = config.read("models", path=root / "params.yaml")
    chosen = {"model": "ridge", "family": "compare"}
    with pytest.raises(MerError, match=rf"{why}.*models\.ridge\.alphas=.*give one alpha"):
        check(**chosen, **changes)
    check(**chosen, **changes, models={**models, "ridge": {**models["ridge"], "alphas": [1.0]}})


def test_columns_are_ranked_for_classes_only(check):
    ranked = EVERY_COLUMN.model_copy(update={"select": "chi2"})
    with pytest.raises(MerError, match=r"columns\.select='chi2' ranks columns by classes"):
        check(**VALUED, columns=ranked)


def test_a_corpus_without_labels_of_the_target_is_refused(check, tmp_path):
    (tmp_path / "emopia200").mkdir()
    (tmp_path / "emopia200/labels.csv").write_text("path,quadrant\na.mp3,Q1\nb.mp3,Q2\n")
    with pytest.raises(MerError, match=r"target='label' needs a label .* 2 clips have none"):
        check(dataset="emopia200", model="svm", target="label")


@pytest.mark.parametrize(
    ("block", "name", "changes"),
    [
        ("views", "louro", {"model": "cnn", "view": "louro", "family": "none"}),
        ("families", "compare", {"model": "svm", "family": "compare", "view": "none"}),
    ],
)
def test_audio_is_not_upsampled(check, root, block, name, changes):
    entries = getattr(config.read_all(root / "params.yaml"), block)
    higher = entries[name]
    if block == "views":
        higher = higher.model_copy(update={"sample_rate": 44100})
    else:
        higher = {**higher, "sample_rate": 44100}
    check(augment="none", **changes)
    message = (
        rf"{block}\.{name}\.sample_rate=44100 must be at most corpora\.demo\.sample_rate=22050"
    )
    with pytest.raises(MerError, match=message):
        check(augment="none", **changes, **{block: {**entries, name: higher}})
