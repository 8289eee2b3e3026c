"""Instances of Open Connectors become instances of ours: from a file, or from the service itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.options import DataDirectory
from signalpost.cli.printing import print_line
from signalpost.instances.exports import fetch_pages, read_originals
from signalpost.instances.imports import Outcome, Result
from signalpost.instances.originals import Original
from signalpost.model.addresses import parse_callback_url
from signalpost.model.configuration import stringify
from signalpost.model.errors import ConfigurationError
from signalpost.observe import configure_logging
from signalpost.settings import Settings, load_settings
from signalpost.wiring.imports import CONNECTIONS_OUTWARDS, open_importer
from signalpost.wiring.outbound import open_outbound

app = typer.Typer(no_args_is_help=True)

AUTHORIZATION = "SIGNALPOST_IMPORT_AUTHORIZATION"
VERDICTS = {
    Result.NEW: "would be imported",
    Result.IMPORTED: "imported",
    Result.THERE: "imported before, nothing was changed",
    Result.LEFT_OUT: "left out",
}

Tell = Callable[[str], None]


@app.callback()
def _group() -> None:
    """Keep the command one of a group."""


@app.command("open-connectors")
def open_connectors(
    file: Annotated[
        Path | None, typer.Argument(help="What GET /instances of Open Connectors answered.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Ask Open Connectors itself, as in https://api.openconnectors.us2.ext.hana.ondemand.com/elements/api-v2."
            f" What is sent as Authorization stands in {AUTHORIZATION}, or in --authorization-file."
        ),
    ] = None,
    authorization_file: Annotated[
        Path | None, typer.Option(help="A file with it: User <secret>, Organization <secret>.")
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            help="A file of JSON: values that Open Connectors masks, or that are others here, by connector or by"
            ' instance id, as in {"egnyte": {"oauth.api.key": "..."}}.'
        ),
    ] = None,
    organization: Annotated[str, typer.Option(help="Organization that gets the instances.")] = "default",
    email: Annotated[str, typer.Option(help="User of it who gets them.")] = "admin@localhost",
    apply: Annotated[bool, typer.Option("--apply", help="Import; else only say what would be.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    data_dir: DataDirectory = None,
) -> None:
    """Import the instances of Open Connectors, disabled, each once. Without --apply nothing is written.

    Exit code 1 if one is left out.
    """
    settings = load_settings(data_dir=data_dir)
    configure_logging(level="warning", json_lines=settings.log_json)
    given = {} if values is None else _read_values(values)
    if (file is None) == (url is None):
        raise CommandError("give a FILE or --url, one of them", Ending.MISUSED)
    # What is fetched or piped holds secrets, and is read twice: a file without a name is gone however this ends.
    with tempfile.TemporaryFile() as kept:
        source: Path | IO[bytes] = kept if file is None else file
        name = "the answer" if file is None else str(file)
        with _show_progress() as tell:
            if file is not None and file.exists() and not (file.is_file() or file.is_dir()):
                source = _keep(file, kept)
            if url is not None:
                authorization = _read_authorization(settings, authorization_file)
                asyncio.run(_fetch(settings, url, authorization, kept, tell))
            # To its end before anything is written or said: a file that is cut short is none.
            for number, _ in enumerate(read_originals(source, name), start=1):
                tell(f"read {number:,} instances")
        # On a terminal the lines themselves show how far it is.
        with _show_progress(needed=not sys.stdout.isatty()) as tell:
            originals, user = read_originals(source, name), (organization, email)
            counts = asyncio.run(
                _import(settings, originals, user, given, tell, apply=apply, as_json=as_json)
            )
    _print_summary(counts, apply=apply, to_errors=as_json)
    if counts[Result.LEFT_OUT]:
        raise typer.Exit(Ending.FAILED)


def _keep(pipe: Path, kept: IO[bytes]) -> IO[bytes]:
    """Write what comes out of a pipe to a file: it can be read once, and we read twice."""
    try:
        # Not buffered: a signal that comes between two reads of a buffer would be noticed after the next one alone.
        with pipe.open("rb", buffering=0) as source:
            shutil.copyfileobj(source, kept)
    except OSError as error:
        raise ConfigurationError(f"{pipe}: it cannot be read, or not be kept: {error.strerror}") from None
    return kept


async def _fetch(settings: Settings, url: str, authorization: str, kept: IO[bytes], tell: Tell) -> None:
    parse_callback_url(url, "--url")
    async with open_outbound(settings, connections=CONNECTIONS_OUTWARDS) as outbound:
        await fetch_pages(
            outbound, url, authorization, kept, lambda number: tell(f"fetched {number:,} pages")
        )


async def _import(
    settings: Settings,
    originals: Iterator[Original],
    user: tuple[str, str],
    values: Mapping[str, Mapping[str, str]],
    tell: Tell,
    *,
    apply: bool,
    as_json: bool,
) -> Counter[Result]:
    counts: Counter[Result] = Counter()
    async with open_importer(settings, *user, values) as importer:
        async for outcome in importer.run(originals, apply=apply):
            counts[outcome.result] += 1
            tell(f"{'imported' if apply else 'judged'} {counts.total():,} instances")
            if as_json:
                print(json.dumps(_show(outcome)), flush=True)
            else:
                for line in _tell(outcome, has_links=importer.has_links):
                    print_line(line)
        for unused in sorted(values.keys() - importer.used_values):
            print_line(f"--values: {unused!r} is no connector and no id of these instances", to_errors=True)
    return counts


def _show(outcome: Outcome) -> dict[str, Any]:
    original = outcome.original
    return {
        "id": original.id,
        "name": original.name,
        "connector": original.connector,
        "result": outcome.result.value,
        "reason": outcome.reason or None,
        "instanceId": outcome.instance_id,
        "missing": list(outcome.missing),
        "remarks": list(outcome.remarks),
        "needsConsent": outcome.by_consent,
        "needsEnabling": outcome.by_hand,
        "connectLink": outcome.link,
    }


def _tell(outcome: Outcome, *, has_links: bool) -> Iterator[str]:
    """Give the lines for people: what came of it, and below what is to be done."""
    original = outcome.original
    verdict = VERDICTS[outcome.result]
    place = "/instances/<id>" if outcome.instance_id is None else f"/instances/{outcome.instance_id}"
    if outcome.reason:
        verdict += f": {outcome.reason}"
    if outcome.instance_id is not None:
        verdict += f" (instance {outcome.instance_id})"
    yield f"{original.id} {original.name or '(no name)'}, {original.connector}: {verdict}"
    if outcome.result is Result.LEFT_OUT:
        return
    for remark in outcome.remarks:
        yield f"    {remark}"
    if outcome.missing:
        yield f"    missing: {', '.join(outcome.missing)}; give them by --values, or later by PATCH {place}"
    if outcome.link:
        yield f"    connect link: {outcome.link}"
    elif outcome.by_consent and not outcome.missing:
        how = (
            "a connect link comes with --apply"
            if has_links
            else "authorise it in the console; with SIGNALPOST_PUBLIC_URL set, connect links are printed"
        )
        yield f"    it needs consent at the provider: {how}"
    if outcome.by_hand:
        why = "it was disabled there; " if original.disabled else ""
        yield f"    {why}enable it by PUT {place}/enabled"


def _print_summary(counts: Counter[Result], *, apply: bool, to_errors: bool) -> None:
    parts = [f"{counts[result]:,} {result}" for result in Result if counts[result]]
    end = "" if apply else " Nothing was written: --apply imports."
    number = counts.total()
    noun = "instance" if number == 1 else "instances"
    print_line(f"{number:,} {noun}: {', '.join(parts) or 'none'}.{end}", to_errors=to_errors)


def _read_authorization(settings: Settings, path: Path | None) -> str:
    """Read the header, which never stands in the command line, where others could see it."""
    given = settings.import_authorization
    text, place = "" if given is None else given.get_secret_value(), AUTHORIZATION
    if path is not None:
        place = "--authorization-file"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{place}: {path} cannot be read ({type(error).__name__})") from None
    text = text.strip().removeprefix("Authorization:").strip()
    if not text or not text.isprintable() or not text.isascii():
        message = f"{place}: give one line, as in: User <user secret>, Organization <organization secret>"
        raise ConfigurationError(message)
    return text


def _read_values(path: Path) -> dict[str, dict[str, str]]:
    try:
        read = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"--values: {path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        message = f"--values: {path} is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise ConfigurationError(message) from None
    if not isinstance(read, dict) or not all(isinstance(each, dict) for each in read.values()):
        example = '{"egnyte": {"oauth.api.key": "..."}}'
        message = f"--values: {path}: give values by connector or by instance id, as in {example}"
        raise ConfigurationError(message)
    return {
        name.strip().lower(): {key: stringify(value) for key, value in given.items()}
        for name, given in read.items()
    }


@contextmanager
def _show_progress(*, needed: bool = True) -> Iterator[Tell]:
    """Show on standard error how far it is, if a person looks; give what tells it."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    shown = needed and console.is_terminal
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not shown,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task("")
        yield lambda text: progress.update(task, description=text)
