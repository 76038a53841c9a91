"""Kill the pipeline in a clone at random points, and see what is left of it."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from helpers.clone import ENVIRONMENT, FEW, Clone
from mer.pipeline.dvc_locks import repair_locks

SMALL = {
    **FEW,
    "model": "cnn",
    "profile": "miniature",
    "demos__demo__seconds": 2.0,
    "views__louro__seconds": 4.0,
    "models__cnn__training__smoke_test_epochs": 1,
}
PREPARING = "data/dvc.yaml:"
STAGES = {
    "standardize": f"{PREPARING}standardize@demo",
    "mel": f"{PREPARING}mel@louro-demo",
    "features": f"{PREPARING}features@compare-demo",
    "augment": f"{PREPARING}augment@classic-louro-demo",
    "folds": f"{PREPARING}folds@demo",
    "train": "train",
    "evaluate": "evaluate",
}
SHARES_OF_A_FILE = (".tmp", ".gitignore", "dvc.lock", "dvc.yaml")
GRACE = 30.0  # seconds in which everything must be gone, on a busy machine too


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def living(folder: Path) -> list[psutil.Process]:
    """Processes that work in ``folder`` or below it."""
    found = []
    for process in psutil.process_iter():
        try:
            if _lives(process) and Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def script(process: psutil.Process) -> str | None:
    """The stage that a process runs, as its script is called; None for DVC, workers, shells."""
    try:
        return next((Path(a).stem for a in process.cmdline()[1:2] if a.startswith("stages/")), None)
    except psutil.NoSuchProcess:
        return None


class Run:
    """`dvc repro` in a clone, repaired as `make repro` does, two workers, a process group of its own."""

    def __init__(self, clone: Clone, *command: str) -> None:
        self.repaired = repair_locks(clone.folder)
        self.folder = clone.folder
        self.output = clone.folder / ".git" / "output.txt"
        with self.output.open("w") as stream:
            self.dvc = subprocess.Popen(
                command or ("dvc", "repro"),
                cwd=clone.folder,
                env={**ENVIRONMENT, "MER_JOBS": "2"},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stages(self) -> Iterator[tuple[str, psutil.Process]]:
        """Each stage once, as its process begins, until DVC ends."""
        last = None
        while self.dvc.poll() is None:
            for process in living(self.folder):
                if (name := script(process)) and process.pid != last:
                    last = process.pid
                    yield name, process
            time.sleep(0.1)

    def workers(self) -> list[psutil.Process]:
        """The workers of a stage."""
        return [p for p in living(self.folder) if "loky.backend.popen" in " ".join(p.cmdline())]

    def tree(self) -> list[psutil.Process]:
        """Every process of the run, also one that works elsewhere."""
        below = psutil.Process(self.dvc.pid).children(recursive=True)
        return list({*living(self.folder), *below})

    def seconds_to_end(self, tree: list[psutil.Process]) -> float:
        """How long the last process, of those given or a later one, takes to go."""
        begin = time.monotonic()
        while time.monotonic() < begin + GRACE:
            self.dvc.poll()
            if not any(map(_lives, tree)) and not living(self.folder):
                break
            time.sleep(0.02)
        return time.monotonic() - begin


def measure(clone: Clone) -> dict[str, float]:
    """Seconds that each stage's process lives in an undisturbed `dvc repro`, in order."""
    seconds, run = {}, Run(clone)
    for name, process in run.stages():
        begin = process.create_time()
        process.wait()
        seconds[name] = time.time() - begin
    assert run.dvc.wait() == 0, run.output.read_text()
    return seconds


def _kill(run: Run, stage: psutil.Process) -> None:
    for process in living(run.folder):
        process.kill()


WORKER = "SIGKILL of a worker"
HOW: dict[str, Callable[[Run, psutil.Process], None]] = {
    "SIGKILL of every process": _kill,
    "SIGKILL of DVC": lambda run, _: run.dvc.kill(),
    "SIGKILL of the stage": lambda _, stage: stage.kill(),
    WORKER: lambda run, stage: (run.workers() or [stage])[0].kill(),
    "SIGTERM of DVC": lambda run, _: run.dvc.terminate(),
    "SIGTERM of the group": lambda run, _: os.killpg(run.dvc.pid, signal.SIGTERM),
    "Ctrl-C": lambda run, _: os.killpg(run.dvc.pid, signal.SIGINT),
}


@dataclass(frozen=True)
class Kill:
    """One point at which the pipeline is killed.

    Attributes
    ----------
    stage : str
        Key of ``STAGES``.
    moment : float in [0, 1]
        Share of the seconds that the stage's process lives undisturbed.
    how : str
        Key of ``HOW``.
    """

    stage: str
    moment: float
    how: str


def draw(number: int, seed: int) -> list[Kill]:
    """Random moments in random stages, the kills of a stage one after the other; ways in turn."""
    rng = random.Random(seed)
    stages = rng.sample(list(STAGES), min(len(STAGES), (number + 1) // 2))
    ways = [list(HOW)[i % len(HOW)] for i in range(number)]
    rng.shuffle(ways)
    hit = sorted(stages[i % len(stages)] for i in range(number))
    return [Kill(stage, rng.random(), way) for stage, way in zip(hit, ways)]


def again(stage: str) -> tuple[str, ...]:
    """The command that runs a stage once more, done or not."""
    return ("dvc", "repro", "--force", "--single-item", STAGES[stage])


def strike(clone: Clone, kill: Kill, seconds: float) -> float:
    """Run a stage once more, and kill it.

    Parameters
    ----------
    seconds : float
        That the stage takes. Where it is faster, DVC is killed while it saves the output.

    Returns
    -------
    float
        Seconds until nothing of the run was left.
    """
    run = Run(clone, *again(kill.stage))
    _, process = next(run.stages())
    if not psutil.wait_procs([process], timeout=kill.moment * seconds)[1]:
        time.sleep(kill.moment / 2)
    tree = run.tree()
    try:
        HOW[kill.how](run, process)
    except psutil.NoSuchProcess:  # it has just ended by itself
        run.dvc.kill()
    passed = run.seconds_to_end(tree)
    if kill.how == WORKER and run.dvc.poll() is None:  # it had no more to do, and was not missed
        tree = run.tree()
        run.dvc.kill()
        passed = run.seconds_to_end(tree)
    return passed


def written(clone: Clone) -> dict[str, str]:
    """Digests of the files that stages have written under their own names."""
    return {
        path: digest
        for path, digest in clone.digests("data", "metrics").items()
        if not any(share in path for share in SHARES_OF_A_FILE)
    }


def locked(clone: Clone) -> dict[str, object]:
    """What DVC's lock files hold, in whatever order."""
    names = ("dvc.lock", "data/dvc.lock")
    return {name: yaml.safe_load((clone.folder / name).read_text()) for name in names}


def left_over(clone: Clone) -> list[Path]:
    """Temporary files that a run should have removed."""
    return [
        p for place in ("data", "metrics", ".mer") for p in (clone.folder / place).rglob("*.tmp")
    ]
