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
WorkerHost = Annotated[
    str | None,
    typer.Option(envvar="SIGNALPOST_WORKER_HOST", help="Address to show health and metrics at."),
]
WorkerPort = Annotated[
    int | None, typer.Option(envvar="SIGNALPOST_WORKER_PORT", help="Port for that; 0 takes a free one.")
]
Port = Annotated[int | None, typer.Option(envvar="SIGNALPOST_PORT", help="Port; 0 takes a free one.")]
