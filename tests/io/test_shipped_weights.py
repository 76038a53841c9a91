"""Converted weights that come with the package: each stands in for the file it was made from."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from mer.io import pretrained

ONE, OTHER = "1" * 64, "2" * 64


@pytest.mark.parametrize(
    ("metadata", "found"), [({"sha256": ONE}, True), ({"sha256": OTHER}, False)]
)
def test_shipped_weights_are_of_the_file_with_the_digest(tmp_path, monkeypatch, metadata, found):
    monkeypatch.setattr(pretrained, "SHIPPED", tmp_path)
    wanted = pretrained.Weights(file="a.pth", sha256=ONE, source="the moon", license="none")
    assert pretrained.shipped(wanted) is None
    path = tmp_path / "a.pth.safetensors"
    save_file({"x": np.zeros(1)}, path, metadata)
    assert pretrained.shipped(wanted) == (path if found else None)
    assert (pretrained.unusable_reason(wanted, tmp_path) is None) is found
