"""The house rules that a machine can check (architecture section 3, style 10)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
)
PACKAGE = ROOT / "src" / "signalpost"

MODULES = [path for path in SOURCES if PACKAGE in path.parents]

MOST_LINES_A_FILE = 300
MOST_LINES_A_FUNCTION = 60
OWN_WAIT = re.compile(r"asyncio\.timeout\(\d|wait_for\(.*, [\d.]+\)|[(,] ?timeout=\d|until\(.*, [\d.]+\)$")
WORDS_NOT_USED = {"helper", "helpers", "util", "utils", "handler", "handlers", "info", "misc", "common"}

PURE_POLLING = ["detect", "fields", "grid", "labels", "plan", "records", "status"]
PURE = [
    *sorted((PACKAGE / "model").glob("*.py")),
    *[PACKAGE / "polling" / f"{name}.py" for name in PURE_POLLING],
    *[
        path
        for part in ("configuration", "dates", "where")
        for path in sorted((PACKAGE / "polling" / part).glob("*.py"))
    ],
    PACKAGE / "polling" / "strategies" / "objects.py",
    *sorted((PACKAGE / "delivery" / "formats").glob("*.py")),
    PACKAGE / "delivery" / "sign.py",
]
IMPURE_MODULES = {
    "asyncio",
    "asyncpg",
    "aiohttp",
    "socket",
    "subprocess",
    "os",
    "time",
    "random",
    "pathlib",
    "structlog",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def read(path: Path) -> str:
    return path.read_text()


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(read(path))


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_file_is_longer_than_300_lines():
    lines = {name_of(path): len(read(path).splitlines()) for path in SOURCES}
    assert {name: number for name, number in lines.items() if number > MOST_LINES_A_FILE} == {}


def test_no_test_has_a_notion_of_its_own_of_how_long_to_wait() -> None:
    """A busy machine may need long: all wait for PATIENCE_SECONDS (tests/support.py), START_ or STOP_SECONDS."""
    lines = [
        (f"{name_of(path)}:{number}", line)
        for path in SOURCES
        if path.is_relative_to(ROOT / "tests")
        for number, line in enumerate(read(path).splitlines(), start=1)
    ]
    assert len([line for _, line in lines if "_SECONDS" in line]) > 100
    assert [place for place, line in lines if OWN_WAIT.search(line)] == []


def test_no_function_is_longer_than_60_lines():
    lines = {
        f"{name_of(path)}: {node.name}": node.end_lineno - node.lineno
        for path in SOURCES
        for node in ast.walk(parse(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None
    }
    assert {name: number for name, number in lines.items() if number >= MOST_LINES_A_FUNCTION} == {}


def test_every_module_says_where_it_stands():
    assert [name_of(path) for path in MODULES if not ast.get_docstring(parse(path))] == []


def test_module_names_avoid_words_that_say_nothing():
    assert [name_of(path) for path in MODULES if WORDS_NOT_USED & set(re.split(r"[_.]", path.stem))] == []


def test_pure_modules_do_no_input_or_output():
    used = {
        name_of(path): {name.split(".")[0] for name in imports_of(path)} & IMPURE_MODULES for path in PURE
    }
    assert {name: modules for name, modules in used.items() if modules} == {}


def test_only_the_settings_read_the_environment():
    others = [
        path
        for path in MODULES
        if path.name not in {"settings.py", "children.py"} and "embedded" not in path.name
    ]
    assert [name_of(path) for path in others if re.search(r"os\.environ|getenv", read(path))] == []


def test_only_outbound_imports_the_http_client():
    found = {
        name_of(path)
        for path in MODULES
        if any(name.split(".")[0] in {"aiohttp", "httpx", "requests"} for name in imports_of(path))
        and not {"outbound", "sandbox"} & set(path.parts)
        and path.name != "listen.py"
    }
    assert found == set()


def test_the_lock_file_names_no_index():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--index-url|--find-links", text)
    names = re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", text, re.MULTILINE)
    assert len(names) > 20
    assert text.count("--hash=sha256:") >= len(names)


def test_dependencies_are_each_given_a_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *chain(*extras), *project["dependency-groups"]["dev"]]
    reasons = (ROOT / "docs" / "dependencies.md").read_text()
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9-]+", requirement)
        assert name is not None
        assert f"`{name[0]}`" in reasons, name[0]
