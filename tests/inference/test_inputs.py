"""mer.inference.inputs: what a model reads of clips in memory."""

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from mer.inference import inputs
from mer.types import Clip


def test_features_are_computed_with_one_thread_as_in_the_stages(monkeypatch):
    """A sum over two threads has other last digits."""
    used = []

    def row(*_):
        used.extend(pool["num_threads"] for pool in threadpool_info())
        return np.zeros(0)

    monkeypatch.setattr(inputs, "row", row)
    clip = Clip("a", np.zeros(9, np.float32), 22050)
    with threadpool_limits(2):
        inputs.table([clip], inputs.Families(name="none", params={"none": {}}))
    assert set(used) == {1}
