"""Spectrograms are found by the id of their clip, whatever it looks like."""

import numpy as np
import pandas as pd
import pytest

from mer.io.artefacts import write_manifest
from mer.io.spectrograms import Mels


@pytest.mark.parametrize("ids", [("007", "008"), ("1.0", "2"), ("NA", "null")])
def test_an_id_stays_a_text(tmp_path, ids):
    write_manifest(tmp_path)
    np.save(tmp_path / "mel.npy", np.arange(2, dtype="<f2").reshape(2, 1, 1))
    pd.DataFrame({"id": ids, "frames": [1, 1]}).to_csv(tmp_path / "ids.csv", index=False)
    found = Mels.read(tmp_path)
    assert found.ids == ids
    assert found.rows(ids[::-1]).ravel().tolist() == [1, 0]
