"""Connector files with every field wrong in turn: each error names the file, the line, the field and what is right."""

from __future__ import annotations

import tomllib
from typing import get_args

import pytest
from pydantic import BaseModel

from signalpost.connectors.rest.declaration import Declaration
from signalpost.connectors.rest.reading import find_line, read_text
from signalpost.model.errors import ConfigurationError
from signalpost.polling.dates import compile_pattern
from tests.rest.every_field import FILES, RESOURCE, write


def list_statements():
    """List each line that gives a field: the file, the line's number, the field's name."""
    seen = set()
    for text in FILES:
        table = ""
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("["):
                table = line
            name, mark, _ = line.partition(" = ")
            if mark and line[0].isalpha() and (table, name, line) not in seen:
                seen.add((table, name, line))
                yield pytest.param(text, number, name, id=f"{table}{name}-{len(seen)}")


STATEMENTS = list(list_statements())


def refuse(text):
    with pytest.raises(ConfigurationError) as caught:
        read_text(text, "desk.toml", compile_pattern)
    return str(caught.value)


def put(text, number, line):
    lines = text.split("\n")
    if lines[number - 1].endswith("["):  # the list that spans lines
        del lines[number : number + 2]
    return "\n".join([*lines[: number - 1], *([] if line is None else [line]), *lines[number:]])


@pytest.mark.parametrize("text", FILES)
def test_the_files_are_right_as_they_stand(text):
    assert read_text(text, "desk.toml", compile_pattern).key == "desk"


def test_every_field_there_is_stands_in_the_files():
    known = {name for model in list_models(Declaration) for name in model.model_fields}
    assert known == {each.values[2] for each in STATEMENTS} | {
        "fields",
        "account",
        "limits",
        "auth",
        "resources",
    } | {
        "filters",
        "pagination",
    }


def list_models(model):
    yield model
    for field in model.model_fields.values():
        waiting = [field.annotation]
        while waiting:
            each = waiting.pop()
            waiting.extend(get_args(each))
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from list_models(each)


@pytest.mark.parametrize("value", ["{ wrong = 1 }", "1979-05-27", '"\\u0000"'])
@pytest.mark.parametrize(("text", "number", "name"), STATEMENTS)
def test_a_wrong_value_is_told_by_its_line_and_field(text, number, name, value):
    value = "{ wrong = nan }" if (name, value) == ("body", "{ wrong = 1 }") else value  # any other is right
    words = refuse(put(text, number, f"{name} = {value}"))
    first = words.split("\n")[0]
    assert first.startswith(f"desk.toml:{number}: "), words
    assert f"{name}" in first.split(": ")[1], words
    assert "right would be" in first or "needs" in first, words


@pytest.mark.parametrize(("text", "number", "name"), STATEMENTS)
def test_an_unknown_field_is_told_by_its_line(text, number, name):
    words = refuse(put(text, number, "unknown_field = 1"))
    if name == "kind":  # nobody knows what else there is without it
        assert "kind: it is missing; right would be, for example, kind = " in words
        return
    assert any(
        line.startswith(f"desk.toml:{number}: ") and "unknown_field" in line for line in words.split("\n")
    ), words
    assert "there is no such field" in words
    assert name in words  # among those that there are, or as missing


@pytest.mark.parametrize(("text", "number", "name"), STATEMENTS)
def test_a_missing_field_is_told_where_it_is_needed_and_only_there(text, number, name):
    shorter = put(text, number, None)
    try:
        read_text(shorter, "desk.toml", compile_pattern)
    except ConfigurationError as error:
        words = str(error)
        assert "it is missing" in words or "no required field" in words or "needs" in words
        assert name in words
        line = int(words.split(":")[1])
        assert shorter.split("\n")[line - 1].startswith(
            ("[", "# A desk", "base_url", "strategies", "absent_is", "body", "deleted_values")
        ), words


