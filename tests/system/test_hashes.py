"""The hashes of packages are those of the pinned versions."""

import re

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
