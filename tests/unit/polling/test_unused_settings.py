"""What a resource's configuration says and its strategy has no use for is remarked: nothing is passed over in silence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.resource import Resource, Strategy
from signalpost.polling.configuration import match_resource

THINGS = Resource(
    name="things",
    path="things",
    description="",
    strategies=tuple(Strategy),
    id_field="id",
    updated_field="at",
    parameters=frozenset({"state"}),
    feed_tells_deletions=False,
)
CONNECTOR = SimpleNamespace(name="Things", hub="any", resources=(THINGS,))
TIMED = "/hubs/any/things?where=at>'${gmtDate:yyyy-MM-dd}'"
WRITTEN = {"pageSize": 7, "createdCheckTolerance": "60", "filterByCurrentDate": "true", "pollDelay": 60}


def list_used(strategy, url, filter_by_updated):
    used = {"pollDelay"} if url == TIMED else set()
    if strategy is not Strategy.FEED:
        used.add("pageSize")
    if strategy is Strategy.TIMESTAMP:
        used |= {"createdCheckTolerance", *({"filterByCurrentDate"} if filter_by_updated else ())}
    return used


def list_remarks(**configuration):
    return match_resource("things", configuration, CONNECTOR).definition.remarks


@given(
    st.sampled_from(Strategy),
    st.sampled_from(["/things", TIMED]),
    st.booleans(),
    st.sets(st.sampled_from(sorted(WRITTEN))),
)
def test_a_setting_is_remarked_if_nothing_comes_of_it(strategy, url, filter_by_updated, names):
    if strategy is Strategy.SNAPSHOT:
        url = "/things"  # another one is refused
    written = {name: WRITTEN[name] for name in names}
    remarks = list_remarks(url=url, strategy=strategy, filterByUpdatedDate=filter_by_updated, **written)
    told = {remark.partition(":")[0] for remark in remarks} - {"url"}
    assert told == names - list_used(strategy, url, filter_by_updated)


@pytest.mark.parametrize("strategy", Strategy)
def test_what_is_used_as_it_is_anyway_is_not_remarked(strategy):
    usual = {"createdCheckTolerance": 10, "filterByCurrentDate": False, "pollDelay": "0", "pageSize": None}
    assert list_remarks(url="/things", strategy=strategy, **usual) == ()


def test_a_parameter_that_comes_twice_is_remarked():
    remarks = list_remarks(strategy="timestamp", url="/things?state=open&state=closed&where=a = 1")
    assert remarks == ("url: the parameter 'state' is given more than once; the last one counts",)
