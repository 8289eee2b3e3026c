"""Names for files and folders: mostly plain, now and then one that trips careless encoding."""

from __future__ import annotations

from collections.abc import Container
from random import Random

STEMS = ("budget", "contract", "forecast", "invoice", "minutes", "offer", "plan", "report", "summary")
ENDINGS = (".csv", ".docx", ".pdf", ".pptx", ".txt", ".xlsx")
FOLDERS = ("Archive", "Board", "Clients", "Drafts", "Finance", "Legal", "Projects", "Sales")
ODD_FILES = (
    "100% #1 & more+.txt",
    "[draft] {v2}; final.docx",
    "l'\u00e9t\u00e9.pdf",
    "cafe\u0301 (decomposed).txt",
    "\u898b\u7a4d\u66f8.pdf",
    "\U0001f680 launch.pptx",
    "\u00fcber   spaced.xlsx",
    "no ending",
)
ODD_FOLDERS = ("R&D #2", "50% [old]", "\u00c4mter", "\u8cc7\u6599", "a+b")
ODD_SHARE = 0.12
NOTES = (
    "Approved.",
    "Please check the numbers.",
    "See page 2: \u201cterms\u201d?",
    "\U0001f44d",
    "Which version?",
)


def name_file(random: Random, taken: Container[str]) -> str:
    """Make a file name that is not ``taken``."""
    if random.random() < ODD_SHARE:
        name = random.choice(ODD_FILES)
    else:
        name = f"{random.choice(STEMS)}-{random.randrange(10_000):04}{random.choice(ENDINGS)}"
    return make_free(name, taken, random)


def name_folder(random: Random, taken: Container[str]) -> str:
    """Make a folder name that is not ``taken``."""
    names = ODD_FOLDERS if random.random() < ODD_SHARE else FOLDERS
    return make_free(random.choice(names), taken, random)


def word_note(random: Random) -> str:
    """Make the text of a note."""
    return random.choice(NOTES)


def make_free(name: str, taken: Container[str], random: Random) -> str:
    """Give ``name``, with a number before its ending where it is ``taken``."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    while name in taken:
        name = f"{stem} ({random.randrange(1_000_000)}){dot}{ending}"
    return name
