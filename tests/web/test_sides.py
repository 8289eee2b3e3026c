"""What stands beside each other on an event's page: marked by value, bounded, harmless. No service is needed."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import orjson
import pytest

from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.retold import COMPUTED, CONFIGURED, CREDENTIALS, retell_headers
from signalpost.model.errors import InvalidRequestError
from signalpost.store.views.delivery_list import Place
from signalpost.store.views.recent import Position
from signalpost.web.filters import show_hidden, write_exact, write_machine_time
from signalpost.web.log_form import read_place, read_position, write_place, write_position
from signalpost.web.sides import MOST_SHOWN_BYTES, bound_text, compare_sides

AT = datetime(2026, 5, 28, 11, 41, 12, 345_000, tzinfo=UTC)


def origins_of(names, record):
    return {each.name: each.path for each in compare_sides({}, names, orjson.dumps(record).decode()).origins}


def test_raw_fields_are_found_by_value():
    names = {"objectId": "7", "eventType": "UPDATED", "date": AT, "label": "/a"}
    found = origins_of(names, {"n": 7, "data": {"verb": "updating", "at": "2026-05-28T13:41:12.345+02:00"}})
    assert found == {"objectId": "n", "eventType": "data.verb", "date": "data.at", "label": None}
    assert origins_of({"date": AT}, [{"at": int(AT.timestamp() * 1000)}]) == {"date": "0.at"}
    assert origins_of({"date": AT}, {"at": "Thu, 28 May 2026 11:41:12 GMT"}) == {"date": "at"}
    assert origins_of({"eventType": "CREATED"}, {"a": "create", "b": "CREATED"}) == {"eventType": "b"}
    assert origins_of({"objectId": "7"}, "7") == {"objectId": "(the record itself)"}


def test_lines_of_found_values_are_marked_and_the_text_stays_the_record():
    record = {"id": "7", "more": [1, {"z": []}], "empty": {}, "text": "a\nb\u202e"}
    sides = compare_sides({"objectId": "7"}, {"objectId": "7"}, orjson.dumps(record).decode())
    assert [piece.text for piece in sides.raw if piece.marked] == ['\n  "id": "7",']
    assert orjson.loads("".join(piece.text for piece in sides.raw)) == record
    assert "\u202e" not in "".join(piece.text for piece in sides.raw)
    assert [piece.marked for piece in sides.normalised] == [False, True, False]


@pytest.mark.parametrize("text", ['"' * 100_000, "\u202e" * 100_000, "👩" * 100_000, "a\n" * 100_000])
def test_whatever_is_shown_is_bounded_as_it_stands_in_the_page(text):
    shown, cut = bound_text(text)
    assert cut
    assert len(escape(shown).encode()) <= MOST_SHOWN_BYTES + 10
    sides = compare_sides({}, {}, orjson.dumps([text]).decode())
    assert sides.cut
    assert sum(len(escape(piece.text).encode()) for piece in sides.raw) <= MOST_SHOWN_BYTES + 10
    assert bound_text("short") == ("short", False)


def test_what_is_nested_without_end_or_is_no_json_is_shown_all_the_same():
    deep = "[" * 500 + "]" * 500
    assert "…" in "".join(piece.text for piece in compare_sides({}, {}, deep).raw)
    assert compare_sides({}, {}, "no json").raw[0].text == '"no json"'


def test_hidden_characters_are_shown_and_joiners_stay():
    assert show_hidden("a\u202eb\x07\n\U000e0041") == "a\\u202eb\\u0007\\u000a\\udb40\\udc41"
    assert show_hidden("a\n\tb\r", lines=True) == "a\n\tb\\u000d"
    assert show_hidden("👩\u200d👩 क्\u200cष") == "👩\u200d👩 क्\u200cष"


def test_headers_are_told_without_what_is_secret():
    settings = read_delivery_settings(
        {
            "event.notification.callback.url": "https://example.com/",
            "event.notification.signature.key": "a signature key",
            "event.notification.callback.headers": "X-Tenant: a-tenant-secret",
            "event.notification.basic.username": "user",
            "event.notification.basic.password": "a-basic-secret",
        }
    )

    def tell(**options):
        told = retell_headers(settings, notification_id=9, sent_at=AT, **options)
        return {header.name: header.value for header in told}

    own = tell(replay_id=0, elsewhere=False)
    assert own["X-Tenant"] == CONFIGURED
    assert own["Authorization"] == CREDENTIALS
    assert own["Elements-Webhook-Signature"] == own["webhook-signature"] == COMPUTED
    assert own["webhook-timestamp"] == str(int(AT.timestamp()))
    assert "Signalpost-Replay" not in own
    other = tell(replay_id=4, elsewhere=True)
    assert other["Signalpost-Replay"] == "4"
    assert not {"X-Tenant", "Authorization"} & set(other)


def test_years_before_1000_have_four_digits():
    """In the year 1 is what software writes that has no date: ``0001-01-01T00:00:00Z``."""
    moment, text = datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"
    assert (write_machine_time(moment), write_exact(moment)) == (text, "0001-01-01 00:00:00 UTC")
    [origin] = compare_sides({}, {"date": moment}, orjson.dumps({"at": text}).decode()).origins
    assert (origin.value, origin.path) == (text, "at")


def test_places_in_lists_are_written_and_read():
    position = Position(AT.replace(microsecond=345_678), 100_001, 17)
    assert read_position(write_position(position)) == position
    assert read_place(write_place(Place(9, 4))) == Place(9, 4)
    assert read_position("") is None
    assert read_place("") is None
    for wrong in ("1", "1-2-3-4", "a-b-c", "9" * 30 + "-1-1", "-1-1-1"):
        with pytest.raises(InvalidRequestError):
            read_position(wrong)
        with pytest.raises(InvalidRequestError):
            read_place(f"{wrong}-1-1")
