"""Reads a connector's TOML file; what is wrong is told by file, line, field, value, and what would be right."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from signalpost.connectors.rest.declaration import Declaration
from signalpost.connectors.rest.declared import WITHIN, Place
from signalpost.model.errors import ConfigurationError

TAGGED = frozenset({"auth", "pagination"})
"""Tables of which ``kind`` says what else they have."""
WORDS = {
    "missing": "it is missing",
    "union_tag_not_found": "it is missing",
    "extra_forbidden": "there is no such field",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "it is no table"),
}
"""Of errors that say the same wherever they are."""
CheckFormat = Callable[[str], object]
"""Takes a date format; raises InvalidRequestError if it is none."""


def find_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Give the files: of a folder, its ``*.toml`` by name.

    Raises:
        ConfigurationError: one does not exist, or a folder has none.
    """
    for path in paths:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not found:
            message = f"{path}: the folder has no *.toml; put the connectors' files there, or leave it out"
            raise ConfigurationError(message)
        yield from found


def read_file(path: Path, check_format: CheckFormat) -> Declaration:
    """Read a file.

    Raises:
        ConfigurationError: it cannot be read, or a field is wrong.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except OSError as error:
        message = f"{path}: it cannot be read: {error.strerror}; give the TOML file of a connector"
        raise ConfigurationError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: it is not UTF-8 (byte {error.start + 1}); TOML is always UTF-8"
        raise ConfigurationError(message) from error
    return read_text(text, str(path), check_format)


def read_text(text: str, name: str, check_format: CheckFormat) -> Declaration:
    """Read the text of the file called ``name`` (raises as ``read_file``)."""
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number may have too many digits, too
        message = f"{name}: this is not TOML: {error}"
        raise ConfigurationError(message) from error
    try:
        return Declaration.model_validate(value, context={"check_format": check_format})
    except ValidationError as error:
        message = "\n".join(
            _explain(text, name, value, each) for each in error.errors(include_url=False)[:10]
        )
        raise ConfigurationError(message) from None


def _explain(text: str, name: str, value: Any, error: Any) -> str:
    place = _strip_kinds(error["loc"], value)
    if error["type"] == WITHIN:
        place, error = (*place, *error["ctx"]["place"]), {**error, "input": error["ctx"]["given"]}
    is_missing = error["type"] in {"missing", "union_tag_not_found"}
    if error["type"].startswith("union_tag"):
        place = (*place, "kind")
        if not is_missing and isinstance(error["input"], dict):
            error = {**error, "input": error["input"].get("kind")}
    line = find_line(text, place[:-1] if is_missing else place)
    shown = ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "the file"
    words, example = _put_in_words(error), _find_example(place, value)
    # What has no place in the file, stands for the whole of auth, or in a header may be the very secret.
    is_hidden = is_missing or error["type"] in {"secret", "extra_forbidden"} or place == ("auth",)
    is_hidden = is_hidden or "headers" in place
    given = "" if is_hidden or not place else f" {repr(error['input'])[:100]}:"
    right = f"; right would be, for example, {example}" if example else ""
    return f"{name}:{line}: {shown}:{given} {words}{right}"


def _put_in_words(error: Any) -> str:
    if words := WORDS.get(error["type"]):
        return words
    match error["type"]:
        case "union_tag_invalid":
            return f"it is none of {error['ctx']['expected_tags']}"
        case "value_error":
            return str(error["ctx"]["error"])
        case "list_type" if isinstance(error["input"], dict):
            return "it is one table where a list of them belongs"
        case _:
            return str(error["msg"])


def _strip_kinds(place: Sequence[str | int], value: Any) -> Place:
    """Leave out of a place the kind that the reader puts behind ``auth`` and ``pagination``."""
    found: list[str | int] = []
    was_tagged = False
    for part in place:
        if was_tagged and isinstance(value, dict) and value.get("kind") == part:
            was_tagged = False
            continue
        found.append(part)
        was_tagged = part in TAGGED
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
    return tuple(found)


def find_line(text: str, place: Sequence[str | int]) -> int:
    """Give the line on which what stands at ``place`` begins; 1 where it is the file itself, or is not there.

    It begins after the most lines that are TOML without it. These are found by halves: of a long file each reading
    takes its time.
    """
    if not place or not _is_there(tomllib.loads(text), place):
        return 1
    lines = [f"{line}\n" for line in text.split("\n")]
    without, there = 0, len(lines)
    while (found := _read_between(lines, without, there)) is not None:
        count, value = found
        without, there = (without, count) if _is_there(value, place) else (count, there)
    return without + 1


def _read_between(lines: Sequence[str], low: int, high: int) -> tuple[int, Any] | None:
    """Read some number of the first lines, between two numbers, by which they are TOML; None: there is none."""
    middle = (low + high) // 2
    for count in (*range(middle, low, -1), *range(middle + 1, high)):
        try:
            return count, tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
    return None


def _is_there(value: Any, place: Sequence[str | int]) -> bool:
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _find_example(place: Place, value: Any) -> str:
    """Give the example of the field at a place, as TOML, or how the table there begins; "" where there is none."""
    model: type[BaseModel] | None = Declaration
    example = ""
    annotation: Any = None
    for part in place:
        if isinstance(part, str):
            fields = model.model_fields if model is not None else {}
            if part not in fields:
                known = ", ".join(sorted(fields))
                return f"one of {known}" if known else example
            field = fields[part]
            value = value.get(part) if isinstance(value, dict) else None
            example = write_example(part, field.examples[0]) if field.examples else example
            annotation = field.annotation
            model = _find_model(annotation, value)
        elif isinstance(value, list):
            value = value[part] if part < len(value) else None
            model = _find_model(model, value) if model is not None else None
    if example or model is None:
        return example
    table = ".".join(part for part in place if isinstance(part, str))
    return f"[[{table}]]" if get_origin(annotation) is list else f"[{table}]"


def _find_model(annotation: Any, value: Any) -> type[BaseModel] | None:
    """Find the table that an annotation stands for; of several, that of the kind which ``value`` names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = [found for each in getattr(annotation, "__args__", ()) if (found := _find_model(each, value))]
    kind = value.get("kind") if isinstance(value, dict) else None
    for model in models:
        field = model.model_fields.get("kind")
        if field is not None and field.examples == [kind]:
            return model
    return models[0] if models else None


def write_example(name: str, example: Any) -> str:
    """Write a field with a value, as it stands in a file."""
    return f"{name} = {_write_value(example)}"


def _write_value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{ " + ", ".join(f"{key} = {_write_value(each)}" for key, each in value.items()) + " }"
        case list():
            return f"[{', '.join(map(_write_value, value))}]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)
