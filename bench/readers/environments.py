"""The environments of the other readers: one for each, outside of this repository, with pinned versions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
LIBRARIES = {
    "airbyte": ("airbyte-cdk", "airbyte"),
    "dlt": ("dlt",),
    "singer": ("singer-sdk",),
    "singer-target": ("target-jsonl",),
}
"""What is measured of each environment; its requirements are in the file of the same name."""

TELL_VERSIONS = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"


def prepare(directory: Path) -> None:
    """Make the environments anew in ``directory``, with the Python that runs this.

    Raises:
        subprocess.CalledProcessError: a package cannot be installed.
    """
    for name in LIBRARIES:
        requirements = str(REQUIREMENTS / f"{name}.txt")
        _run([sys.executable, "-m", "venv", "--clear", str(directory / name)])
        _run([str(directory / name / "bin" / "pip"), "install", "--quiet", "--requirement", requirements])


def read_versions(directory: Path) -> dict[str, str]:
    """Read the versions of what is measured.

    Raises:
        FileNotFoundError: an environment is not there.
    """
    versions: dict[str, str] = {}
    for name, libraries in LIBRARIES.items():
        python = directory / name / "bin" / "python"
        if not python.exists():
            message = f"{directory} has no environment {name}: make it by python -m bench.readers --prepare {directory}"
            raise FileNotFoundError(message)
        told = _run([str(python), "-c", TELL_VERSIONS, *libraries])
        versions |= zip(libraries, told.split(), strict=True)
    return versions


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
