"""Truncated audio files: the length in the header, compared with the decoded length.

libsndfile shortens a truncated file to its existing bytes and reports it only in its log.
"""

import re
from pathlib import Path

SHORTENED = re.compile(
    r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE
)
SLACK = 64  # bytes; some writers count their header
TOLERANCE = 0.02  # of the frames claimed
UNKNOWN = 2**63 - 1  # libsndfile's length where a header has none
PCM = (1, 3, 0xFFFE)
FOREIGN = {  # (offset, bytes there): format
    (4, b"ftyp"): "MP4 (AAC, ALAC)",
    (0, b"\x30\x26\xb2\x75"): "ASF (WMA)",
    (0, b"\x1a\x45\xdf\xa3"): "Matroska or WebM",
    (0, b"MAC "): "Monkey's Audio",
    (0, b"wvpk"): "WavPack",
    (0, b"#!AMR"): "AMR",
    (0, b"MPCK"): "Musepack",
    (0, b"MP+"): "Musepack",
    (0, b"DSD "): "DSD",
    (0, b"\xff\xf1"): "AAC",
    (0, b"\xff\xf9"): "AAC",
}


def truncation(format_: str, log: str, claimed: int, decoded: int, sample_rate: int) -> str | None:
    """The reason why a file is truncated, or None.

    Parameters
    ----------
    format_, log : str
        Format and log of libsndfile; its length of an mp3 is an estimate.
    claimed, decoded : int
        Samples per channel that libsndfile expects, and the number that it decoded.
    sample_rate : int
        Hz.
    """
    for says, has in SHORTENED.findall(log):
        if int(says) > int(has) + SLACK:
            return f"truncated: its header says {says} bytes, {has} are there"
    if format_ != "MP3" and claimed != UNKNOWN and decoded < (1 - TOLERANCE) * claimed:
        promised, there = claimed / sample_rate, decoded / sample_rate
        return f"truncated: its header says {promised:.2f} s, {there:.2f} s are there"
    return None


def foreign(path: Path) -> str | None:
    """The name of a known format that libsndfile cannot decode, or None."""
    with path.open("rb") as stream:
        start = stream.read(22)
    codec = int.from_bytes(start[20:22], "little")
    if start[:4] == b"RIFF" and start[8:16] == b"WAVEfmt " and codec not in PCM:
        return f"wav with the codec 0x{codec:04x}"
    return next(
        (name for (at, magic), name in FOREIGN.items() if start[at:].startswith(magic)), None
    )
