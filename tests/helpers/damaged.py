"""Every kind of damaged or odd audio file, written anew, and valid files with flipped bits."""

import io
import math
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from mer import audio
from mer.dsp import mel
from mer.features import compare
from mer.schema.spectrograms import View
from mer.types import Clip

RATE = 44100
SECONDS = 2.0
HIGH, LOW = 0.0, 0.9  # compression levels: bit rates the other way round


def music(rate: int = RATE, seconds: float = SECONDS) -> np.ndarray:
    """Three decaying partials over faint noise [shape=(n,)]; peak 0.5."""
    time = np.arange(round(rate * seconds)) / rate
    wave = sum(np.sin(2 * np.pi * hz * time) / hz for hz in (220, 440, 660)) * np.exp(-time)
    wave = wave + 1e-4 * np.random.default_rng(0).standard_normal(len(time))
    return 0.5 * wave / np.abs(wave).max()


def _audio(samples: np.ndarray | None = None, rate: int = RATE, **format_: object) -> Callable:
    def write(path: Path) -> None:
        sf.write(path, music(rate) if samples is None else samples, rate, **format_)

    return write


def _content(content: bytes) -> Callable:
    return lambda path: path.write_bytes(content)


def _changed(change: Callable[[bytes], bytes], **format_: object) -> Callable:
    """A valid file of the path's suffix whose bytes are changed."""

    def write(path: Path) -> None:
        _audio(**format_)(path)
        path.write_bytes(change(path.read_bytes()))

    return write


