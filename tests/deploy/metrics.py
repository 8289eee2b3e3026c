"""The series that a process shows, and those that queries ask for."""

from __future__ import annotations

from collections.abc import Iterator

import promql_parser
from prometheus_client.metrics import MetricWrapperBase

from signalpost.observe import Metrics
from signalpost.observe.counted import Counted

SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
OF_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus adds to all it scrapes."""


def read_series() -> dict[str, set[str]]:
    """Give the labels of each series that a process may show, by its name."""
    metrics = Metrics()
    found = {"up": set(OF_PROMETHEUS)}
    for collector in list(metrics.registry._collector_to_names):
        families = list(collector.describe() if isinstance(collector, Counted) else collector.collect())
        for family in families:
            labels = set(family._labelnames) if isinstance(collector, Counted) else set()
            if isinstance(collector, MetricWrapperBase):
                labels = set(collector._labelnames)
            if family.type == "info":
                labels |= {"version"}
            for suffix in SUFFIXES[family.type]:
                found[family.name + suffix] = (
                    OF_PROMETHEUS | labels | ({"le"} if suffix == "_bucket" else set())
                )
    return found


def read_values() -> dict[tuple[str, str], set[str]]:
    """Give the values that a label of a series takes, where a process shows all of them from its start."""
    found: dict[tuple[str, str], set[str]] = {}
    for family in Metrics().registry.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                found.setdefault((sample.name, label), set()).add(value)
    return found


def walk(expression: object) -> Iterator[object]:
    """Give an expression of PromQL and all that it is made of."""
    yield expression
    for part in ("lhs", "rhs", "expr", "param", "vector_selector", "args"):
        below = getattr(expression, part, None)
        for each in below if isinstance(below, list) else [below]:
            if each is not None:
                yield from walk(each)


def check_query(query: str, series: dict[str, set[str]]) -> set[str]:
    """Give the names of the series that a query asks for; all of them exist, with the labels it wants of them."""
    named, wanted = set(), set()
    for each in walk(promql_parser.parse(query)):
        if isinstance(each, promql_parser.VectorSelector):
            named.add(each.name)
            assert each.name in series, f"{each.name} in {query}"
            for matcher in each.matchers.matchers:
                assert matcher.name in series[each.name], f"{matcher.name} of {each.name} in {query}"
                check_value(each.name, matcher, query)
        elif isinstance(each, promql_parser.AggregateExpr) and each.modifier is not None:
            wanted |= set(each.modifier.labels)
    assert named, query
    assert all(wanted <= series[name] for name in named), f"{wanted} in {query}"
    return named


def check_value(name: str, matcher: promql_parser.Matcher, query: str) -> None:
    known = read_values().get((name, matcher.name))
    if known and matcher.op == promql_parser.MatchOp.Equal:
        assert matcher.value in known, f"{matcher.name}={matcher.value} in {query}"