@pytest.mark.parametrize(
    ("statement", "line", "words"),
    [
        ('base_url = "https://{host}"', 6, "two fixed ones"),
        ('base_url = "https://{subdomain}.com/x"', 6, "two fixed ones"),
        ('base_url = "https://{other}.example.com"', 6, "{other}"),
        ('base_url = "https://example.com:{subdomain}/"', 6, "right would be"),
        ('base_url = "https://u:p@example.com"', 6, "user name"),
        ('base_url = "ftp://example.com"', 6, "http"),
        ('base_url = "https://example.com/?a=1"', 6, "without a query"),
    ],
)
def test_addresses_that_lead_anywhere_are_refused(statement, line, words):
    told = refuse(put(write(), line, statement))
    assert told.startswith(f"desk.toml:{line}: base_url: ")
    assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "key: it is missing"),
        ("a = [", "this is not TOML"),
        ("a = " + "9" * 5_000, "this is not TOML"),
        (write() + "\n" + RESOURCE + 'kind = "none"', "stands twice"),
        (
            write().partition("[[resources]]")[0],
            "resources: it is missing; right would be, for example, [[res",
        ),
        *(
            (write().replace(right, wrong), f"it is {words}; right would be, for example, {right}")
            for right, wrong, words in (
                ("[[resources]]", "[resources]", "one table where a list of them belongs"),
                ("[[fields]]", "[fields]", "one table where a list of them belongs"),
                ("[resources.pagination]", "[[resources.pagination]]", "no table"),
                ("[limits]", "[[limits]]", "no table"),
                ("[account]", "[[account]]", "no table"),
            )
        ),
        (
            write().replace('updated_field = "updated"\ncreated_field = "created"\n', ""),
            "needs updated_field",
        ),
        (
            write().replace("lists_deleted = false", "lists_deleted = true"),
            "resources.1.lists_deleted: True: all that it lists is deleted then; leave deleted_field out",
        ),
        (write().replace('kind = "none"', 'kind = "nun"'), "auth.kind: 'nun': it is none of"),
        (write().replace('"yyyy-MM-dd"', '"yyyy-QQ"'), "'Q'"),
        *(
            (
                write().replace("Europe/Berlin", zone),
                f"date_zone: '{zone}': there is no such time zone; right would be, for example, date_zone = ",
            )
            for zone in ("Europe/Nowhere", "../etc/passwd", "Europe", "+2")
        ),
        (write().replace('"yyyy-MM-dd"', '"YYYY-MM-DD"'), "for the year write y; D is the day of the year"),
        *(
            (write().replace('name = "tickets"', f'name = "{name}"'), words)
            for names, words in (
                (["tickets/", "a//b", "a/../b", "./a", ".."], "it is no path: between"),
                (["pollDate", "objectType", "omitted"], "that name has another meaning"),
            )
            for name in names
        ),
        (
            write().replace('path = "/tickets"', 'path = "/{subdomain}/tickets"'),
            "resources.1.path: '/{subdomain}/tickets': a {field} may stand in base_url",
        ),
        (
            write().replace('path = "/me"', 'path = "/{subdomain}"'),
            "account.path: '/{subdomain}': a {field} may",
        ),
        (write().replace('key = "subdomain"', 'key = "oauth.api.key"'), "is taken"),
        (write().replace("secret = false", "secret = true"), "a secret has no value here"),
        (
            write().replace('secret = false\ndefault = "acme"', "secret = true"),
            "the field of {subdomain} is secret, and addresses are shown",
        ),
    ],
)
def test_what_is_wrong_on_the_whole_is_told(text, words):
    told = refuse(text)
    assert told.startswith("desk.toml:")
    assert words in told


def test_a_secret_that_stands_in_the_file_is_not_repeated():
    told = refuse(
        write().replace("secret = false", "secret = true").replace('default = "acme"', 'default = "s3cret"')
    )
    assert "fields.1.default: a secret has no value here" in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("written", "secret", "words"),
    [
        ('kind = "none"\n', 'password = "s3cret"', "auth.password: there is no such field"),
        ('kind = "none"\n', 'headers = { "X-Key" = "s3cret" }', "auth.headers: there is no such field"),
        ('[auth]\nkind = "none"\n', 'api = { key = "s3cret" }', "api: there is no such field"),
        (
            '[auth]\nkind = "none"\n',
            'auth = "Bearer s3cret"',
            "auth: it is no table; right would be, for example, [auth]",
        ),
    ],
)
def test_a_secret_that_is_put_where_none_belongs_is_not_repeated(written, secret, words):
    text = write().replace(written, written + secret + "\n" if written.startswith("kind") else "")
    told = refuse(text if secret in text else f"{secret}\n{text}")
    assert words in told
    assert "s3cret" not in told


def test_a_long_file_is_read_a_few_times_to_find_a_line(monkeypatch):
    """Reading ever more of its lines takes minutes for thousands, and the service says nothing meanwhile."""
    text = write() + "\n".join(RESOURCE.replace('"tickets"', f'"{n}"') + 'kind = "none"' for n in range(100))
    assert len(text.split("\n")) > 2000
    readings = []
    monkeypatch.setattr(tomllib, "loads", lambda given, read=tomllib.loads: readings.append(0) or read(given))
    assert refuse(text + "\nwrong = 1").startswith(f"desk.toml:{text.count(chr(10)) + 2}: ")
    assert len(readings) < 50


def test_a_line_is_found_behind_values_that_span_lines():
    text = 'a = """\n[b]\nc = 1\n"""\n\n# b\n[b]\nx = [\n 1,\n]\nc = { d = [\n 2 ] }\n[[e]]\n[[e]]\nf.g = 1'
    assert tomllib.loads(text)
    assert [find_line(text, place) for place in (["b"], ["b", "x"], ["b", "c", "d"], ["e", 1], ["e", 1, "f", "g"])] == [
        7, 8, 11, 14, 15,
    ]  # fmt: skip
