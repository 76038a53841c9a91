"""Shared fixtures: the repository, real data where it is at hand, a corpus of plain tracks."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mer.schema.profiles import Profile
from mer.types import QUADRANTS, Track

os.environ["MER_JOBS"] = "1"  # two workers run tests already; what is about processes asks for them
pytest_plugins = ["helpers.ledger"]
ROOT = Path(__file__).resolve().parents[1]
LONG = ("test_pipeline", "test_kills", "test_demo_scores", "test_models", "test_damaged")


def profile_of(**limits: Any) -> Profile:
    """A profile that cuts nothing short but what it is told to; in float32."""
    uncut = dict.fromkeys(Profile.model_fields) | {
        "smoke_test": False,
        "precision": "float32",
        "portable": False,
    }
    return Profile.model_validate(uncut | limits)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first, so that the workers end together."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data named by MER_TEST_DATA; the test is skipped where there is none."""
    folder = Path(os.environ.get("MER_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def corpus() -> list[Track]:
    """120 tracks, 30 a quadrant, artists of one to four tracks that cross quadrants."""
    draw = np.random.default_rng(3)
    return [
        Track(
            f"t{i:03d}", QUADRANTS[i % 4], artist=f"artist {draw.integers(40)}" if i % 7 else None
        )
        for i in range(120)
    ]
