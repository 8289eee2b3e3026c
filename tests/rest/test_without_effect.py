"""What in a connector file would be without effect, or means two things: told, as nobody sees it otherwise."""

from __future__ import annotations

import pytest

from signalpost.connectors.rest.reading import read_text
from signalpost.polling.dates import compile_pattern
from tests.rest.every_field import PAGINATIONS, write
from tests.rest.test_wrong_files import refuse

QUERY = 'query = { state = "all" }'
BY_GET = ('method = "POST"\nbody = { state = { "is" = 1 } }', 'method = "GET"')
PARAMETER = {"page": "p", "offset": "o", "cursor": "c", "after": "a"}
SIZED = sorted(PAGINATIONS.keys() - {"none"})


def change(text, right, wrong):
    assert text.count(right) == 1
    return text.replace(right, wrong)


def expect(text, place, given, words):
    """Expect an error at a place, by the line of what stands there."""
    told = refuse(text)
    line, _, rest = told.removeprefix("desk.toml:").partition(": ")
    assert rest.startswith(f"{place}: {given!r}: "), told
    assert words in told
    assert given in text.split("\n")[int(line) - 1], told
    assert "\n" not in told


@pytest.mark.parametrize("kind", PARAMETER)
@pytest.mark.parametrize("use", ["parameter", "size_parameter"])
@pytest.mark.parametrize(
    ("right", "place"),
    [
        ('parameter = "since"', "filters.1.parameter"),
        ('parameters = ["project"]', "parameters.1"),
        ('required = ["team"]', "required.1"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_parameter_that_the_pagination_goes_over(kind, use, right, place, method):
    name = PARAMETER[kind] if use == "parameter" else "size"
    text = write(pagination=kind)
    text = change(text, *BY_GET) if method == "GET" else text
    text = change(text, right, right.replace("since", name).replace("project", name).replace("team", name))
    expect(text, f"resources.1.{place}", name, f"the pagination gives the parameter {name} itself")


@pytest.mark.parametrize("kind", SIZED)
def test_a_fixed_parameter_that_the_pagination_goes_over(kind):
    text = change(write(pagination=kind), *BY_GET)
    names = ["size", PARAMETER[kind]] if kind in {"page", "offset"} else ["size"]
    for name in names:
        fixed = change(text, QUERY, f'query = {{ {name} = "17" }}')
        expect(fixed, f"resources.1.query.{name}", "17", "leave it out; right would be")


@pytest.mark.parametrize("kind", PARAMETER)
def test_one_parameter_for_a_page_and_its_size(kind):
    text = change(write(pagination=kind), 'size_parameter = "size"', f'size_parameter = "{PARAMETER[kind]}"')
    expect(text, "resources.1.pagination.size_parameter", PARAMETER[kind], "the size of a page needs its own")


@pytest.mark.parametrize("name", ["state", "since", "project", "team", "p", "size"])
def test_a_parameter_in_whose_place_the_key_would_stand(name):
    text = change(write("query", "page"), *BY_GET)
    text = change(text, 'parameter = "key"', f'parameter = "{name}"')
    expect(
        text, "auth.parameter", name, f"the resource tickets has a parameter {name}, and the key would stand"
    )


def test_the_key_s_usual_parameter():
    told = refuse(
        change(change(write("query"), 'parameter = "key"\n', ""), QUERY, 'query = { api_key = "x" }')
    )
    assert "auth: the resource tickets has a parameter api_key, and the key" in told


@pytest.mark.parametrize(
    ("right", "wrong", "place", "given"),
    [
        ("quota_spent = [402]", "quota_spent = [402, 429]", "limits.quota_spent", "[402, 429]"),
        ("too_fast = [429]", "too_fast = [402, 503]", "limits.quota_spent", "[402]"),
    ],
)
def test_a_status_that_means_two_things(right, wrong, place, given):
    expect(change(write(), right, wrong), place, given, "stands in too_fast as well; a status means one or")


def test_a_strategy_that_stands_twice():
    told = refuse(change(write(), '["timestamp"]', '["timestamp", "snapshot", "timestamp"]'))
    assert "resources.1.strategies: ['timestamp', 'snapshot', 'timestamp']: one stands there twice" in told


def test_a_format_and_a_zone_of_dates_that_are_not_there():
    text = change(write(), 'updated_field = "updated"\ncreated_field = "created"\n', "")
    told = refuse(change(text, 'strategies = ["timestamp"]\n', ""))
    for place in ("date_format: 'yyyy-MM-dd'", "date_zone: 'Europe/Berlin'"):
        assert f"resources.1.{place}: there is no date that is written so; it needs updated_field" in told


@pytest.mark.parametrize(
    ("text", "right", "right_too"),
    [
        # What a call may ask for goes over what is fixed, as its usual value.
        (change(write(pagination="page"), *BY_GET), QUERY, 'query = { since = "0", project = "1" }'),
        # Of some providers the first page is asked for by a cursor of its own.
        (change(write(pagination="cursor"), *BY_GET), QUERY, 'query = { c = "*" }'),
        (change(write(pagination="after"), *BY_GET), QUERY, 'query = { a = "0" }'),
        # By POST the query stands elsewhere.
        (write("query", "page"), QUERY, 'query = { p = "1", size = "7" }'),
        (write("query", "page"), 'parameter = "p"', 'parameter = "key"'),
        (write(), "too_fast = [429]\nquota_spent = [402]", "quota_spent = [429]"),
    ],
)
def test_what_has_its_use(text, right, right_too):
    assert read_text(change(text, right, right_too), "desk.toml", compile_pattern).resources
