"""Clips cut into segments: from the waveform to one prediction per clip."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import profile_of
from mer import config
from mer.dsp.mel import prepare, segments, spectrogram
from mer.io.artefacts import write_manifest
from mer.io.spectrograms import AugmentedMels, Mels
from mer.io.standard import Standard
from mer.learn import tensors
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.learn.trainers._voting import vote
from mer.learn.waveforms import SegmentedWaveforms
from mer.models import short_chunk_cnn
from mer.pipeline.evaluate import score_run as evaluate
from mer.pipeline.train import _write
from mer.runtime import parallel
from mer.schema.spectrograms import Waveform
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.types import Clip, Fold

FORM = Waveform(
    sample_rate=100, peak_db=None, seconds=0.1, crop_from="start", pad_mode="pad", segment_samples=3
)
CONFIG = TrainingConfig(
    optimizer="sgd", lr=0.01, batch_size=8, max_epochs=1, smoke_test_epochs=1, stop_accuracy=None
)


def test_segments_follow_each_other_and_a_remainder_is_dropped():
    assert segments(np.arange(12.0), FORM).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize(("short", "last"), [("pad", [0, 0, 0]), ("repeat", [2, 3, 0])])
def test_a_short_clip_is_padded_or_repeated(short, last):
    form = FORM.model_copy(update={"pad_mode": short})
    clip = prepare(Clip("a", np.arange(4, dtype=np.float32), 100), form)
    assert segments(clip.samples, form)[2].tolist() == last


@pytest.mark.parametrize(("keep", "first"), [("start", 0), ("middle", 2), ("end", 4)])
def test_which_part_of_a_longer_clip_stays(keep, first):
    form = FORM.model_copy(update={"crop_from": keep})
    clip = prepare(Clip("a", np.arange(14, dtype=np.float32), 100), form)
    assert clip.samples.tolist() == list(range(first, first + 10))


def test_a_segment_longer_than_the_clip_is_refused():
    with pytest.raises(ValueError, match="at most sample_rate"):
        Waveform(**{**FORM.model_dump(), "segment_samples": 11})


def test_segments_are_cut_from_waveforms_at_the_rate_and_level_of_the_form(tmp_path, rng):
    form = FORM.model_copy(update={"sample_rate": 22050, "peak_db": -6.0, "segment_samples": 700})
    clips = [(id_, rng.integers(-9000, 9000, 6000).astype("<i2"), 1 / 32767) for id_ in "ab"]
    write_manifest(tmp_path, rate=44100, **Standard.write(tmp_path, clips))
    found, corpus = SegmentedWaveforms.read(tmp_path, form), Standard.read(tmp_path)
    assert found.values.shape == (2, 3, 700)
    for row, index in ((0, 1), (1, 0)):
        expected = segments(prepare(corpus.clip(corpus.ids[index]), form).samples, form)
        assert np.array_equal(found.rows(("b", "a"))[row], expected.astype(np.float16))


def test_a_view_with_segments_is_that_of_each_segment_alone(root, rng):
    (view,) = config.read("views.louro_segments", path=root / "params.yaml")
    clip = Clip("a", rng.uniform(-1, 1, 482000).astype(np.float32), view.sample_rate)
    found = spectrogram(clip, view)
    whole = view.model_copy(
        update={"segment_samples": None, "seconds": view.segment_samples / view.sample_rate}
    )
    second = replace(clip, samples=clip.samples[view.segment_samples : 2 * view.segment_samples])
    assert found.shape == (8, 116, 128)
    assert np.array_equal(found[1], spectrogram(second, whole))


def test_the_mean_of_segments_and_the_released_vote():
    votes = np.eye(4)[[[0, 0, 3, 3], [1, 1, 1, 2]]] * 0.7 + 0.075
    assert vote(votes, "described").argmax(1).tolist() == [0, 1]
    assert vote(votes, "released").tolist() == [[0, 0, 1, 0], [0, 1, 0, 0]]


@pytest.fixture
def data(rng):
    ids = tuple("abcdefgh")
    labels = {id_: i % 2 for i, id_ in enumerate(ids)}
    values = rng.standard_normal((8, 3, 16, 16)).astype(np.float16)
    copies = rng.standard_normal((8, 2, 3, 16, 16)).astype(np.float16)
    frames = np.full(8, 16)
    mels, copied = Mels(ids, frames, values), AugmentedMels(ids, frames, copies, ("one", "two"))
    return TrainingData(labels, Classes(("low", "high")), mel=mels, augmented=copied)


def test_examples_and_targets_are_aligned(data):
    cpu = torch.device("cpu")
    x = tensors.examples(data, ("c", "b"), cpu, augmented=True)
    y = tensors.targets(data, ("c", "b"), cpu, augmented=True)
    assert x.shape == (18, 16, 16)
    assert torch.equal(x[3:6], torch.from_numpy(data.mel.values[1]))
    assert torch.equal(x[9:12], torch.from_numpy(data.augmented.values[2, 1]))
    assert y.tolist() == [0] * 3 + [1] * 3 + [0] * 6 + [1] * 6


def test_clips_and_their_segments_are_scored(data, tmp_path):
    ids = data.mel.ids
    folds = [Fold(0, 0, ids[:4], (), ids[4:]), Fold(0, 1, ids[4:], (), ids[:4])]
    params = short_chunk_cnn.Params(filters=(4, 4), search="none", training=CONFIG)
    profile = profile_of(folds=2, repeats=1, batch_size=8, smoke_test=True)
    trained = cross_validate(
        "short_chunk_cnn",
        params,
        data,
        folds,
        seed=1,
        fidelity="described",
        profile=profile,
        fold_map=parallel.parallel_map,
    )
    by_segment = trained.segments.frame.assign(clip=lambda f: f["id"].str.split("#").str[0])
    assert len(by_segment) == 24
    means = by_segment.groupby("clip")[["p_0", "p_1"]].mean()
    clips = trained.predictions.frame.set_index("id")[["p_0", "p_1"]]
    assert np.allclose(means, clips.loc[means.index], atol=1e-3)
    _write(tmp_path / "run", trained, {"seed": 1}, None)
    evaluate(tmp_path / "run", tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    scores = (tmp_path / "run.json").read_text()
    assert '"segment_f1_macro"' in scores
    assert '"n_clips": 8' in scores
