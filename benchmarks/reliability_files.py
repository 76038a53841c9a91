"""Behaviour for damaged and unusual audio files: ``python benchmarks/reliability_files.py``.

Writes the section ``files`` of docs/reliability.md: every kind of tests/helpers/damaged.py, 1,000 files
with flipped bits, and the cost of decoding in another process.
"""

import argparse
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import sections
import soundfile as sf
import yaml

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers import damaged
from helpers.clone import Clone, fresh_clone
from mer import audio, config
from mer.decoding import client, files
from mer.errors import MerError, Unreadable
from mer.io import raw_folder
from mer.io.files import write_csv
from mer.io.standard import quarantined

VIEW, FAMILY, LIMITS = config.read("views.louro", "families.compare", "audio")
RATE = 22050
VARIANTS = 1000
TURNS = 60
KEEP_ALL = {
    "quarantine__max_fraction": 1.0,
    "quarantine__max_missing": 1.0,
    "quarantine__duplicates": "keep",
}
INTRODUCTION = """\
## Damaged and odd files

`python benchmarks/reliability_files.py` makes this table: it runs `dvc repro` on a corpus with one file
of every kind from `tests/helpers/damaged.py`. The stage `raw` runs first and refuses each file that DVC
cannot hash. Every other file is decoded in another process within the limits of `audio` in
`params/audio.yaml`; one that crashes it, hangs it or exhausts its memory gets a second try in a fresh
one."""
FLIPPED = """\
### Flipped bits

{n} copies of one second in five formats, 1 to 256 bits flipped, in half of the copies among the first
200 bytes. Of every clip the samples, the spectrogram (`louro`) and the 6373 features (`compare`) were
checked: {finite} of {clips} are finite. The decoder crashed {crashes} times, this process never."""
COST = """\
### What the other process costs

A stereo mp3 of 30 s at 44.1 kHz, processor time per file over {n} files: {alone:.1f} ms in this process,
{sandboxed:.1f} ms ({percent:+.1f} %) in both together where the other decodes. That one starts once per
worker, in {start:.2f} s."""
HERE = {"no permission": "root may read everything; the tests ask as nobody"}


def decode(path: Path, seconds: float) -> tuple[str, str, np.ndarray | None]:
    """Outcome, reason and samples."""
    limits = LIMITS.model_copy(update={"min_seconds": seconds})
    try:
        return "clip", "", client.decode(path, RATE, limits)
    except Unreadable as fault:
        return "quarantined", str(fault), None


def corpus(folder: Path) -> Clone:
    """A clone that selects an empty corpus ``kinds``, of which any share may be left out."""
    clone = fresh_clone(Path(__file__).parents[1], folder)
    path = clone.folder / "params/corpora.yaml"
    corpora = yaml.safe_load(path.read_text())
    corpora["corpora"]["kinds"] = {**corpora["corpora"]["demo"], "counts": None, "protocol": "cv10"}
    path.write_text(yaml.safe_dump(corpora, sort_keys=False))
    clone.edit(dataset="kinds", model="svm", view="none", augment="none", **KEEP_ALL)
    return clone


def place(kind: damaged.Kind, root: Path) -> str | None:
    """Write a file of a kind; the reason why it is taken away again, for DVC cannot hash it, or None."""
    path = root / kind.name.replace("/", " ") / kind.file
    path.parent.mkdir(parents=True)
    kind.write(path)
    try:
        raw_folder.check(root)
    except MerError:
        return path.relative_to(root).as_posix()
    return None


def refused(clone: Clone, root: Path, kind: damaged.Kind) -> str:
    """The message of ``dvc repro`` about a file that DVC cannot hash; the file is then removed."""
    place(kind, root)
    said = clone.run("dvc", "repro", "data/dvc.yaml:index@kinds", ok=False)
    shutil.rmtree(root / kind.name.replace("/", " "))
    return next(line for line in said.splitlines() if line.startswith("raw@")).partition(" is ")[2]


