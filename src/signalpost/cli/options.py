"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataDirectory = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="SIGNALPOST_DATA_DIR",
        help="Where the embedded database and the encryption key are kept.",
    ),
]
Host = Annotated[str | None, typer.Option(envvar="SIGNALPOST_HOST", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(envvar="SIGNALPOST_PORT", help="Port; 0 takes a free one.")]
