"""Rows of the form and the JSON beside them; where errors stand. No service is needed."""

from __future__ import annotations

import pytest

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.polling.configuration import MOST_RESOURCES, read_resources
from signalpost.web.filters import write_json
from signalpost.web.places import find_line, find_place, find_syntax_error
from signalpost.web.resource_rows import make_rows, merge_rows, read_column, read_json

CONNECTOR = EgnyteConnector()


def test_rows_that_nobody_touched_leave_the_json_as_it_is():
    value = {
        "events": {"url": "/hubs/documents/events", "pageSize": 5, "datesConfiguration": []},
        "mine": {"URL": "/hubs/documents/users", "strategy": "snapshot"},
        "odd": 3,
    }
    assert merge_rows(value, make_rows(value, CONNECTOR)) == value


def test_no_more_rows_are_made_than_an_instance_may_have_and_the_rest_stays_in_the_json():
    """Each is some three kilobytes of the page: of a form as long as is taken they would be a hundred megabytes."""
    value = {f"mine{number}": {"url": "/hubs/documents/users"} for number in range(MOST_RESOURCES * 2)}
    rows = make_rows(value, CONNECTOR)
    assert len(rows) == len(CONNECTOR.resources) + MOST_RESOURCES
    assert merge_rows(value, rows) == value


def test_a_row_is_written_in_the_spelling_that_stands_there():
    value = {"events": {"url": "/hubs/documents/events", "datesConfiguration": {"updatedAtField": "a"}}}
    rows = make_rows(value, CONNECTOR)
    assert rows[0].values["updatedDateField"] == "a"
    rows[0].values |= {"updatedDateField": "b", "createdDateField": "c"}
    merged = merge_rows(value, rows)
    assert merged["events"]["datesConfiguration"] == {"updatedAtField": "b", "createdDateField": "c"}
    assert value["events"]["datesConfiguration"] == {"updatedAtField": "a"}


def test_each_resource_chosen_alone_is_a_configuration_that_is_taken():
    for row in make_rows({}, CONNECTOR):
        row.chosen = True
        if row.name == "folders/contents":
            row.values["url"] += "/Shared"
        text = write_json(merge_rows({}, [row]))
        assert list(read_resources(text, CONNECTOR)) == [row.name]
        assert read_json(text, CONNECTOR) == merge_rows({}, [row])


@pytest.mark.parametrize("value", [None, 3, [], {"datesConfiguration": 3}, {"url": 5}])
def test_what_is_no_configuration_reads_as_nothing(value):
    assert read_column(value, "url") == ""
    assert read_column(value, "updatedDateField") == ""


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("configuration.subdomain: it is missing", ("subdomain", "it is missing")),
        ("event.poller.configuration.a.url: wrong", ("event.poller.configuration", "a.url: wrong")),
        ("subdomains: no", ("form", "subdomains: no")),
        ("configuration.subdomain 'a/b' has a slash", ("subdomain", "'a/b' has a slash")),
        ("subdomain is a word of this message", ("form", "subdomain is a word of this message")),
    ],
)
def test_an_error_goes_to_its_field(message, place):
    assert find_place(message, ["subdomain", "event.poller.configuration", "event.poller"]) == place


def test_an_error_goes_to_its_line():
    text = (
        '{\n "a": {"url": 1},\n "b.c": {\n  "url": 2,\n  "datesConfiguration": {\n   "updatedAtField": 3}}}'
    )
    assert find_line(text, "b.c.url: wrong", ["a", "b", "b.c"]) == 4
    assert find_line(text, "b.c.datesConfiguration.updatedAtField: wrong", ["a", "b.c"]) == 6
    assert find_line(text, "a.url: wrong", ["a", "b.c"]) == 2
    assert find_line(text, "nowhere.url: wrong", ["a"]) is None
    assert find_syntax_error(text) is None
    assert find_syntax_error('{\n "a": 1,,\n}')[0] == 2
