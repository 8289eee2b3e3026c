"""Checks an installation, and says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from signalpost.cli.configurations import judge_file
from signalpost.cli.doctor.examination import SLOW, Findings, end_at_settings, examine
from signalpost.cli.doctor.findings import Verdict, refuse
from signalpost.cli.options import DataDirectory
from signalpost.cli.printing import make_harmless
from signalpost.model.clock import read_now
from signalpost.model.errors import ConfigurationError
from signalpost.observe import configure_logging
from signalpost.settings import load_settings

PollerConfiguration = Annotated[
    Path | None,
    typer.Option(
        help="A file of JSON: a poller configuration, several by resource, or by connector and resource."
        " No server and no database are needed."
    ),
]
Online = Annotated[
    bool,
    typer.Option(
        "--online", help="Call out as well: proxy, callbacks (HEAD, nothing is delivered), providers."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def doctor(
    data_dir: DataDirectory = None,
    online: Online = False,
    as_json: AsJson = False,
    poller_configuration: PollerConfiguration = None,
) -> None:
    """Check the installation and say what to do; exit code 1 if something is wrong, 0 if at most warnings are left.

    Run it with the settings and as the user of the service, which may run or not. Nothing is changed or started.

    With --poller-configuration check that file alone: one line for each resource, exit code 1 if one is refused and
    2 if the file cannot be read.
    """
    if poller_configuration is not None:
        sys.exit(judge_file(poller_configuration))
    configure_logging(level="critical", json_lines=False)
    try:
        findings = asyncio.run(examine(load_settings(data_dir=data_dir), read_now, online=online))
    except ConfigurationError as error:
        findings = end_at_settings(refuse(error, "set it right, or unset it"))
    (_print_json if as_json else _print_lines)(findings)
    code = int(_judge(findings) is Verdict.FAILURE)
    if any(each.message == SLOW for each in findings.values()):
        # What was given up may still hang in a thread, which would be waited for.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _judge(findings: Findings) -> Verdict:
    verdicts = {each.verdict for each in findings.values()}
    return next((each for each in (Verdict.FAILURE, Verdict.WARNING) if each in verdicts), Verdict.OK)


def _print_json(findings: Findings) -> None:
    checks = [
        {"name": name, "verdict": each.verdict, "message": each.message, "remedy": each.remedy}
        for name, each in findings.items()
    ]
    print(json.dumps({"verdict": _judge(findings), "checks": checks}))


def _print_lines(findings: Findings) -> None:
    for each, names in groupby(findings, key=findings.__getitem__):
        print(f"{each.verdict:<8}{', '.join(names)}: {make_harmless(each.message)}")
        if each.remedy:
            print(f"        to do: {make_harmless(each.remedy)}")
    counts = Counter(each.verdict for each in findings.values())
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
