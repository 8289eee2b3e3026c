"""``signalpost login``: keeps a server and its secrets as a profile, once they were seen to work."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from signalpost.cli.printing import print_line
from signalpost.cli.remote.client import Api, check_list
from signalpost.cli.remote.settings import DEFAULT_PROFILE, KEYS, LOCAL, add_profile, make_server
from signalpost.model.errors import ConfigurationError

MOST_CHARACTERS = 10_000


def login(
    url: Annotated[str, typer.Option(envvar="SIGNALPOST_URL", help="Address of the server.")] = LOCAL,
    profile: Annotated[
        str, typer.Option(envvar="SIGNALPOST_PROFILE", help="Name of the profile.")
    ] = DEFAULT_PROFILE,
) -> None:
    """Keep a server and its secrets as a profile, if they work. Asks for the secrets, or reads JSON from a pipe.

    The JSON is what signalpost credentials create --json prints.
    """
    secrets = _ask() if sys.stdin.isatty() else _read_pipe()
    named = dict(zip(KEYS, ("--url", "the user secret", "the organization secret"), strict=True))
    server = make_server({"url": url, **secrets}, named)
    check_list(Api(server).get("/instances", {"pageSize": 1}))
    print_line(f"{server.url} takes the secrets; profile {profile} is in {add_profile(profile, server)}")


def _ask() -> dict[str, str]:
    words = {"user_secret": "User secret", "organization_secret": "Organization secret"}
    try:
        return {key: typer.prompt(text, hide_input=True, err=True) for key, text in words.items()}
    except UnicodeDecodeError as error:
        message = f"what was typed has bytes that are no {error.encoding}; type the secret again"
        raise ConfigurationError(message) from None


def _read_pipe() -> dict[str, str]:
    try:
        given = json.loads(sys.stdin.read(MOST_CHARACTERS))
        return {"user_secret": given["userSecret"], "organization_secret": given["organizationSecret"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        message = 'standard input is not {"userSecret": ..., "organizationSecret": ...}'
        raise ConfigurationError(f"{message}, as signalpost credentials create --json prints it") from None
