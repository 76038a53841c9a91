"""Benchmark of a GPU in a few minutes: throughput of the networks, then folds of the real experiments.

    python benchmarks/gpu.py --minutes 8 --out gpu [--commit SHA] [--steps facts,throughput,folds]
                             [--experiments cnn_4qaed,crnn_4qaed]

The steps write their results as they go, and continue where they stopped:

* ``facts`` writes the device, its memory and the versions to ``device.json``;
* ``throughput`` writes examples per second of training on random data to ``throughput.json``: of a plain
  loop, of this project's loop (``eager``), and of this project's loop with the network compiled;
* ``folds`` prepares the corpora in ``data/raw`` on all cores and trains the experiments of
  ``EXPERIMENTS``, or of ``--experiments``, in their order, ``--workers`` at once, as soon as their inputs
  are ready. No fold starts after the minutes are over. ``results.tar`` has the scores of the folds that
  ended, and ``python stages/bring.py results.tar`` adds them to the ledger of another checkout;
  ``errors.json`` names the experiments without scores.

The program needs the libraries that train (torch, NumPy, pandas, SciPy, scikit-learn, soundfile, soxr,
pydantic), but no Essentia, openSMILE, librosa or DVC. It reads handcrafted features from ``data/features``
where they exist. An augmentation policy that uses audiomentations needs librosa; without it, only the
experiments with that policy fail.
"""

import argparse
import json
import logging
import os
import platform
import tarfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import throughput
import torch

from mer.pipeline import experiment as experiments
from mer.pipeline import experiment_queue, provenance, real_run
from mer.pipeline.experiment_queue import Record
from mer.pipeline.run_record import UNKNOWN, code_commit, machine, versions
from mer.reproduction import spec
from mer.runtime.device import computes_in_bfloat16, device
from mer.runtime.error_messages import one_sentence

FEATURES = Path("data/features")
STEPS = ("facts", "throughput", "folds")
# Key -> number of folds, None for all folds of the profile; the most important first.
EXPERIMENTS: dict[str, int | None] = {
    "crnn_4qaed": None,
    "cnn_gru_4qaed": None,
    "short_chunk_cnn_4qaed": None,
    "autoencoder_rf_4qaed": None,
    "cnn_rg_4qaed": None,
    "cnn_sb_4qaed": None,
    "cnn_tfm_4qaed": None,
    "4qaed_10s_valence": 1,
    "crnn_4qaed_grouped": None,
    "cnn_gru_4qaed_grouped": None,
    "cnn_classic_4qaed": None,
    "sample_cnn_4qaed": None,
    "cnn_deepsmote_4qaed": None,
    "4qaed_10s_arousal": 1,
    "cnn_spec_4qaed": None,
    "short_chunk_cnn_4qaed_grouped": None,
    "autoencoder_rf_4qaed_grouped": None,
    "leaks_hybrid_4qaed": None,
    "leaks_hybrid_leak_4qaed": None,
    "hybrid_4qaed": None,
    "cnn_4qaed": None,
    "cnn_4qaed_grouped": None,
    "4qaed_5s_valence": 1,
    "4qaed_5s_arousal": 1,
    "cnn_released_4qaed": None,
    "crnn_released_4qaed": None,
    "cnn_gru_released_4qaed": None,
    "sincnet_200ms_4qaed_grouped": None,
    "hybrid_4qaed_grouped": None,
}
log = logging.getLogger("gpu")


def facts(where: torch.device) -> dict[str, str | int | float]:
    """The device and the versions of Python, PyTorch and CUDA."""
    found: dict[str, str | int | float] = {
        "device": str(where),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": os.cpu_count() or 0,
        "bfloat16": computes_in_bfloat16(where),
    }
    if where.type == "cuda":
        properties = torch.cuda.get_device_properties(where)
        found |= {
            "device": properties.name,
            "memory_gib": round(properties.total_memory / 2**30, 1),
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda or "",
        }
    return found


def origin(known: Mapping[str, str | int | float], commit: str) -> Record:
    """The facts of the machine and the code that every record holds."""
    return {
        "device": known["device"],
        "commit": commit,
        "machine": machine(),
        "python": known["python"],
        "versions": versions(),
    }


def experiment(common: Record, profile: str, key: str, until: float) -> Record:
    """Train and score one experiment on the folds that start before ``until``; its record."""
    limit = EXPERIMENTS.get(key)
    try:
        return real_run.train(key, until, profile=profile, max_folds=limit, facts=common)
    finally:
        torch.cuda.empty_cache()  # for the other workers


