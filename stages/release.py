"""Train, score and describe the pretrained system of the package: ``python stages/release.py``."""

from pathlib import Path

from mer import config
from mer.inference import release
from mer.pipeline.stage import stage
from mer.selection import Selection

with stage("release"):
    (seed,) = config.read("seed")
    chosen = Selection(
        model="logistic_regression",
        dataset="4qaed",
        target="quadrant",
        view="none",
        family="musicnn",
        augment="none",
        protocol="grouped",
        fidelity="described",
        profile="paper",
        seed=seed,
    )
    release.make(chosen, Path("pretrained/4qaed_musicnn"), "quadrants by MusiCNN, trained on 4QAED")
