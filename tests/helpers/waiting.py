"""Waiting for what another process does, on a machine that others use."""

import time
from collections.abc import Callable

PATIENCE = 120  # seconds


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fail where it does not hold in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
