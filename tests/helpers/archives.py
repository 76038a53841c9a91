"""Archives to unpack, and crafted ones that must be refused."""

import io
import stat
import tarfile
import zipfile

NFC, NFD = "Q1/caf\u00e9.mp3", "Q1/cafe\u0301.mp3"


def zipped(path, *members):
    """A zip archive of (name, content) or (name, content, mode)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, *mode in members:
            info = zipfile.ZipInfo(name)
            info.filename = info.orig_filename = name  # ZipInfo cleans names
            info.external_attr = (mode[0] if mode else stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return path


def tarred(path, *members, packed=""):
    """A tar archive of (name, content) or (name, content, facts of its header)."""
    with tarfile.open(path, f"w:{packed}") as file:
        for name, content, *facts in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in (facts[0] if facts else {}).items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(content))
    return path


def _claims(size, kind=tarfile.REGTYPE):
    """The header of a tar member that claims ``size`` bytes, and nothing behind it."""
    info = tarfile.TarInfo("claim.wav")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def _long_name(name):
    """The header of a tar member that names the next one."""
    info = tarfile.TarInfo("././@LongLink")
    info.size, info.type = len(name), tarfile.GNUTYPE_LONGNAME
    return info.tobuf(tarfile.GNU_FORMAT) + name.encode().ljust(512, b"\0")


def _shared(entries):
    """A tar archive with a header for all members, and an empty one."""
    return tarfile.TarInfo.create_pax_global_header(entries) + _claims(0)


def _written(path, content):
    path.write_bytes(content)
    return path


def _changed(path, old, new):
    """The archive with some bytes replaced everywhere."""
    return _written(path, path.read_bytes().replace(old, new))


def _cut(path, size):
    """The archive's first bytes alone."""
    return _written(path, path.read_bytes()[:size])


def without_utf8_flag(path):
    """The zip archive of ``zipped``, its names still in UTF-8 and no longer said to be."""
    for before_flags in (b"PK\3\4\x14\0", b"PK\1\2\x14\3\x14\0"):
        _changed(path, before_flags + b"\0\x08", before_flags + b"\0\0")
    return path


PLAIN, ENCRYPTED = (b"PK\1\2\x14\3\x14\0" + flags for flags in (b"\0\0", b"\1\0"))


def _link(kind):
    return {"type": kind, "linkname": "/etc/passwd", "size": 0}


ATTACKS = {  # name -> (what writes it, the words of the refusal)
    "absolute path": (lambda p: zipped(p, ("/tmp/x.mp3", b"x")), "an absolute path"),
    "absolute path in tar": (lambda p: tarred(p, ("/tmp/x.mp3", b"x")), "an absolute path"),
    "drive": (lambda p: zipped(p, ("C:/x.mp3", b"x")), "an absolute path"),
    "parent": (lambda p: zipped(p, ("Q1/../../x.mp3", b"x")), "leads out of its folder"),
    "parent in tar": (lambda p: tarred(p, ("../x.mp3", b"x")), "leads out of its folder"),
    "backslash": (lambda p: zipped(p, ("..\\x.mp3", b"x")), "a backslash"),
    "control character": (lambda p: zipped(p, ("a\x1b[2J.mp3", b"x")), "a control character"),
    "long name": (lambda p: zipped(p, ("a" * 300, b"x")), "more than 255 bytes"),
    "deep folders": (lambda p: zipped(p, ("a/" * 40 + "x", b"x")), "more than 32 folders"),
    "long path": (lambda p: zipped(p, ("/".join(["a" * 200] * 12), b"x")), "more than 2048 bytes"),
    "symbolic link": (lambda p: zipped(p, ("x", b"/etc", stat.S_IFLNK | 0o777)), "a symbolic link"),
    "link in tar": (lambda p: tarred(p, ("x", b"", _link(tarfile.SYMTYPE))), "a symbolic link"),
    "hard link": (lambda p: tarred(p, ("x", b"", _link(tarfile.LNKTYPE))), "is a link"),
    "device": (lambda p: tarred(p, ("x", b"", {"type": tarfile.CHRTYPE})), "a device or a pipe"),
    "pipe": (lambda p: tarred(p, ("x", b"", {"type": tarfile.FIFOTYPE})), "a device or a pipe"),
    "device in zip": (lambda p: zipped(p, ("x", b"", stat.S_IFBLK | 0o644)), "a device or a pipe"),
    "sparse": (lambda p: _written(p, _claims(2**40, tarfile.GNUTYPE_SPARSE)), "a sparse file"),
    "case": (lambda p: zipped(p, ("Q1/a.mp3", b"x"), ("Q1/A.mp3", b"y")), "only in case"),
    "case of a folder": (lambda p: zipped(p, ("Q1/a", b"x"), ("q1/b", b"y")), "only in case"),
    "Unicode form": (lambda p: zipped(p, (NFC, b"x"), (NFD, b"y")), "in Unicode form"),
    "twice": (lambda p: tarred(p, ("a.mp3", b"x"), ("./a.mp3", b"y")), "there already"),
    "file and folder": (lambda p: tarred(p, ("a", b"x"), ("a/b", b"y")), "there already"),
    "folder and file": (lambda p: tarred(p, ("a/b", b"x"), ("a", b"y")), "there already"),
    "ratio": (lambda p: zipped(p, ("zeros.wav", bytes(10**6))), "100 times its own size"),
    "ratio of tar.gz": (lambda p: tarred(p, ("z.wav", bytes(10**6)), packed="gz"), "100 times"),
    "size": (lambda p: _written(p, _claims(2**33)), "100 times its own size"),
    "header": (lambda p: _written(p, _claims(2**33, tarfile.XHDTYPE)), "a header of"),
    "chain of headers": (lambda p: _written(p, 3000 * _long_name("abcd")), "RecursionError"),
    "negative size": (lambda p: _written(p, _claims(-512)), "a negative size"),
    "header for all": (
        lambda p: _written(p, _shared({f"k{n}": "v" for n in range(2000)})),
        "too many entries",
    ),
    "encrypted": (lambda p: _changed(zipped(p, ("x", b"x")), PLAIN, ENCRYPTED), "is encrypted"),
    "no archive": (lambda p: _written(p, b"song" * 1000), "whole zip or tar archive"),
    "cut off": (lambda p: _cut(tarred(p, ("a", b"x" * 9999), packed="gz"), 60), "whole zip"),
}  # fmt: skip
