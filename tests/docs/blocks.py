"""Read the code blocks of a page, to run them as a reader would paste them."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n"
    r"(?P<options>(?:(?P=indent) +:.*\n)*)"
    r"\n(?P<text>(?:(?P=indent) +.*\n|\n)+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A code block: its language, its text without the indent, and where it stands."""

    language: str
    text: str
    line: int
    caption: str = ""
    name: str = ""

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Return the commands of a `console` block, each with what it prints."""
        _, *parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        return [_command(part) for part in parts]


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page, in order."""
    return [*_blocks(page.read_text(encoding="utf-8"))]


def _blocks(source: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(source):
        yield Block(
            found["language"],
            textwrap.dedent(found["text"]).rstrip("\n") + "\n",
            source.count("\n", 0, found.start()) + 1,
            **{
                name: value
                for name, value in re.findall(r":(\w+): (.+)", found["options"])
                if name in ("caption", "name")
            },
        )


def _command(part: str) -> tuple[str, str]:
    """Split a command, whose lines but the last end with a backslash, from what it prints."""
    lines = part.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.endswith("\\")) + 1
    return "\n".join(lines[:end]), "\n".join(lines[end:]).strip("\n")


def matches(shown: str, printed: str) -> bool:
    """Say whether a page shows what was printed; ``…`` stands for anything, lines included."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
