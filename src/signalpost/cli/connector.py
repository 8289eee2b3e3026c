"""``signalpost connector``: the beginning of a connector of your own."""

from __future__ import annotations

import re
import zlib
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from signalpost.cli.endings import CommandError, Ending
from signalpost.connectors.registry import load_registry
from signalpost.model.errors import ConflictError, InvalidRequestError

app = typer.Typer(no_args_is_help=True)

NAME = re.compile(r"[a-z](?:[a-z0-9]|[-_](?=[a-z0-9])){0,39}", re.ASCII)
"""What is a connector's key, and a name of a package with ``signalpost-`` before it."""

FIRST_NUMBER, NUMBERS = 1_001_000_000, 1_000_000_000
"""Numbers made of names lie there: above those of connectors that are built in or declared in files."""

LAID_DOWN = {
    "pyproject.toml.template": "pyproject.toml",
    "connector.py.template": "src/$package/__init__.py",
    "test.py.template": "tests/test_$module.py",
    "docs.md.template": "docs/$name.md",
}
"""Each template, and where in the new folder it goes."""


@app.callback()
def _group() -> None:
    """Keep ``new`` a command of its own, however many there are."""


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its key: small letters, digits, - and _, as in help-desk.")
    ],
) -> None:
    """Lay down the package of a new connector in a folder NAME: the connector, its test, its docs page."""
    try:
        folder = lay_down(name, Path.cwd())
    except InvalidRequestError as error:
        raise CommandError(str(error), Ending.MISUSED) from error
    except OSError as error:
        message = f"NAME: {name!r} cannot be written here: {error.strerror}"
        raise ConflictError(message) from error
    print(f"{folder.name}/ holds a connector of an API that is made up, and its test. From here:")
    print(f"  cd {folder.name}")
    print("  pip install -e . pytest")
    print("  pytest")


def lay_down(name: str, place: Path) -> Path:
    """Write the folder of a new connector into ``place``, all of it or nothing, and give it.

    Raises:
        InvalidRequestError: the name is none, or another connector's.
        ConflictError: there is something of that name.
    """
    if not NAME.fullmatch(name):
        message = (
            f"NAME: {name[:100]!r} is no name of a connector; give up to 40 small letters and digits, - or _ between"
            " them, a letter first, as in help-desk"
        )
        raise InvalidRequestError(message)
    taken = next((each for each in load_registry(egnyte_url=None) if each.key == name), None)
    if taken is not None:
        message = f"NAME: {name!r} is the key of another connector, {taken.name}; give another one"
        raise InvalidRequestError(message)
    folder = place / name
    if folder.exists() or folder.is_symlink():
        message = f"NAME: there is a {folder} already; nothing was written"
        raise ConflictError(message)
    module = name.replace("-", "_")
    words = {
        "name": name,
        "title": "".join(each.capitalize() for each in re.split("[-_]", name)),
        "module": module,
        "package": f"signalpost_{module}",
        "number": str(FIRST_NUMBER + zlib.crc32(name.encode()) % NUMBERS),
    }
    # Aside, and then renamed: who is stopped amid it leaves no half of a connector.
    with TemporaryDirectory(prefix=f".{name}-", dir=place) as aside:
        made = Path(aside) / name
        for template, target in LAID_DOWN.items():
            text = (files("signalpost.cli") / "new_connector" / template).read_text(encoding="utf-8")
            path = made / Template(target).substitute(words)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(words), encoding="utf-8")
        made.rename(folder)
    return folder
