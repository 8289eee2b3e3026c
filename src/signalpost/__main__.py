"""``python -m signalpost`` is the ``signalpost`` command."""

from signalpost.cli import main

main()
