"""The fenced blocks of a page, with what an invisible comment before one says of it.

``<!-- not run: why -->``   a block of commands that cannot run here
``<!-- until: pattern -->`` it is run again until it prints this, as a reader would
``<!-- printed -->``        a block of what was printed before it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs" / "tutorial").glob("*.md"), *(ROOT / "docs" / "how-to").glob("*.md")])
COMMANDS = {"sh", "bash", "console"}
BLOCK = re.compile(
    r"(?:^<!-- *(?P<word>[a-z ]+?)(?:: *(?P<said>[^\n]*?))? *-->\n)?"
    r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)

# What differs from run to run in what a page shows of it.
VARIABLE = re.compile(
    r"<[a-z ]+>|\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|whsec_[\w+/=]+"
    r"|\b(?:CREATED|UPDATED|DELETED)\b"
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what is in it, what is said of it."""

    page: Path
    line: int
    language: str
    text: str
    word: str
    said: str
    after: str

    @property
    def is_commands(self) -> bool:
        return self.language in COMMANDS

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def script(self) -> str:
        """The commands; of a console's block without its prompts."""
        if self.language != "console":
            return self.text
        return "".join(f"{line[2:]}\n" for line in self.text.splitlines() if line.startswith("$ "))


def read_blocks(page: Path) -> list[Block]:
    """Give the blocks of a page in their order."""
    text = page.read_text()
    found = list(BLOCK.finditer(text))
    ends = [*[each.start() for each in found[1:]], len(text)]
    return [
        Block(
            page=page,
            line=text.count("\n", 0, each.start("language")) + 1,
            language=each["language"],
            text=re.sub(rf"^{each['indent']}", "", each["text"], flags=re.MULTILINE),
            word=each["word"] or "",
            said=each["said"] or "",
            after=text[each.end() : end],
        )
        for each, end in zip(found, ends, strict=False)
    ]


def match_printed(shown: str) -> re.Pattern[str]:
    """Give a pattern for what a page shows as printed: ids, times, keys, kinds and placeholders may be others."""
    literal = VARIABLE.split(shown.strip())
    variable = [r"\S+(?: \S+)*?" if each.startswith("<") else r"\S+" for each in VARIABLE.findall(shown)]
    parts = [re.escape(literal[0])]
    for pattern, text in zip(variable, literal[1:], strict=True):
        parts += [pattern, re.escape(text)]
    return re.compile("".join(parts))


def fill_in(text: str, given: Mapping[str, str]) -> str:
    """Put what is given in the place of what a page shows, all at once: what was put in is not read again.

    One after the other, a free port that happens to hold the digits of another shown one would be torn apart.
    """
    shown = "|".join(re.escape(each) for each in sorted(given, key=len, reverse=True))
    return re.sub(shown, lambda found: given[found[0]], text) if given else text
