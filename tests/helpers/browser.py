"""Chromium without a window, which shows a page as a reader gets it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "MER_REQUIRE_BROWSER"  # set where a missing browser is a failure, as in CI
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
)


def chromium() -> str:
    """Path of the browser; the test is skipped where there is none, unless one is required."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and REQUIRED in os.environ:
        pytest.fail(f"{REQUIRED} is set, so one of {NAMES} must be installed")
    return found or pytest.skip(f"needs one of {NAMES}")


def dom(page: Path, profile: Path) -> str:
    """The document after its scripts have run, without a network."""
    command = [chromium(), *OPTIONS.split(), "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += [f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout
