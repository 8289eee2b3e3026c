"""The ``signalpost`` command, also as ``python -m signalpost``."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command; interrupted from the keyboard while it is still being imported, it ends as it does later."""
    try:
        from signalpost.cli import main as run  # noqa: PLC0415 - what is imported here takes a part of a second
    except KeyboardInterrupt:
        os._exit(130)
    run()


if __name__ == "__main__":
    main()
