"""Changes become events: deterministic, without repeats, create or update by what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.event import Change, EventType, Page, Remembered
from signalpost.model.ids import EVENT_NAMESPACE, InstanceId, derive_event_id
from signalpost.polling.detect import detect, identify

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INSTANCE = InstanceId(7)


def change(number, object_id="a", event_type=EventType.CREATED, *, either=False):
    return Change(
        change_id=str(number),
        object_id=object_id,
        object_type="file",
        event_type=event_type,
        occurred_at=NOW,
        record_index=number,
        creates_or_updates=either,
    )


changes = st.lists(
    st.builds(change, st.integers(0, 30), st.sampled_from("abc"), st.sampled_from(EventType))
    | st.builds(change, st.integers(0, 30), st.sampled_from("abc"), either=st.just(True)),
    max_size=40,
)


def work(found, known=(), stored=(), seen_at=NOW):
    """Detect a page of changes whose records say what the changes say."""
    ids = identify(INSTANCE, "events", found)
    texts = tuple(f'{{"n":{number},"event_type":"CREATED"}}' for number in range(40))
    memory = {each: Remembered(each, "file", "", None, seen_at) for each in known}
    page = Page(texts, tuple(found), {}, more=False)
    return detect(page, ids, known=memory, stored_events=stored, now=NOW)


def run(found, known=(), stored=()):
    return list(work(found, known, stored).events)


@given(changes)
def test_reading_again_gives_nothing_new(found):
    first = run(found)
    assert run(found, stored={event.id for event in first}) == []


@given(changes, st.integers(0, 40))
def test_a_page_read_again_after_a_part_of_it_gives_the_rest_in_order(found, cut):
    whole = run(found)
    part = {event.id for event in whole[:cut]}
    assert [event.id for event in run(found, stored=part)] == [event.id for event in whole[cut:]]


@given(changes)
def test_events_keep_the_order_and_are_unique(found):
    events = run(found)
    assert len({event.id for event in events}) == len(events)
    firsts = list(dict.fromkeys(each.change_id for each in found))
    assert [event.id for event in events] == [
        derive_event_id(INSTANCE, "events", number) for number in firsts
    ]


def test_a_new_version_of_a_known_object_is_an_update():
    assert run([change(1, either=True)])[0].event_type is EventType.CREATED
    assert run([change(1, either=True)], known={"a"})[0].event_type is EventType.UPDATED
    both = run([change(1, either=True), change(2, either=True)])
    assert [event.event_type for event in both] == [EventType.CREATED, EventType.UPDATED]


def test_after_its_deletion_an_object_is_created_again():
    events = run(
        [change(1, either=True), change(2, event_type=EventType.DELETED), change(3, either=True)], known={"a"}
    )
    assert [event.event_type for event in events] == [EventType.UPDATED, EventType.DELETED, EventType.CREATED]


@given(changes, st.sets(st.sampled_from("abc")))
def test_the_memory_follows_the_page(found, known):
    """What is alive at the page's end is remembered, what is not is forgotten, and only what differs is written."""
    result = work(found, known)
    alive = set(known)
    for each in found:
        (alive.discard if each.event_type is EventType.DELETED else alive.add)(each.object_id)
    after = (known | {each.object_id for each in result.remembered}) - set(result.forgotten)
    assert after == alive
    assert not {each.object_id for each in result.remembered} & known
    assert set(result.forgotten) <= known


def test_a_note_that_is_old_is_written_anew_so_that_what_is_seen_lately_is_dropped_last():
    fresh = work([change(1, either=True)], "a", seen_at=NOW - timedelta(hours=23))
    assert fresh.remembered == ()
    old = work([change(1, either=True)], "a", seen_at=NOW - timedelta(hours=25))
    assert [each.seen_at for each in old.remembered] == [NOW]


@given(changes, st.sets(st.sampled_from("abc")))
def test_the_record_of_an_update_says_so(found, known):
    found = list({each.record_index: each for each in found}.values())
    result = work(found, known)
    for event in result.events:
        told = '"event_type":"UPDATED"' in result.records[event.record_index]
        either = next(each.creates_or_updates for each in found if each.record_index == event.record_index)
        assert told == (either and event.event_type is EventType.UPDATED)


@given(st.integers(), st.text(max_size=20), st.text(max_size=20))
def test_event_ids_are_the_same_every_time_and_differ_by_instance_and_resource(
    instance_id, resource, change_id
):
    one = derive_event_id(InstanceId(instance_id), resource, change_id)
    assert one == derive_event_id(InstanceId(instance_id), resource, change_id)
    assert one != derive_event_id(InstanceId(instance_id + 1), resource, change_id)
    assert one != derive_event_id(InstanceId(instance_id), resource + "x", change_id)
    assert one == str(uuid5(EVENT_NAMESPACE, f"{instance_id}\n{resource}\n{change_id}"))
