"""How the commands print what they found: names of files and people are never taken for markup."""

from rich.console import Console
from rich.text import Text

from mer.runtime.error_messages import printable


def plain(text: str) -> Text:
    """Text with its brackets, its control characters shown as ``\\x1b``."""
    return Text(printable(text))


def say(console: Console, text: str) -> None:
    """Print lines as they are, however long."""
    console.print(plain(text), soft_wrap=True)


def counted(count: int, noun: str) -> str:
    """``1 song``, ``2 songs``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