def kinds() -> str:
    """A row for every kind, as ``dvc repro`` treats it."""
    with tempfile.TemporaryDirectory() as folder:
        clone = corpus(Path(folder))
        root = clone.folder / "data/raw/kinds"
        labelled, unhashable = {}, []
        for kind in damaged.KINDS:
            path = f"{kind.name.replace('/', ' ')}/{kind.file}"
            if place(kind, root):
                shutil.rmtree(root / Path(path).parent)
                unhashable.append(kind)
            else:
                labelled[path] = kind
        table = [("path", "quadrant"), *((path, "Q1") for path in labelled)]
        write_csv(root / "labels.csv", table)
        clone.run("dvc", "repro", "data/dvc.yaml:standardize@kinds")
        left_out = quarantined(clone.folder / "data/standard/kinds")
        reasons = dict(zip(left_out["path"], left_out["reason"], strict=True))
        outcomes = {kind.name: ("clip", "") for kind in damaged.KINDS}
        outcomes |= {
            k.name: ("quarantined", reasons[p]) for p, k in labelled.items() if p in reasons
        }
        outcomes |= {
            k.name: ("refused by the stage raw", refused(clone, root, k)) for k in unhashable
        }
    rows = []
    for kind in damaged.KINDS:
        outcome, reason = outcomes[kind.name]
        unexpected = (outcome == "clip") is (kind.reason is not None)
        rows.append(
            (
                kind.name,
                outcome,
                reason or (HERE.get(kind.name, "unexpected!") if unexpected else ""),
            )
        )
    return sections.table(("kind", "outcome", "reason"), rows)


def flips() -> str:
    """A row for every format and outcome, the numbers in its reason left out."""
    seen: Counter[tuple[str, str, str]] = Counter()
    seconds: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    finite = 0
    for sound in damaged.SOUND:
        for content in damaged.variants(sound, VARIANTS // len(damaged.SOUND)):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, f"flipped.{sound}")
                path.write_bytes(content)
                started = time.perf_counter()
                outcome, reason, samples = decode(path, 0.5)
                row = sound, outcome, re.sub(r"\d[\d.]*(e[+-]?\d+)?", "N", reason)
                seconds[row] += time.perf_counter() - started
            seen[row] += 1
            if samples is not None:
                clip = audio.Clip("flipped", samples, RATE)
                finite += damaged.finite(clip, VIEW, FAMILY)
    facts = {
        "n": seen.total(),
        "finite": finite,
        "clips": sum(n for (_, outcome, _), n in seen.items() if outcome == "clip"),
        "crashes": sum(n for (_, _, reason), n in seen.items() if "crashed" in reason),
    }
    rows = [(*row, n, f"{seconds[row]:.2f}") for row, n in sorted(seen.items())]
    table = sections.table(("format", "outcome", "reason", "files", "seconds"), rows)
    return f"{FLIPPED.format(**facts)}\n\n{table}"


def processor_seconds() -> float:
    """Processor time of this process and of its ended child processes."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def sandboxed(path: Path, turns: int) -> float:
    """Processor seconds of a decoder's life of so many files."""
    before, other = processor_seconds(), client.Decoder()
    for _ in range(turns):
        other.decode(path, 44100, LIMITS)
    other.end()
    return processor_seconds() - before


def cost() -> str:
    """The same file in this process and in the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mp3")
        music = damaged.music(44100, 30.0)
        sf.write(path, np.stack([music, music[::-1]], axis=1), 44100)
        started = time.perf_counter()
        first = sandboxed(path, 1)
        start = time.perf_counter() - started
        other = (sandboxed(path, 1 + TURNS) - first) / TURNS
        before = processor_seconds()
        for _ in range(TURNS):
            files.decode(path, 44100, LIMITS.min_seconds, LIMITS.max_pcm_mib * files.MIB)
        alone = (processor_seconds() - before) / TURNS
    facts = {"alone": 1e3 * alone, "sandboxed": 1e3 * other, "percent": 100 * (other / alone - 1)}
    return COST.format(n=TURNS, start=start, **facts)


def main() -> None:
    """Write the section."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    sections.write("files", "\n\n".join((INTRODUCTION, kinds(), flips(), cost())))


if __name__ == "__main__":
    main()
