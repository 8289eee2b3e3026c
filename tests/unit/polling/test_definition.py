"""One resource's configuration: every spelling of a field, what is refused by its name, and where it leads."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.resource import Strategy
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.configuration import (
    default_resources,
    match_resource,
    read_poll_settings,
    read_resources,
)
from signalpost.polling.configuration.definition import read_definition

AT = datetime(2026, 5, 28, 11, 41, 12, tzinfo=UTC)
NOW = AT + timedelta(hours=1)
EGNYTE = EgnyteConnector()
PLACE = "event.poller.configuration"


def define(**given):
    return read_definition("x", {"url": "/hubs/documents/users", **given})


def dates(**given):
    return {"datesConfiguration": given}


def match(**given):
    return match_resource("x", {"url": "/hubs/documents/users", **given}, EGNYTE)


def refusal(given, read=read_definition, *more):
    with pytest.raises(InvalidRequestError) as caught:
        read("x", {"url": "/hubs/documents/users", **given}, *more)
    return str(caught.value)


def test_what_is_not_said_has_its_default():
    plain = define()
    assert (plain.strategy, plain.id_field, plain.updated, plain.created, plain.page_size) == (None,) * 5
    assert (plain.filter_by_updated, plain.filter_by_current) == (True, False)
    assert (plain.created_tolerance_seconds, plain.poll_delay_seconds) == (10, 0)
    assert plain.remarks == ()
    empty = define(idField=None, strategy="", pageSize=None, pollDelay=" ", filterByUpdatedDate="")
    assert empty == plain
    assert define(idField="").id_field == ""
    assert define(datesConfiguration=[]) == define(datesConfiguration=None) == plain


def test_everything_that_can_be_said():
    full = define(
        strategy="Timestamp",
        idField=" id ",
        pageSize="20",
        pollDelay="1.5",
        createdCheckTolerance=0,
        filterByUpdateDate="False",
        filterByCurrentDate=True,
        **dates(
            updatedDateField="a.b",
            updatedDateFormat="milliseconds",
            createdAtField="c",
            createdAtFormat="yyyy",
        ),
    )
    assert (full.strategy, full.id_field, full.page_size) == (Strategy.TIMESTAMP, "id", 20)
    assert (full.poll_delay_seconds, full.created_tolerance_seconds) == (1.5, 0)
    assert (full.filter_by_updated, full.filter_by_current) == (False, True)
    assert full.updated
    assert full.created
    assert (full.updated.field, full.updated.pattern.text, full.updated.zone) == ("a.b", "milliseconds", UTC)
    assert (full.created.field, full.created.pattern.text) == ("c", "yyyy")
    assert full.remarks == ()


@pytest.mark.parametrize("stem", ["updatedDate", "updatedAt", "UPDATEDAT", "updateddate"])
@pytest.mark.parametrize("zone", ["Timezone", "TimeZone", "timezone"])
def test_dates_in_every_spelling(stem, zone):
    given = {f"{stem}Field": "d", f"{stem}Format": "yyyy-MM-dd", f"{stem}{zone}": "-8:00"}
    updated = define(DatesConfiguration=given).updated
    assert updated
    assert updated.pattern.read("2026-05-28", updated.zone) == datetime(2026, 5, 28, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "remark"),
    [
        ({"url": " /x\n"}, "url: the blanks around it were dropped"),
        ({"xPath": 1}, "xPath: kept, but not used here"),
        ({"batchSize": {"a": []}}, "batchSize: kept, but not used here"),
        (dates(updatedDateField="d"), "datesConfiguration.updatedDateField: no format is given"),
        (
            dates(createdAtFormat="yyyy"),
            "datesConfiguration.createdAtFormat: not used, as no createdDateField",
        ),
        (
            dates(updatedDateTimezone="PST"),
            "datesConfiguration.updatedDateTimezone: not used, as no updatedDateField",
        ),
        (dates(updatedAtField="d", updatedAtFormat="yyyy'"), "datesConfiguration.updatedAtFormat: the quote"),
        (
            dates(updatedAtField="a", updatedDateField="b", updatedAtFormat="yyyy"),
            "datesConfiguration.updatedDateField: not used, as updatedAtField is given too",
        ),
        ({"url": "/x?where=a>'$yyyy-MM-dd'}"}, "url: $yyyy-MM-dd'}: the brace after $ is missing"),
        ({"url": "/x?where=a>'${yyyy-MM-dd}'"}, "url: ${yyyy-MM-dd}: the variable has no name"),
        ({"url": "/{objectName}"}, "url: {objectName} stands for nothing"),
        ({"url": "/x?where="}, "url: where is empty"),
        ({"url": "/x?where=a='1' or b='2'"}, "url: where: with OR it is compared here alone"),
        (
            {"url": "/x?where=rows='20' and start='0'"},
            "url: where: it compares fields of records; rows, start",
        ),
        ({"url": "/x?where=a='${date}'"}, "url: where: a is asked to equal the time of the last poll"),
        ({"url": "/x?where=modified since yesterday"}, "url: where: "),
        ({"url": "/x?orderBy=a&pageSize=5"}, "url: the parameter orderBy is not used"),
        (
            {"url": "/x?pageSize=5"},
            "url: the parameter pageSize is not used in polling; give pageSize beside url",
        ),
    ],
)
def test_what_is_odd_is_taken_and_remarked(given, remark):
    assert any(found.startswith(remark) for found in define(**given).remarks), define(**given).remarks


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": None}, [".url", "missing", "/hubs/documents/events"]),
        ({"url": 5}, [".url", "5", "missing"]),
        ({"url": "/" * 4001}, [".url", "4,001", "4,000"]),
        ({"url": "/hubs/documents/"}, [".url", "names no resource"]),
        ({"url": "/x?a=${gmtDate:QQ}"}, [".url", "${gmtDate:QQ}", "'Q'"]),
        ({"url": "/x?a=${gmtDate"}, [".url", "not closed"]),
        ({"strategy": "push"}, [".strategy", "'push'", "feed, timestamp, snapshot"]),
        ({"idField": ["id"]}, [".idField", "['id']", "text"]),
        ({"idField": "i" * 1001}, [".idField", "1,001"]),
        ({"pageSize": 0}, [".pageSize", "0", "whole number from 1 to 10,000"]),
        ({"pageSize": "2.5"}, [".pageSize", "'2.5'"]),
        ({"pageSize": True}, [".pageSize", "True"]),
        ({"pollDelay": "soon"}, [".pollDelay", "'soon'", "from 0 to 2,678,400"]),
        ({"PollDelay": -1}, [".PollDelay", "-1"]),
        ({"createdCheckTolerance": float("nan")}, [".createdCheckTolerance", "nan"]),
        ({"createdCheckTolerance": 10**400}, [".createdCheckTolerance", "1000"]),
        ({"filterByUpdateDate": "perhaps"}, [".filterByUpdateDate", "'perhaps'", "true, false"]),
        ({"datesConfiguration": "x"}, [".datesConfiguration", "'x'", "object"]),
        (dates(updatedAtField=7), [".datesConfiguration.updatedAtField", "7"]),
        (dates(createdDateFormat="yyyy-QQ"), [".datesConfiguration.createdDateFormat", "Q"]),
        (dates(updatedAtTimeZone="Mars/Olympus"), [".datesConfiguration.updatedAtTimeZone", "Mars/Olympus"]),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(given, words):
    message = refusal(given)
    assert message.startswith(f"{PLACE}.x{words[0]}: ")
    for word in words:
        assert word in message


@pytest.mark.parametrize("value", [None, 5, "text", [], [{}]])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(InvalidRequestError, match=re.escape(f"{PLACE}.x: give an object")):
        read_definition("x", value)


@pytest.mark.parametrize(
    ("url", "path", "parameters"),
    [
        ("/hubs/documents/folders/contents?path=/Shared/a%2Bb", "folders/contents", {"path": "/Shared/a+b"}),
        ("/hubs/any/events", "events", {}),
        ("events/", "events", {}),
        ("/pins?x", "pins", {"x": ""}),
        ("/hubs/crm/a b", "a b", {}),
        ("/clients/startingFrom=${epoch:0}", "clients/startingFrom=0", {}),
        ("/since/${dateTimeZone:+2:XXX}", "since/+02:00", {}),
        (
            "/x?where=d >'${dateTimeZone:+2:yyyy-MM-dd'T'HH:mm:ssXXX}'&f=a%26b",
            "x",
            {"where": "d >'2026-05-28T13:41:12+02:00'", "f": "a&b"},
        ),
        ("/x?a=${gmtDate:HH&mm?ss#SS%+}", "x", {"a": "11&41?12#00%+"}),
        ("/x?a=${nowTimeZone:GMT:HH}&b=${gmtDate:HH}", "x", {"a": "12", "b": "11"}),
        ("/x?where=", "x", {"where": ""}),
    ],
)
def test_where_a_url_leads(url, path, parameters):
    location = define(url=url).locate(AT, NOW)
    assert (location.path, location.parameters) == (path, parameters)


def test_a_delay_is_taken_off_the_last_poll_and_nothing_is_older_than_1970():
    delayed = define(url="/x?a=${epoch:s}", pollDelay=60)
    assert delayed.locate(AT, NOW).parameters == {"a": str(int(AT.timestamp()) - 60)}
    assert delayed.locate(OLDEST, NOW).parameters == {"a": "-60"}


def test_a_resource_has_what_is_configured_and_else_what_the_connector_declares():
    plain = match()
    assert (plain.resource.name, plain.strategy, plain.id_field) == ("users", Strategy.TIMESTAMP, "id")
    assert plain.updated
    assert plain.created
    assert (plain.updated.field, plain.created.field) == ("lastModificationDate", "createdDate")
    other = match(strategy="snapshot", idField="", **dates(createdAtField="c", createdAtFormat="seconds"))
    assert (other.strategy, other.id_field) == (Strategy.SNAPSHOT, "")
    assert other.updated == plain.updated
    assert other.created
    assert other.created.field == "c"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "/hubs/documents/planets"}, [".url", "planets", "known: /hubs/documents/events"]),
        ({"url": "/hubs/documents/users?planet=mars"}, [".url", "'planet'", "known: "]),
        ({"url": "/hubs/documents/folders/contents"}, [".url", "needs the query parameter path"]),
        ({"url": "/hubs/documents/folders/contents?path="}, [".url", "needs the query parameter path"]),
        ({"url": "/hubs/documents/users?where=a"}, [".url", "where", "position 2"]),
        ({"strategy": "feed"}, [".strategy", "'feed'", "timestamp, snapshot"]),
        (
            {"strategy": "snapshot", "url": "/users?where=a>'${epoch}'"},
            [".url", "a snapshot needs the whole list"],
        ),
        ({"url": "/groups?where=a>'${epoch}'"}, [".url", "a snapshot needs the whole list"]),
    ],
)
def test_what_does_not_suit_the_connector_is_refused(given, words):
    message = refusal(given, match_resource, EGNYTE)
    assert message.startswith(f"{PLACE}.x{words[0]}: ")
    for word in words:
        assert word in message


def test_a_snapshot_may_ask_for_all_there_is():
    assert match(url="/groups?where=a>${epoch:0}").strategy is Strategy.SNAPSHOT


def test_dates_are_needed_to_go_by_dates():
    class Undated:
        key, name, hub = "undated", "Undated", "documents"
        resources = tuple(
            type(each)(each.name, each.path, each.description, (Strategy.TIMESTAMP,), each.id_field)
            for each in EGNYTE.resources
        )

    message = refusal({}, match_resource, Undated())
    assert message.startswith(f"{PLACE}.x.datesConfiguration: ")
    assert "filterByUpdatedDate" in message
    for given in ({"filterByUpdatedDate": False}, dates(createdAtField="c")):
        assert match_resource("x", {"url": "/users", **given}, Undated()).strategy is Strategy.TIMESTAMP


def test_the_default_is_accepted_without_a_remark():
    [(name, configuration)] = default_resources(EGNYTE).items()
    assert match_resource(name, configuration, EGNYTE).definition.remarks == ()


def test_poll_settings_tell_from_when_changes_are_told():
    def read(**given):
        configuration = {"event.notification.enabled": "true"} | {
            f"event.poller.{key}": value for key, value in given.items()
        }
        return read_poll_settings(configuration, EGNYTE, minimum_interval_seconds=1800)

    assert read().start_at is None
    assert read(start="oldest").start_at == OLDEST
    assert read(start="2026-05-28T13:41:12+02:00").start_at == AT
    assert read().interval_seconds == 1800
    assert set(read().resources) == {"events"}
    with pytest.raises(InvalidRequestError, match=re.escape("event.poller.start: 'soon'")):
        read(start="soon")


def test_an_instance_polls_at_most_a_thousand_resources():
    def write(number):
        return json.dumps({f"r{each}": {"url": "/users"} for each in range(number)})

    assert len(read_resources(write(1000), EGNYTE)) == 1000
    with pytest.raises(InvalidRequestError, match="it has 1,001 resources; an instance has at most 1,000"):
        read_resources(write(1001), EGNYTE)


def test_an_interval_shorter_than_the_connector_allows_is_refused():
    slow = type("Slow", (EgnyteConnector,), {"least_interval_seconds": 1200.0})()

    def read(text):
        configuration = {"event.poller.refresh_interval": text}
        return read_poll_settings(configuration, slow, minimum_interval_seconds=60).interval_seconds

    with pytest.raises(InvalidRequestError, match="'15' is not a number of minutes between 20 and"):
        read("15")
    assert read("20") == read("") == 1200
