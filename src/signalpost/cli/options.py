"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

# A text, as of an empty one ``Path`` would make the folder we happen to be in.
DataDirectory = Annotated[
    str | None,
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
    int | None,
    typer.Option(
        envvar="SIGNALPOST_WORKER_PORT", min=0, max=65535, help="Port for that; 0 takes a free one."
    ),
]
Port = Annotated[
    int | None,
    typer.Option(envvar="SIGNALPOST_PORT", min=0, max=65535, help="Port; 0 takes a free one."),
]


def refuse_empty(value: str) -> str:
    """Refuse an option that is empty: as an address it would be all those of the machine.

    Raises:
        typer.BadParameter: it is.
    """
    if not value.strip():
        raise typer.BadParameter("it is empty; give it a value, or leave it out")
    return value
