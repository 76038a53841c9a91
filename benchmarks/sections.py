"""Sections of a document that programs write, between ``<!-- name -->`` and ``<!-- /name -->``."""

from collections.abc import Iterable, Sequence
from pathlib import Path

DOCUMENT = Path("docs/reliability.md")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write(name: str, text: str, document: Path = DOCUMENT) -> None:
    """Put ``text`` in the place of the section, at the end where there is none yet."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = document.read_text(encoding="utf-8") if document.exists() else "# Reliability\n"
    if start not in old:
        old = f"{old}\n{start}\n{end}\n"
    before, rest = old.split(start, 1)
    after = rest.split(end, 1)[1]
    document.parent.mkdir(exist_ok=True)
    document.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
