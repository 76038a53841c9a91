"""SincNet: filters against their closed form, the published sizes, chunks and their sum."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from conftest import ROOT, profile_of
from mer import config
from mer.errors import MerError
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.trainers import random_chunks
from mer.learn.waveforms import Waveforms
from mer.models import sincnet
from mer.networks import sinc
from mer.targets.classes import Classes
from mer.types import QUADRANTS, Fold

RATE = 16000
(PARAMS,) = config.read("models.sincnet", path=ROOT / "params.yaml")
SMALL = PARAMS.model_copy(update={"chunk_ms": 25, "hidden": (16,)})


@pytest.mark.parametrize(("chunk_ms", "count"), [(200, 21_834_156), (500, 44_079_076)])
def test_has_the_published_parameters(chunk_ms, count):
    with torch.device("meta"):
        network = sincnet.build(PARAMS.model_copy(update={"chunk_ms": chunk_ms}), outputs=4)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize(("chunk_ms", "frames"), [(200, (983, 326, 107)), (500, (2583, 859, 285))])
def test_has_the_published_shapes(chunk_ms, frames):
    with torch.device("meta"):
        network = sincnet.build(PARAMS.model_copy(update={"chunk_ms": chunk_ms}), outputs=4)
    assert network.sinc_norm.weight.shape == (80, frames[0])
    assert [network.convolutions[i].weight.shape for i in (2, 6)] == [(60, n) for n in frames[1:]]
    assert network.hidden[0].in_features == 60 * frames[2]


@pytest.fixture
def bank():
    """Filters with one band of 1000 to 2000 Hz and the others as they begin."""
    layer = sinc.SincConv(RATE)
    with torch.no_grad():
        layer.low[0], layer.band[0] = 950, 950
    return layer


def test_filters_are_windowed_differences_of_two_sincs(bank):
    """2 f sinc(2 f t), high minus low, times 0.54 - 0.46 cos, over twice the band."""
    time = np.arange(-125, 126) / RATE
    ideal = 4000 * np.sinc(4000 * time) - 2000 * np.sinc(2000 * time)
    window = np.ones(251)
    window[:125] = 0.54 - 0.46 * np.cos(2 * np.pi * np.linspace(0, 124.5, 125) / 251)
    window[126:] = window[124::-1]
    expected = ideal * window / 2000
    assert np.allclose(bank.filters()[0].detach(), expected, atol=1e-5)


@pytest.mark.parametrize(("hertz", "passes"), [(500, False), (1500, True), (3000, False)])
def test_a_tone_inside_the_band_passes_and_one_outside_does_not(bank, hertz, passes):
    """Inside, the gain is the rate over twice the band, 8; outside it is below a hundredth of that."""
    tone = torch.sin(2 * torch.pi * hertz * torch.arange(3200) / RATE)[None]
    level = bank(tone)[0, 0].max().item()
    assert level == pytest.approx(8, rel=0.02) if passes else level < 0.08


def test_cut_offs_are_ordered_inside_the_spectrum_and_never_narrow():
    layer = sinc.SincConv(RATE)
    with torch.no_grad():
        layer.low.copy_(torch.linspace(-20000, 20000, 80))
        layer.band.copy_(torch.linspace(9000, -9000, 80))
    low, high = layer.cutoffs()
    assert low.min() >= 50
    assert high.max() <= RATE / 2
    assert (high - low).min() >= 50


def test_bands_begin_side_by_side_on_the_mel_scale():
    low, high = sinc.SincConv(RATE).cutoffs()
    mels = 2595 * torch.log10(1 + (low - 50) / 700)
    assert mels.diff().std() < 1e-2
    assert low[0].item() == pytest.approx(80, abs=0.1)
    assert torch.allclose(high[:-1] - 50, low[1:], atol=0.1)


@pytest.mark.parametrize("samples", [400, 409])
def test_filtering_and_its_gradients_are_those_of_a_convolution(samples):
    torch.manual_seed(0)
    x = torch.randn(6, samples, dtype=torch.double, requires_grad=True)
    filters = torch.randn(5, 251, dtype=torch.double)
    filters = (filters + filters.flip(1)).requires_grad_()
    plain = functional.max_pool1d(functional.conv1d(x[:, None], filters[:, None]).abs(), 3)
    ours = sinc.filter_and_pool(x, filters)
    weights = torch.randn_like(plain)
    assert torch.allclose(ours, plain)
    of_x, of_filters = torch.autograd.grad((plain * weights).sum(), (x, filters))
    expected = of_x, (of_filters + of_filters.flip(1)) / 2  # filters stay even
    found = torch.autograd.grad((ours * weights).sum(), (x, filters))
    assert all(torch.allclose(a, b) for a, b in zip(found, expected, strict=True))
    with torch.no_grad():
        assert torch.allclose(sinc.filter_and_pool(x, filters), plain)


def test_the_largest_of_three_is_found_alike_on_every_device():
    x = torch.randn(3, 80, 1000, generator=torch.Generator().manual_seed(0))
    x[:, 0] = 0  # silence has no largest
    largest = x.abs().amax(0)
    exact = sinc._signs_by_comparison(x, largest)
    assert (exact.abs().sum(0)[1:] == 1).all()
    assert not exact[:, 0].any()
    assert (exact == sinc._signs_by_division(x.clone(), largest)).all()


def test_norm_has_the_deviation_of_a_sample_and_knows_silence():
    x = torch.randn(3, 2, 7, dtype=torch.double)
    norm = sinc.LastAxisNorm(2, 7).double()
    expected = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6)
    assert torch.allclose(norm(x), expected, atol=1e-5)
    assert norm(torch.full((1, 2, 7), 0.5, dtype=torch.double)).abs().max() < 1e-6


def test_a_chunk_too_short_for_the_filters_is_refused():
    with pytest.raises(MerError, match="at least 325 samples at 16000 Hz, not 320"):
        sincnet.build(PARAMS.model_copy(update={"chunk_ms": 20}), outputs=4)


@pytest.fixture
def clips(rng):
    """Three clips of 400, 900 and 1000 samples, of which the last two are taken."""
    lengths = np.array([400, 900, 1000])
    signals = Waveforms(("a", "b", "c"), rng.uniform(-1, 1, 2300).astype(np.float16), lengths)
    data = TrainingData(dict.fromkeys("abc", 0), Classes(QUADRANTS), waveforms=signals)
    values = torch.from_numpy(signals.values)

    def of(ids, size=400):
        return random_chunks.Clips.select(data, ids, values, size)

    return of


def test_chunks_stand_at_the_hop_inside_their_clip(clips):
    every, counts = clips(("c", "b", "a")).all_chunks(400, 160)
    assert counts.tolist() == [4, 4, 1]
    assert every.starts.tolist() == [1300, 1460, 1620, 1780, 400, 560, 720, 880, 0]
    assert torch.equal(every[torch.tensor([8])][0], every.values[:400].float())


def test_drawn_chunks_lie_inside_the_clips_at_levels_around_one(clips):
    side = clips(("b", "c"))
    drawn, clip = side.sample_chunks(2000, 400, 0.2, torch.Generator().manual_seed(0))
    begin = drawn.starts - side.starts[clip]
    assert begin.min() == 0
    assert (begin <= side.lengths[clip] - 400).all()
    assert (begin == side.lengths[clip] - 400).any()
    assert clip.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert 0.8 <= drawn.factors.min() < 0.81
    assert 1.19 < drawn.factors.max() <= 1.2


def test_a_clip_shorter_than_a_chunk_is_refused(clips):
    with pytest.raises(MerError, match="401 samples, and 'a' has 400"):
        clips(("c", "a"), 401)


@pytest.fixture
def network():
    """A small one that is sure of what it says."""
    torch.manual_seed(0)
    built = sincnet.build(SMALL, outputs=4).eval()
    with torch.no_grad():
        built.logits.weight *= 100
    return built


def test_a_clip_gets_the_mean_log_posterior_of_its_chunks(clips, network):
    side = clips(("b", "c"))
    found = random_chunks.classify(network, side, 400, 160)
    pieces = torch.stack([side.values[400 + 160 * k :][:400].float() for k in range(4)])
    with torch.no_grad():
        expected = network(pieces).log_softmax(1).mean(0).softmax(0)
    assert np.allclose(found[0], expected, atol=1e-5)
    assert np.ptp(found[0]) > 0.01


@pytest.mark.parametrize("lower", [False, True])
def test_a_clip_is_answered_alike_among_any_others(clips, network, lower):
    """At a hop of 2 samples, 301 chunks, alone and behind and before 251 others."""
    with torch.autocast("cpu", torch.bfloat16, enabled=lower):
        alone, behind, before = (
            random_chunks.classify(network, clips(ids), 400, 2) for ids in ("c", "bc", "cb")
        )
    assert np.allclose(alone[0], behind[1], atol=1e-5)
    assert np.allclose(alone[0], before[0], atol=1e-5)


def test_bfloat16_moves_no_posterior_by_a_hundredth(network):
    """Of noise whose treble is 60 dB below its bass, as music's is."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(64, 400, dtype=torch.double, generator=generator)
    slope = torch.logspace(0, -3, 201, dtype=torch.double)
    x = torch.fft.irfft(torch.fft.rfft(noise) * slope).float()
    with torch.no_grad():
        expected = network(x).softmax(1)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(x).float().softmax(1)
    assert np.ptp(expected.numpy()) > 0.1
    assert torch.allclose(found, expected, atol=1e-2)


@pytest.mark.parametrize(("smoke_test", "hop_ms"), [(False, "hop_ms"), (True, "smoke_test_hop_ms")])
def test_clips_are_classified_at_the_hop_of_the_profile(monkeypatch, smoke_test, hop_ms):
    monkeypatch.setattr(random_chunks, "classify", lambda _network, _clips, *samples: samples)
    profile, fold = profile_of(smoke_test=smoke_test), Fold(0, 0, ("a",), (), ("b",))
    context = FoldContext(sincnet, PARAMS, fold, 1, "described", profile)
    side = random_chunks.Clips(torch.zeros(1, 1), torch.zeros(1), torch.zeros(1))
    found = random_chunks._probabilities(context, torch.nn.Identity(), side)
    wanted = PARAMS.chunk_ms, getattr(PARAMS, hop_ms)
    assert found == tuple(PARAMS.filter_rate * ms // 1000 for ms in wanted)
