"""A clone of the working tree to run the pipeline in, as a new user has it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from mer.types import QUADRANTS

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def edit(path: Path, **changes: object) -> None:
    """Set dotted keys of a params.yaml, with ``__`` for the dot."""
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        block = content
        for parent in parents:
            block = block[parent]
        assert last in block
        block[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


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
        """Set keys of its params.yaml; see ``edit``."""
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
                for param in change.get("changed deps", {}).get("params.yaml", ())
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
CORPORA = ("demo", "4qaed", "emopia200")


def fresh_clone(root: Path, folder: Path, **changes: object) -> Clone:
    """A committed clone with short demo clips and ``changes`` of params.yaml, nothing run yet.

    Without the experiments behind the tables, their miniatures and most corpora: DVC collects all
    stages anew before and after each stage that it runs, and in every command.
    """
    clone = Clone(root, folder)
    for path in ("dvc.lock", "data/dvc.lock", "metrics/run.json"):
        (clone.folder / path).unlink(missing_ok=True)
    for path in (clone.folder / "papers").rglob("dvc.yaml"):
        path.unlink()
    preparing = clone.folder / "data/dvc.yaml"
    lines = preparing.read_text().splitlines(keepends=True)
    preparing.write_text("".join(line for line in lines if "${miniature}" not in line))
    params = yaml.safe_load((root / "params.yaml").read_text())
    few = {key: params["corpora"][key] for key in CORPORA}
    clone.edit(corpora=few, demos={"demo": params["demos"]["demo"]}, cuts={}, unions={})
    clone.edit(**{"demos__demo__seconds": 4.0, **changes})
    clone.run("git", "init", "-q")
    clone.run("git", "config", "user.email", "test@localhost")
    clone.run("git", "config", "user.name", "test")
    clone.commit("clone")
    return clone