def _third(content: bytes) -> bytes:
    return content[: len(content) // 3 + 100]


def _patched(at: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + new + content[at + len(new) :]


def _mp3(*levels: float) -> bytes:
    """Two seconds at each level of compression, without a Xing header."""
    content = b""
    for level in levels:
        form = {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": level}
        sf.write(memory := io.BytesIO(), music(), RATE, **form)
        frames = memory.getvalue()
        described = b"Info" in frames[:200]
        content += frames[frames.index(frames[:2], 4) :] if described else frames
    return content


def _vbr_mp3(header: Callable[[bytes], bytes]) -> bytes:
    """Two loud seconds, then two quiet ones, at a variable bit rate; ``header`` changes its Xing header."""
    loud = np.random.default_rng(0).uniform(-0.33, 0.33, 2 * RATE)
    samples = np.concatenate([loud, 0.001 * music()])
    form = {"format": "MP3", "bitrate_mode": "VARIABLE", "compression_level": 0.5}
    sf.write(memory := io.BytesIO(), samples, RATE, **form)
    content = memory.getvalue()
    at = content.index(b"Xing")
    return content[:at] + header(content[at : at + 12]) + content[at + 12 :]


def _without_length(number: int, field: str, tag: bytes, **format_: object) -> Callable:
    """A file of the path's suffix with a number in place of the size of its chunk ``tag``."""

    def change(content: bytes) -> bytes:
        return _patched(content.index(tag) + len(tag), struct.pack(field, number))(content)

    return _changed(change, **format_)


def _chained(**format_: object) -> Callable:
    """Two streams one after the other, of two seconds each."""
    return _changed(lambda content: 2 * content, **format_)


def _opposed(path: Path) -> None:
    """Two channels of which one is the other upside down, but for faint noise."""
    noise = 1e-3 * np.random.default_rng(1).standard_normal(2 * RATE)
    sf.write(path, np.stack([music(), noise - music()], axis=1), RATE)


def _two_rates(path: Path) -> None:
    """Two streams one after the other of different sample rates."""
    content = []
    for rate in (RATE, RATE // 2):
        sf.write(memory := io.BytesIO(), music(rate), rate, format="OGG")
        content.append(memory.getvalue())
    path.write_bytes(b"".join(content))


def _rate(hertz: int) -> Callable[[bytes], bytes]:
    """Another rate in a wav file's header."""
    return _patched(24, struct.pack("<I", hertz))


def _channels(number: int) -> Callable[[bytes], bytes]:
    """Another number of channels in a wav file's header."""
    return _patched(22, struct.pack("<H", number))


def _foreign_codec(content: bytes) -> bytes:
    """The samples of a wav file declared as Windows Media Audio."""
    form = struct.pack("<HHIIHHH", 0x161, 1, RATE, 2 * RATE, 2, 16, 0)
    chunks = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + content[36:]
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name has room for 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _nothing(path: Path) -> None:
    """Nothing is written."""


def _forbidden(path: Path) -> None:
    _audio()(path)
    path.chmod(0)


def _with(value: float) -> np.ndarray:
    samples = music()
    samples[1000] = value
    return samples


_FLOAT = {"subtype": "FLOAT"}
_FRAME = r"truncated: its last frame has \d+ of \d+ bytes"
_BYTES = r"truncated: its header says \d+ bytes, \d+ are there"


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes
    ----------
    name : what is wrong or odd
    file : its name in the corpus
    write : puts it at a path
    reason : regular expression of the reason in the quarantine, or None where the file is fine
    seconds : what a fine file lasts
    """

    name: str
    file: str
    write: Callable[[Path], object]
    reason: str | None = None
    seconds: float = SECONDS


BAD = [
    Kind("zero bytes", "a.mp3", _content(b""), "zero bytes"),
    Kind("text named .mp3", "a.mp3", _content(b"no music\n" * 999), "not decodable: no MPEG frame"),
    Kind("text named .wav", "a.wav", _content(b"no music\n" * 999), "not decodable: Format not"),
    Kind("truncated mp3", "a.mp3", _changed(_third), _FRAME),
    Kind(
        "truncated mp3, between two frames",
        "a.mp3",
        _changed(lambda content: content[: content.rindex(b"\xff\xfb", 0, len(content) // 3)]),
        r"truncated: its header says \d+ frames, \d+ are there",
    ),
    Kind("truncated mp3 without Xing header", "a.mp3", _content(_third(_mp3(HIGH))), _FRAME),
    Kind("truncated ogg", "a.ogg", _changed(_third), "truncated: its last page is not whole"),
    Kind("ogg without its last page", "a.ogg",
         _changed(lambda content: content[: content.rindex(b"OggS")]), "truncated: its last page is missi"),
    Kind("ogg with a flipped byte", "a.ogg", _changed(_patched(5000, b"\xff\0")), "damaged: page 2"),
    Kind("flac with a flipped byte", "a.flac", _changed(_patched(5000, b"\xff\0")), "not decodable: "),
    Kind("truncated opus", "a.opus", _changed(_third, rate=48000, format="OGG", subtype="OPUS"),
         "truncated: its last page is not whole"),
    Kind("truncated flac", "a.flac", _changed(_third), "not decodable: .*flac"),
    Kind("ogg of two sample rates", "a.ogg", _two_rates, "its streams have different sample rates"),
    Kind("truncated aiff", "a.aiff", _changed(_third), _BYTES),
    Kind("truncated wav", "a.wav", _changed(_third), _BYTES),
    Kind("lying header: 1 GiB of samples", "a.wav", _changed(_patched(40, b"\0\0\0@")), _BYTES),
    Kind("lying header: 4 GHz", "a.wav", _changed(_rate(4 * 10**9)), "not decodable: its header has"),
    Kind("lying header: 1 Hz", "a.wav", _changed(_rate(1)), "its header says 1 Hz"),
    Kind("lying header: 0 Hz", "a.wav", _changed(_rate(0)), "not decodable: its header has"),
    Kind("lying header: 0 channels", "a.wav", _changed(_channels(0)), "not decodable: Channel"),
    Kind("lying header: 999 channels", "a.wav", _changed(_channels(999)), "its header says 999 chan"),
    Kind("unsupported codec", "a.wav", _changed(_foreign_codec), "not decodable: wav with the codec"),
    Kind("MP4 without a track", "a.m4a", _content(b"\0\0\0\x20ftypM4A "), "not decodable: (MP4|ffmpeg)"),
    Kind("headerless", "a.raw", _content(bytes(9999)), "not decodable: samplerate must be"),
    Kind("NaN", "a.wav", _audio(_with(math.nan), **_FLOAT), "holds NaN"),
    Kind("infinity", "a.wav", _audio(_with(math.inf), **_FLOAT), "holds infinity"),
    Kind("absurd level", "a.wav", _audio(_with(1e30), **_FLOAT), "peak at 1e.30 times full scale"),
    Kind("silence", "a.wav", _audio(np.zeros(2 * RATE)), "silent"),
    Kind("channels that cancel out", "a.wav", _opposed, "its 2 channels cancel out"),
    Kind("constant offset", "a.wav", _audio(np.full(2 * RATE, 0.25)), "constant offset of 0.25"),
    Kind("no sample", "a.wav", _audio(np.zeros(0)), "no samples"),
    Kind("one sample", "a.wav", _audio(music()[:1]), "shorter than 1 s: 1 samples"),
    Kind("10 ms", "a.wav", _audio(music()[:441]), "shorter than 1 s: 441 samples, 0.010 s"),
    Kind("50 ms", "a.wav", _audio(music()[:2205]), "shorter than 1 s: 2205 samples, 0.050 s"),
    Kind("too long", "a.wav", _audio(np.zeros(3 * 10**6), 1000), "more than 256 MiB of samples"),
    Kind("folder named .wav", "a.wav", lambda path: path.mkdir(), "a folder"),
    Kind("link to nothing", "a.wav", lambda path: path.symlink_to("gone.wav"), "a broken symbolic link"),
    Kind("link to itself", "a.wav", lambda path: path.symlink_to(path), "a broken symbolic link"),
    Kind("pipe", "a.wav", os.mkfifo, "not a regular file"),
    Kind("socket", "a.wav", _socket, "not a regular file"),
    Kind("device", "a.wav", lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    Kind("no permission", "a.wav", _forbidden, "cannot be read: Permission denied"),
    Kind("label without file", "a.wav", _nothing, "no such file"),
    Kind("endless name", "a" * 300 + ".wav", _nothing, "cannot be read: File name too"),
]  # fmt: skip

GOOD = [
    Kind("8 channels", "a.wav", _audio(np.tile(music()[:, None], 8))),
    Kind("192 kHz", "a.wav", _audio(rate=192000)),
    Kind("8 kHz", "a.wav", _audio(rate=8000)),
    Kind("24 bit", "a.wav", _audio(subtype="PCM_24")),
    Kind("float", "a.wav", _audio(**_FLOAT)),
    Kind("mp3 of rising bit rate without Xing header", "a.mp3",
         _content(_mp3(LOW, HIGH)), seconds=2 * SECONDS),
    Kind("mp3 of falling bit rate without Xing header", "a.mp3",
         _content(_mp3(HIGH, LOW)), seconds=2 * SECONDS),
    Kind("mp3 whose Xing header counts no frames", "a.mp3",
         _content(_vbr_mp3(_patched(8, bytes(4)))), seconds=2 * SECONDS),
    Kind("mp3 whose Xing header has no count", "a.mp3",
         _content(_vbr_mp3(_patched(7, b"\x0e"))), seconds=2 * SECONDS),
    Kind("chained ogg", "a.ogg", _chained(), seconds=2 * SECONDS),
    Kind("chained opus", "a.opus", _chained(rate=48000, format="OGG", subtype="OPUS"),
         seconds=2 * SECONDS),
    Kind("wav without a length: 0xFFFFFFFF", "a.wav", _without_length(2**32 - 1, "<I", b"data")),
    Kind("wav without a length: 0x7FFFF000", "a.wav", _without_length(0x7FFFF000, "<I", b"data")),
    Kind("wav without a length: 0", "a.wav", _without_length(0, "<I", b"data")),
    Kind("aiff without a length", "a.aiff", _without_length(2**32 - 1, ">I", b"SSND")),
    Kind("caf without a length", "a.caf", _without_length(-1, ">q", b"data")),
    Kind("flac without a length", "a.flac", _changed(_patched(22, bytes(4)))),
    Kind("w64", "a.w64", _audio(format="W64")),
    Kind("rf64", "a.rf64", _audio(format="RF64")),
    Kind("aifc", "a.aifc", _audio(format="AIFF")),
    Kind("au", "a.snd", _audio(format="AU")),
    Kind("mp3 behind foreign bytes", "a.mp3", _changed(lambda content: bytes(500) + content)),
    Kind("mp3 between tags", "a.mp3",
         _changed(lambda content: b"ID3\4\0\0\0\0\1\0" + b"\xff\xfb\x90\0" * 32 + content
                  + b"TAG" + b"\xff" * 125)),
    Kind("wrong suffix", "a.wav", _audio(format="FLAC")),
    Kind("quotes", "it's \"a\".wav", _audio()),
    Kind("spaces", " a  b .wav", _audio()),
    Kind("newline", "a\nb.wav", _audio()),
    Kind("emoji", "🎵 ñ 日本.wav", _audio()),
    Kind("shell", "$(reboot); `a` %20 #1 &.wav", _audio()),
]  # fmt: skip

KINDS = BAD + GOOD

SOUND = {
    "mp3": {"format": "MP3"},
    "flac": {"format": "FLAC"},
    "ogg": {"format": "OGG"},
    "wav": {"format": "WAV"},
    "float.wav": {"format": "WAV", "subtype": "FLOAT"},
}


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """A copy with 1 to 256 bits flipped; in every second copy within the first 200 bytes."""
    data = np.frombuffer(content, np.uint8).copy()
    end = 200 if rng.random() < 0.5 else len(data)
    places = rng.integers(end, size=2 ** rng.integers(9))
    np.bitwise_xor.at(data, places, 1 << rng.integers(8, size=len(places)).astype(np.uint8))
    return data.tobytes()


def variants(sound: str, number: int) -> Iterator[bytes]:
    """AugmentedMels with flipped bits of one second in a format of ``SOUND``, the same each time."""
    sf.write(valid := io.BytesIO(), music(22050, 1.0), 22050, **SOUND[sound])
    rng = np.random.default_rng(4)
    for _ in range(number):
        yield flipped(valid.getvalue(), rng)


def finite(clip: Clip, view: View, family: compare.Params) -> bool:
    """Whether a clip, its spectrogram as it is stored and its features hold no NaN or infinity."""
    spectrogram = mel.spectrogram(mel.prepare(clip, view), view).astype(np.float16)
    features = compare.extract(audio.resample(clip, family.sample_rate), family)
    return all(np.isfinite(values).all() for values in (clip.samples, spectrogram, features))
