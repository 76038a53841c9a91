"""mer.inference.inputs: what a model reads of clips in memory."""

import sys
import threading

import numpy as np
import pytest
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


def test_calls_of_several_threads_put_back_what_they_change(monkeypatch):
    before = sys.unraisablehook, [pool["num_threads"] for pool in threadpool_info()]
    second = threading.Event()

    def row(*_):
        second.wait(0.2)  # of two calls at once, the first would end first
        second.set()
        return np.zeros(0)

    monkeypatch.setattr(inputs, "row", row)
    chosen = inputs.Families(name="none", params={"none": {}})
    clip = Clip("a", np.zeros(9, np.float32), 22050)
    threads = [threading.Thread(target=inputs.table, args=([clip], chosen)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before == (sys.unraisablehook, [pool["num_threads"] for pool in threadpool_info()])


@pytest.mark.parametrize(
    ("pairs", "refused"),
    [
        ({"a": "ab"}, "'a'"),
        ({"a": "bx", "b": "xa"}, "'a'"),
        ({"a": "bx", "b": "xy"}, None),
        ({"b": "xy", "a": "xb"}, None),
    ],
)
def test_a_concatenation_that_consists_of_itself_is_refused(pairs, refused):
    joins = [{"name": name, "left": left, "right": right} for name, (left, right) in pairs.items()]
    if refused:
        with pytest.raises(ValueError, match=f"must not consist of itself, as {refused} does"):
            inputs.Families(name="a", params={}, joins=joins)
    else:
        assert len(inputs.Families(name="a", params={}, joins=joins).joins) == 2
