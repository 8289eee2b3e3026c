"""Changes become events: deterministic, without repeats, create or update by what is known."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.event import Change, EventType
from signalpost.model.ids import InstanceId, derive_event_id
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
    st.builds(
        change,
        st.integers(0, 30),
        st.sampled_from("abc"),
        st.sampled_from(EventType),
        either=st.booleans(),
    ),
    max_size=40,
)


def run(found, known=(), stored=()):
    ids = identify(INSTANCE, "events", found)
    return detect(found, ids, known_objects=known, stored_events=stored)


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


@given(st.integers(), st.text(max_size=20), st.text(max_size=20))
def test_event_ids_are_the_same_every_time_and_differ_by_instance_and_resource(
    instance_id, resource, change_id
):
    one = derive_event_id(InstanceId(instance_id), resource, change_id)
    assert one == derive_event_id(InstanceId(instance_id), resource, change_id)
    assert one != derive_event_id(InstanceId(instance_id + 1), resource, change_id)
    assert one != derive_event_id(InstanceId(instance_id), resource + "x", change_id)
