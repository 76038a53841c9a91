"""The hashes of packages are those of the pinned versions."""

import re
import subprocess

import pytest

from conftest import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(*names: str) -> dict[str, str]:
    """Version by name of a package, the name as registries compare it."""
    found = [pin for name in names for pin in PIN.findall((ROOT / name).read_text("utf-8"))]
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_every_pinned_package_of_linux_has_hashes_of_its_version():
    hashed, pinned = pins("requirements.hashes.txt"), pins("requirements.txt", "constraints.txt")
    assert set(pins("requirements.txt")) <= set(hashed)
    common = hashed.keys() & pinned
    assert {n: hashed[n] for n in common} == {n: pinned[n] for n in common}


def test_every_package_has_a_hash():
    text = (ROOT / "requirements.hashes.txt").read_text("utf-8")
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[A-Za-z0-9])", text)[1:])


@pytest.mark.parametrize(
    ("verify", "words"),
    [
        ("1", "--require-hashes --no-deps --requirement requirements.hashes.txt"),
        ("", "--requirement requirements.txt"),
    ],
)
def test_make_install_compares_hashes_where_it_is_asked_to(verify, words):
    command = ["make", "--dry-run", "--always-make", "install", f"VERIFY={verify}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"pip install --quiet {words}\n" in done.stdout


def test_every_action_of_ci_is_pinned_by_its_commit():
    texts = [path.read_text("utf-8") for path in (ROOT / ".github/workflows").iterdir()]
    used = [action for text in texts for action in re.findall(r"uses: (\S+)", text)]
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)