def without_weights(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """A file of a run, unless it belongs to the weights: scores need none."""
    return None if "/weights" in member.name else member


def write_results(out: Path, records: Sequence[Record], dropped: Sequence[Record] = ()) -> None:
    """Write ``results.tar``, the scores, predictions and records of the experiments that have new scores,
    and ``errors.json``, the others and those that were ``dropped`` before the start."""
    without = [record for record in records if record.keys() & {"error", "absent", "kept"}]
    with tarfile.open(out / "results.tar.part", "w") as tar:
        for record in records:
            if record not in without:
                paper, key = str(record["paper"]), str(record["key"])
                tar.add(experiments.METRICS / paper / f"{key}.record.json")
                tar.add(experiments.METRICS / paper / f"{key}.json")
                tar.add(experiments.RUNS / paper / key, filter=without_weights)
    (out / "results.tar.part").replace(out / "results.tar")
    (out / "errors.json").write_text(json.dumps([*without, *dropped], indent=1))


def without_table(keys: Sequence[str]) -> list[Record]:
    """A record of each experiment whose feature table is missing: this program extracts none."""
    papers, found = spec.load(), list[Record]()
    for key in keys:
        given = papers.find(key).model_dump()  # type: ignore[union-attr]
        corpora = filter(None, (given["dataset"], given.get("source")))
        tables = [FEATURES / given["family"] / corpus for corpus in corpora]
        missing = [table for table in tables if not table.exists()]
        if missing and given["family"] != "none":
            error = f"{missing[0]} must be there, and is not; copy it from a machine that extracts features"
            found.append({"key": key, "error": error})
    return found


def check(parser: argparse.ArgumentParser, steps: Sequence[str], keys: Sequence[str]) -> None:
    """End the program with a message where a step or an experiment is unknown."""
    if unknown := [step for step in steps if step not in STEPS]:
        parser.error(f"--steps must be some of {','.join(STEPS)}, and names {unknown[0]!r}")
    papers = spec.load()
    if unknown := [key for key in keys if not isinstance(papers.find(key), spec.Experiment)]:
        parser.error(
            f"--experiments must be keys of papers/*/paper.yaml, and {unknown[0]!r} is none; correct it"
        )


def train(keys: Sequence[str], profile: str, common: Record, out: Path, **limits: Any) -> None:
    """Train the experiments whose tables are there; ``limits`` are those of ``experiment_queue.run``."""
    dropped = without_table(keys)
    names = {record["key"] for record in dropped}
    artefacts = real_run.inputs_of([key for key in keys if key not in names], profile)
    real_run.remove_folds(artefacts)
    task = experiment_queue.Task(
        artefacts,
        partial(real_run.prepare, profile=profile),
        partial(experiment, common, profile),
        partial(write_results, out, dropped=dropped),
    )
    experiment_queue.run(task, **limits)


def main() -> None:
    """Run the steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--out", type=Path, default=Path("gpu"))
    parser.add_argument(
        "--commit",
        default=code_commit(),
        help="commit of the code, for the records (default: that of Git)",
    )
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--experiments", default=",".join(EXPERIMENTS))
    parser.add_argument("--profile", default="quick", help="a key of profiles in params.yaml")
    parser.add_argument("--workers", type=int, default=3, help="experiments at once")
    parser.add_argument(
        "--batches", type=int, default=4, help="batches per epoch in the step throughput"
    )
    chosen = parser.parse_args()
    steps, keys = chosen.steps.split(","), chosen.experiments.split(",")
    check(parser, steps, keys)
    deadline, where = time.time() + 60 * chosen.minutes, device()
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)8d ms %(message)s")
    logging.getLogger("mer").setLevel(logging.WARNING)
    chosen.out.mkdir(parents=True, exist_ok=True)
    if "facts" in steps:
        (chosen.out / "device.json").write_text(json.dumps(facts(where), indent=1))
    if "throughput" in steps:
        throughput.measure(chosen.out / "throughput.json", chosen.batches, where)
    if "folds" in steps:
        with one_sentence("gpu", {}):
            provenance.require_committed_code("folds")
        if chosen.commit == UNKNOWN:
            parser.error(
                "--commit must name the commit of the code, for this copy has no Git repository"
            )
        common = origin(facts(where), chosen.commit)
        limits = {"workers": chosen.workers, "deadline": deadline}
        train(keys, chosen.profile, common, chosen.out, **limits)


if __name__ == "__main__":
    main()
