"""A clone of the working tree to run the pipeline in, as a new user has it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from mer import config
from mer.types import QUADRANTS

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def edit(path: Path, **changes: object) -> None:
    """Set dotted keys, ``__`` for the dot, of params.yaml or of the file beside it that has them."""
    for key, value in changes.items():
        file = config.file_of(key.replace("__", "."), path)
        content = yaml.safe_load(file.read_text())
        *parents, last = key.split("__")
        block = content
        for parent in parents:
            block = block[parent]
        assert last in block
        block[last] = value
        file.write_text(yaml.safe_dump(content, sort_keys=False))


def copy_params(root: Path, folder: Path) -> Path:
    """Copy params.yaml and the folder beside it; returns the copy of params.yaml."""
    shutil.copytree(root / "params", folder / "params")
    return shutil.copy(root / "params.yaml", folder / "params.yaml")


class Clone:
    """A clone of the working tree in a folder of its own, with git and DVC to run in it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=root,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)

    def run(self, *command: str, ok: bool = True, **environment: str) -> str:
        """Output and errors of a command, which must succeed, or fail where ``ok`` is False."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def edit(self, **changes: object) -> None:
        """Set keys of its params; see ``edit``."""
        edit(self.folder / "params.yaml", **changes)

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)

    def stale(self) -> dict[str, set[str]]:
        """The stages of the selection that `dvc status` finds changed, and the params it names."""
        status = json.loads(self.run("dvc", "status", "--json", "--with-deps", "report"))
        return {
            name.removeprefix("data/dvc.yaml:"): {
                param
                for change in changes
                if isinstance(change, dict)  # and not "always changed"
                for params in change.get("changed deps", {}).values()
                if isinstance(params, dict)
                for param in params
            }
            for name, changes in status.items()
        }

    def digests(self, *folders: str) -> dict[str, str]:
        files = [p for f in folders for p in sorted((self.folder / f).rglob("*")) if p.is_file()]
        return {
            str(p.relative_to(self.folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
        }


FEW = {f"corpora__demo__counts__{quadrant}": 6 for quadrant in QUADRANTS}


def fresh_clone(root: Path, folder: Path, **changes: object) -> Clone:
    """A committed clone with short demo clips and ``changes`` of its params, nothing run yet."""
    clone = Clone(root, folder)
    for path in ("dvc.lock", "data/dvc.lock", "metrics/run.json"):
        (clone.folder / path).unlink(missing_ok=True)
    clone.edit(**{"demos__demo__seconds": 4.0, **changes})
    clone.run("git", "init", "-q")
    clone.run("git", "config", "user.email", "test@localhost")
    clone.run("git", "config", "user.name", "test")
    clone.commit("clone")
    return clone
