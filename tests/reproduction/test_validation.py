"""The committed papers keep every rule of mer.reproduction.validation; a broken rule is refused."""

import pytest

from conftest import ROOT
from mer import config
from mer.errors import MerError
from mer.reproduction import spec, validation
from mer.reproduction.spec import Papers

EVERY = spec.load(ROOT / "papers")
PARAMS = config.read_all(ROOT / "params.yaml")
LOURO = "papers/louro_improving/paper.yaml: "
PANDREA = "papers/pandrea_sincnet/paper.yaml: "
HE = "papers/he_two_stage/paper.yaml: "
TABLE1 = "tables.louro_improving_table1"


def broken(changes, removed=None):
    """The committed papers with values at dotted keys replaced or added, and one key removed."""
    content = EVERY.model_dump()

    def block_of(parents):
        block = content
        for parent in parents:
            block = block[parent]
        return block

    for key, value in changes.items():
        *parents, last = key.split(".")
        block_of(parents)[last] = value
    if removed:
        *parents, last = removed.split(".")
        del block_of(parents)[last]
    return Papers.model_validate(content)


def test_the_committed_papers_keep_every_rule():
    validation.check(EVERY, PARAMS)
    validation.check(broken({}), PARAMS)


EXPERIMENT = "experiments.cnn_4qaed"
SOURCE = "cross.mixed_mlp_4qaed.source"
CHAIN = "transfer.transfer3_4qaed"
RULES = {
    "a table's reference is one of its rows": (
        {f"{TABLE1}.reference": "svn"},
        f"{LOURO}{TABLE1}.reference='svn' must be one of [",
    ),
    "a row's reference is a row of its table": (
        {f"{TABLE1}.rows.cnn.references": ["svn"]},
        f"{LOURO}{TABLE1}.rows.cnn.references='svn' must be one of [",
    ),
    "a published metric is one of the table's": (
        {f"{TABLE1}.rows.svm.published.f1": {"4qaed": 0.7}},
        f"{LOURO}{TABLE1}.rows.svm.published.f1: 'f1' must be one of ['f1_macro']; correct or remove it",
    ),
    "a published figure stands in a column": (
        {f"{TABLE1}.rows.svm.published.f1_macro.4qead": 0.7},
        f"{LOURO}{TABLE1}.rows.svm.published.f1_macro.4qead: '4qead' must be one of [",
    ),
    "an experiment of a row stands in a column": (
        {f"{TABLE1}.rows.svm.experiments": {"4qead": "svm_4qaed"}},
        f"{LOURO}{TABLE1}.rows.svm.experiments.4qead: '4qead' must be one of [",
    ),
    "a figure of a row is that of a metric": (
        {f"{TABLE1}.rows.svm.figures": {"f1": "f1_micro"}},
        f"{LOURO}{TABLE1}.rows.svm.figures.f1: 'f1' must be one of ['f1_macro']",
    ),
    "a reason of a row stands in a column": (
        {f"{TABLE1}.rows.hybrid_compare.why.4qead": "not in the paper"},
        f"{LOURO}{TABLE1}.rows.hybrid_compare.why.4qead: '4qead' must be one of [",
    ),
    "a cell has an experiment or a reason": (
        {f"{TABLE1}.rows.hybrid_compare.why": {"new4qaed_c": "not in the paper"}},
        f"{LOURO}{TABLE1}.rows.hybrid_compare: the cell of column 'new4qaed_b' must have an experiment "
        "'hybrid_compare_new4qaed_b', or a reason why it has none; add",
    ),
    "the experiment of a cell is of the same paper": (
        {f"{TABLE1}.rows.svm.experiments": {"4qaed": "4qaed_svm_valence"}},
        f"{LOURO}{TABLE1}.rows.svm: the cell of column '4qaed' must have an experiment of its own paper, "
        "and '4qaed_svm_valence' belongs to 'he_two_stage'; name another",
    ),
    "no reason stands where every cell has an experiment": (
        {f"{TABLE1}.rows.svm.why": "weights not there"},
        f"{LOURO}{TABLE1}.rows.svm.why='weights not there' must be left out, for every cell of the row",
    ),
    "a published score is no percentage": (
        {f"{TABLE1}.rows.svm.published.f1_macro.4qaed": 71.0},
        f"{LOURO}{TABLE1}.rows.svm.published.f1_macro.4qaed=71.0 must lie in 0..1, as this met",
    ),
    "an experiment stands behind a cell": (
        {"experiments.left_over": EVERY.experiments["svm_4qaed"].model_dump()},
        f"{LOURO}experiments.left_over must stand behind a cell of a table; name it in a row, or remove",
    ),
    "the dataset is a corpus": (
        {f"{EXPERIMENT}.dataset": "4qead"},
        f"{LOURO}{EXPERIMENT}.dataset='4qead' must be one of [",
    ),
    "a counted dataset is a corpus": (
        {"counts.pmemo_counts.dataset": "pnemo"},
        f"{HE}counts.pmemo_counts.dataset='pnemo' must be one of [",
    ),
    "the dataset has a miniature": (
        {f"{EXPERIMENT}.dataset": "demo"},
        f"{LOURO}{EXPERIMENT}.dataset='demo' must have a miniature, 'demo_demo', and there is none; add",
    ),
    "the source is a corpus": (
        {SOURCE: "mixed"},
        f"{PANDREA}{SOURCE}='mixed' must be one of [",
    ),
    "the source is another corpus": (
        {SOURCE: "4qaed_parts"},
        f"{PANDREA}{SOURCE}='4qaed_parts' must be another corpus than dataset='4qaed_parts'; name one",
    ),
    "a system of two corpora reads tables or waveforms": (
        {"cross.mixed_mlp_4qaed.model": "cnn"},
        f"{PANDREA}cross.mixed_mlp_4qaed.model='cnn' must read a table or whole waveforms, to train on one",
    ),
    "the view is one of params": (
        {f"{EXPERIMENT}.view": "luoro"},
        f"{LOURO}{EXPERIMENT}.view='luoro' must be one of [",
    ),
    "the view of settings is one of params": (
        {"settings.pmemo_1s_settings.view": "pmemo_2s"},
        f"{HE}settings.pmemo_1s_settings.view='pmemo_2s' must be one of [",
    ),
    "the model is one of params": (
        {f"{EXPERIMENT}.model": "cmm"},
        f"{LOURO}{EXPERIMENT}.model='cmm' must be one of [",
    ),
    "the family is one of params": (
        {"experiments.svm_4qaed.family": "top10"},
        f"{LOURO}experiments.svm_4qaed.family='top10' must be one of [",
    ),
    "the policy is one of params": (
        {f"{EXPERIMENT}.augment": "mone"},
        f"{LOURO}{EXPERIMENT}.augment='mone' must be one of [",
    ),
    "the corpus is what the dataset is cut from": (
        {"experiments.mlp_compare_4qaed.corpus": "ch818"},
        f"{PANDREA}experiments.mlp_compare_4qaed.corpus='ch818' must be '4qaed', which '4qaed_parts' is",
    ),
    "a family that is not read is none": (
        {f"{EXPERIMENT}.family": "compare"},
        f"{LOURO}{EXPERIMENT}.family='compare' must be 'none', for model 'cnn' does not use it; correct it",
    ),
    "a view that is not read is none": (
        {"experiments.svm_4qaed.view": "louro"},
        f"{LOURO}experiments.svm_4qaed.view='louro' must be 'none', for model 'svm' does not use it",
    ),
    "a policy that is not used is none": (
        {"experiments.svm_4qaed.augment": "spec_augment"},
        f"{LOURO}experiments.svm_4qaed.augment='spec_augment' must be 'none', for model 'svm' does not",
    ),
    "augmented copies lie where the policy makes them": (
        {"experiments.hybrid_4qaed.augmented": "none/none"},
        f"{LOURO}experiments.hybrid_4qaed.augmented='none/none' must be 'classic/louro' for augment=",
    ),
    "the model can read what is selected": (
        {f"{EXPERIMENT}.view": "none"},
        f"{LOURO}{EXPERIMENT}: view='none': model 'cnn' reads a spectrogram; choose one of [",
    ),
    "the corpus brings its published table": (
        {"experiments.svm_compare_emopia200.family": "top100"},
        f"{LOURO}experiments.svm_compare_emopia200: family='top100': 'emopia200' must come with that",
    ),
    "settings are words, each key once": (
        {f"{EXPERIMENT}.settings": "set.training.lr=2 set.training.lr=3"},
        f"{LOURO}{EXPERIMENT}.settings='set.training.lr=2 set.training.lr=3' must be words set.<key>",
    ),
    "settings name blocks of the model": (
        {f"{EXPERIMENT}.settings": "set.trainin.lr=2"},
        f"{LOURO}{EXPERIMENT}.settings='set.trainin.lr=2': 'trainin.lr' is not a key of "
        "mer.models.cnn; choose one of ['search', 'training', 'tuning']",
    ),
    "settings have a value": (
        {f"{EXPERIMENT}.settings": "set.training.lr"},
        f"{LOURO}{EXPERIMENT}.settings='set.training.lr': 'set.training.lr' must be set.<key>=<value> with",
    ),
    "values of settings are YAML": (
        {f"{EXPERIMENT}.settings": "set.training.lr=[1"},
        f"{LOURO}{EXPERIMENT}.settings='set.training.lr=[1': 'set.training.lr=[1' must be set.<key>=",
    ),
    "settings name keys of the model": (
        {f"{EXPERIMENT}.settings": "set.training.rl=2"},
        f"{LOURO}{EXPERIMENT}.settings='set.training.rl=2': 'training.rl' is not a key of",
    ),
    "settings have values that the model accepts": (
        {f"{EXPERIMENT}.settings": "set.training.lr=-2"},
        f"{LOURO}{EXPERIMENT}.settings='set.training.lr=-2': training.lr=-2",
    ),
    "settings name keys of the columns": (
        {f"{EXPERIMENT}.settings": "columns.selects=chi2"},
        f"{LOURO}{EXPERIMENT}: 'selects' is not a key of mer.schema.feature_selection",
    ),
    "only a model of a table has columns": (
        {f"{EXPERIMENT}.settings": "columns.select=chi2"},
        f"{LOURO}{EXPERIMENT}: columns={{'select': 'chi2', 'k': 100}}: model 'cnn' reads no table",
    ),
    "weights are those of a part that needs them": (
        {"pretrained.openl3_rf_4qaed.weights": "openl3_rf"},
        f"{LOURO}pretrained.openl3_rf_4qaed.weights='openl3_rf' must be one of ['openl3']",
    ),
    "settings are those of the model that is checked": (
        {"experiments.leaks_svm_noise_4qaed.settings": "set.search=grid"},
        "papers/leaks/paper.yaml: experiments.leaks_svm_noise_4qaed: augment='noise' adds synthetic rows",
    ),
    "a parent has not trained on the corpus": (
        {f"{CHAIN}.parent": "sincnet_200ms_4qaed"},
        f"{PANDREA}{CHAIN}.parent='sincnet_200ms_4qaed' must come from other corpora than '4qaed_parts'",
    ),
    "a parent has not trained on a merged corpus with the corpus": (
        {
            "experiments.sincnet_200ms_4qaed.dataset": "mixed3_parts",
            "experiments.sincnet_200ms_4qaed.corpus": "mixed3",
        },
        f"{PANDREA}transfer.chain_4qaed_ch818.parent='sincnet_200ms_4qaed' must come from other corpora",
    ),
    "a parent has not trained on a corpus with songs of the corpus": (
        {
            "transfer.chain_4qaed_ch818.dataset": "4qaed",
            "experiments.sincnet_200ms_4qaed.dataset": "merge_audio_b",
            "experiments.sincnet_200ms_4qaed.corpus": None,
            "transfer.chain_4qaed_ch818.corpus": None,
        },
        f"{PANDREA}transfer.chain_4qaed_ch818.parent='sincnet_200ms_4qaed' must come from other corpora",
    ),
    "a system is tested on other songs than it is trained on": (
        {
            SOURCE: "merge_audio_b",
            "cross.mixed_mlp_4qaed.dataset": "4qaed",
            "cross.mixed_mlp_4qaed.corpus": None,
        },
        f"{PANDREA}{SOURCE}='merge_audio_b' must have other songs than '4qaed', which is tested",
    ),
    "a parent is an experiment": (
        {f"{CHAIN}.parent": "sincnet_200ms"},
        f"{PANDREA}{CHAIN}.parent='sincnet_200ms' must be one of [",
    ),
    "a parent has the same model": (
        {f"{CHAIN}.parent": "mlp_compare_4qaed"},
        f"{PANDREA}{CHAIN}.parent='mlp_compare_4qaed' must be an experiment with model='sincnet', to train",
    ),
    "a chain of transfers has a beginning": (
        {f"{CHAIN}.parent": "transfer2_ch818"},
        f"{PANDREA}transfer.transfer2_ch818.parent='transfer3_4qaed' must not lead back to itself: "
        "transfer2_ch818 <- transfer3_4qaed; name an experiment",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_refused_by_file_key_and_value(rule):
    changes, message = RULES[rule]
    with pytest.raises(MerError) as error:
        validation.check(broken(changes), PARAMS)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("field", ["experiment", "figure"])
def test_a_pattern_has_the_names_of_a_cell_alone(field):
    with pytest.raises(ValueError, match=r"must have no other names in braces than .*\{row\}"):
        broken({f"{TABLE1}.{field}": "ours_{rows}"})


def test_a_table_is_called_by_its_paper():
    table = EVERY.tables["louro_improving_table1"].model_dump()
    papers = broken({"tables.louro_table1": table}, removed=TABLE1)
    message = (
        r"tables\.louro_table1\.paper='louro_improving' must begin the name of the table; rename"
    )
    with pytest.raises(MerError, match=message):
        validation.check(papers, PARAMS)


def test_an_experiment_that_needs_weights_stands_in_brought():
    found = EVERY.pretrained["openl3_rf_4qaed"].model_dump(exclude={"weights"})
    papers = broken({"experiments.openl3_rf_4qaed": found}, removed="pretrained.openl3_rf_4qaed")
    message = r"experiments\.openl3_rf_4qaed must stand in pretrained, with weights: openl3,"
    with pytest.raises(MerError, match=message):
        validation.check(papers, PARAMS)


@pytest.mark.parametrize(
    ("model", "family", "parent"),
    [("mlp", "compare_lld", "mlp_compare_ch818"), ("sample_cnn", "none", "sample_cnn_4qaed")],
)
def test_only_a_model_whose_trainer_takes_weights_is_trained_further(model, family, parent):
    values = {"model": model, "family": family, "settings": "", "parent": parent}
    papers = broken(
        {f"transfer.chain_ch818_tr_music.{key}": value for key, value in values.items()}
    )
    message = (
        rf"transfer\.chain_ch818_tr_music\.model='{model}' must be a model whose trainer is one of"
    )
    with pytest.raises(MerError, match=message):
        validation.check(papers, PARAMS)


def test_a_paper_of_ones_own_on_ones_own_corpus_needs_only_a_miniature():
    block = PARAMS.corpora["demo_emopia200"]
    found = EVERY.experiments["svm_4qaed"].model_dump()
    own = {"paper": "mine", "dataset": "mysongs", "family": "compare", "target": "valence_arousal"}
    row = {"title": "SVM"}
    table = {"paper": "mine", "title": "", "protocol": "", "metrics": ["ccc", "rmse_valence"]}
    papers = Papers.model_validate(
        {
            "papers": {"mine": {"title": "", "authors": "", "url": None}},
            "tables": {"mine_table1": {**table, "columns": {"mysongs": row}, "rows": {"svm": row}}},
            "experiments": {"svm_mysongs": {**found, **own}},
        }
    )
    corpora = {**PARAMS.corpora, "mysongs": block}
    with pytest.raises(
        MerError, match="'mysongs' must have a miniature, 'demo_mysongs', and there"
    ):
        validation.check(papers, PARAMS.model_copy(update={"corpora": corpora}))
    validation.check(
        papers, PARAMS.model_copy(update={"corpora": {**corpora, "demo_mysongs": block}})
    )
