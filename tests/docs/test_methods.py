"""docs/methods.md: its counts of parameters are those of the networks, and every model has its section."""

import re

import pytest

from conftest import ROOT
from mer import config, registry

TEXT = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))
OTHERS = {"fusion", "constant", "logistic_regression", "ridge"}
NETWORKS = {
    "cnn": ("Louro's CNN", (942, 128)),
    "cnn_gru": ("Louro's CNN with GRU", (942, 128)),
    "crnn": ("Louro's CRNN", (942, 128)),
    "short_chunk_cnn": ("Louro's ShortChunk CNN", (116, 128)),
    "sample_cnn": ("Louro's Sample CNN", (59049,)),
}


@pytest.mark.parametrize("model", NETWORKS)
def test_parameters_are_counted_right(model):
    section, shape = NETWORKS[model]
    (params,) = config.read(f"models.{model}", path=ROOT / "params.yaml")
    network = registry.get("models", model).build(params, shape=shape, outputs=4)
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert f"{count:_}".replace("_", " ") in " ".join(SECTIONS[section].split())


def test_every_model_of_a_paper_is_described():
    """The models of ``OTHERS`` are of none."""
    for model in set(registry.names("models")) - OTHERS:
        assert f"models/{model}.py" in TEXT
