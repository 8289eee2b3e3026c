"""Every block of tutorial and how-to: it says what it is, is run or says why not, and can be read by what it is for."""

from __future__ import annotations

import asyncio
import re
import shlex

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from signalpost.cli import build_app
from tests.docs.blocks import PAGES, fill_in, match_printed, read_blocks
from tests.house.reference_pages import walk

LANGUAGES = {"text", "json", "ini", "nginx", "caddyfile", "yaml", "toml", "py", "python", "js", "postgresql"}
PLACEHOLDER = re.compile(r"<[a-z][a-z ]*>")
CALL = re.compile(r"(?:^ *|bin/|-- |\(|&& )signalpost ((?:[a-z]|--)[^\n&|;()<>]*)", re.MULTILINE)
MOST_NOT_RUN = 14


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_block_says_what_it_is(page):
    for block in read_blocks(page):
        assert block.is_commands or block.language in LANGUAGES, f"{block.place}: give it a language"
        assert block.word in {"", "not run", "until", "printed"}, f"{block.place}: {block.word}?"
        assert bool(block.said) == (block.word in {"not run", "until"}), f"{block.place}: why, or until what?"
        assert block.is_commands or block.word in {"", "printed"}, f"{block.place}: these are no commands"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_each_block_of_commands_is_bash_and_has_options_that_exist(page):
    for block in read_blocks(page):
        if not block.is_commands:
            continue
        script = PLACEHOLDER.sub("x", block.script)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-n"), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate(script.encode())
        assert process.returncode == 0, f"{block.place}: {said.decode()}"
        for call in CALL.findall(script.replace("\\\n", " ")):
            assert find_wrong_options(shlex.split(call, comments=True)) == set(), block.place


def find_wrong_options(words):
    """Give the options of a call that its command does not have; the word of a command that does not exist."""
    known = {
        tuple(name.split()[1:]): command
        for name, command in walk(typer.main.get_command(build_app()), "signalpost")
    }
    command = next((known[tuple(words[:n])] for n in (3, 2, 1) if tuple(words[:n]) in known), None)
    given = {word.partition("=")[0] for word in words if word.startswith("-")}
    if command is None:
        return (
            given - {"--version", "--help", "--show-completion", "--install-completion"}
            if words[0].startswith("-")
            else {words[0]}
        )
    options = {option for each in command.params for option in [*each.opts, *each.secondary_opts]}
    return given - options - {"--help"}


def test_options_that_do_not_exist_are_found():
    assert find_wrong_options(["serve", "--port", "1"]) == set()
    assert find_wrong_options(["serve", "--prot=1"]) == {"--prot"}
    assert find_wrong_options(["credentials", "create", "--port"]) == {"--port"}
    assert find_wrong_options(["sevre"]) == {"sevre"}


def test_what_is_printed_may_differ_in_what_varies_and_nowhere_else():
    shown = match_printed("2026-11-25T06:43:53.315Z  signature valid  3 events\n  CREATED <id>")
    assert shown.search("2027-01-02T01:02:03Z  signature valid  3 events\n  UPDATED a-b")
    assert not shown.search("2027-01-02T01:02:03Z  signature wrong  3 events\n  UPDATED a-b")


@given(st.lists(st.text("08 9", min_size=1, max_size=6), min_size=4, max_size=4))
def test_what_is_filled_in_is_not_filled_in_again(values):
    shown = ("8080", "8090", "8091", "8099")
    text = " | ".join(shown)
    assert fill_in(text, dict(zip(shown, values, strict=True))) == " | ".join(values)


def test_the_longest_of_what_a_page_shows_is_filled_in():
    assert fill_in("http://a:1/x http://a:1 a", {"http://a:1": "B", "http://a:1/x": "C"}) == "C B a"
    assert fill_in("as it is", {}) == "as it is"


def test_few_blocks_are_not_run():
    marked = [block.place for page in PAGES for block in read_blocks(page) if block.word == "not run"]
    assert len(marked) <= MOST_NOT_RUN, marked
