"""What a connector gave, looked at before anything relies on it: which part of it is none that can be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime
from typing import Any

import orjson

from signalpost.connectors.base import Authorization, Quota
from signalpost.connectors.resource import ListPage
from signalpost.model.errors import replace_unusable
from signalpost.model.event import Change, EventType, Gap, Page
from signalpost.model.headers import belongs_to_connection, is_header_name
from signalpost.model.instance import Account, Tokens

MOST_CALLS = 10**12
"""More calls are allotted to nobody."""

MOST_RECORDS = 100_000
"""Of one page, as many as are remembered of a resource: what reads millions keeps all that the process does waiting."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""Such a character in JSON: PostgreSQL keeps none."""


def find_wrong(given: Any, kind: type) -> Iterator[str]:
    """Find what is wrong inside of a ``kind``. Values are never shown, for they may be secrets."""
    yield from _FAULTS[kind](given) if kind in _FAULTS else ()


def _find_wrong_page(page: Any) -> Iterator[str]:
    if not isinstance(page.records, Sequence) or isinstance(page.records, (str, bytes)):
        yield f"a ListPage whose records are {type(page.records).__name__}"
    elif len(page.records) > MOST_RECORDS:
        yield f"a ListPage of more than {MOST_RECORDS:,} records"
    if page.next is not None and not _is_text(page.next):
        yield "a ListPage whose next is neither None nor a text with something in it"
    if page.total is not None and type(page.total) is not int:
        yield "a ListPage whose total is neither None nor a whole number"
    if type(page.complete) is not bool:
        yield "a ListPage whose complete is neither True nor False"


def _find_wrong_changes(page: Any) -> Iterator[str]:
    if not _is_watermark(page.watermark):
        yield "a Page whose watermark is no JSON object that can be kept"
    if max(len(page.records), len(page.changes)) > MOST_RECORDS:
        yield f"a Page of more than {MOST_RECORDS:,} records"
    if not all(isinstance(each, str) for each in page.records):
        yield "a Page whose records are no texts"
    elif not all(map(_is_json, _pick_suspects(page.records))):
        yield "a Page with a record that is no JSON"
    if page.remark is not None and not _can_be_kept(page.remark):
        yield "a Page whose remark is no text that can be kept"
    if type(page.more) is not bool:
        yield "a Page whose more is neither True nor False"
    others = [each for each in page.changes if not isinstance(each, Change)]
    yield from (f"a Page with {type(each).__name__} among its changes" for each in others)
    if changes := [each for each in page.changes if isinstance(each, Change)]:
        yield from _find_wrong_fields(changes, len(page.records))


def _pick_suspects(records: Sequence[str]) -> Iterator[str]:
    """Pick the records to be read here, where the step can be told; the others are read once, for their labels.

    What a connector writes wrongly it writes so in the first as well, but for what Python's own writer does with
    numbers that are none.
    """
    for place, record in enumerate(records):
        if not place or "NaN" in record or "Infinity" in record:
            yield record


def _find_wrong_fields(changes: Sequence[Change], records: int) -> Iterator[str]:
    """Find what is wrong in any, field by field of all: a quarter of what it takes change by change."""
    ids, object_ids, kinds, event_types, times, places, is_either, known_by = zip(*changes, strict=True)
    if not (all(ids) and _can_all_be_kept((*ids, *object_ids, *known_by))):
        yield "a Change whose ids are no texts that can be kept"
    if set(map(type, event_types)) != {EventType}:
        yield "a Change whose event_type is no EventType"
    if not (all(kinds) and _can_all_be_kept(kinds)):
        yield "a Change whose object_type is no text that can be kept"
    if not all(map(_is_moment, times)):
        yield "a Change at a time without a zone, or that is none in UTC"
    if set(map(type, places)) != {int} or min(places) < 0 or max(places) >= records:
        yield "a Change of a record that is not in its Page"
    if set(map(type, is_either)) != {bool}:
        yield "a Change whose creates_or_updates is neither True nor False"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _can_be_kept(value: object) -> bool:
    return isinstance(value, str) and replace_unusable(value) == value


def _can_all_be_kept(values: Iterable[Any]) -> bool:
    try:
        return _can_be_kept("".join(values))
    except TypeError:
        return False


def _is_moment(value: object) -> bool:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return False
    if 1 < value.year < MAXYEAR:
        return True
    try:
        value.astimezone(UTC)
    except OverflowError:  # at the edges of the calendar, in a zone
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_watermark(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    try:
        return not _NUL.search(orjson.dumps(value))
    except TypeError:
        return False


def _find_wrong_gap(gap: Any) -> Iterator[str]:
    if not (_is_watermark(gap.from_watermark) and _is_watermark(gap.to_watermark)):
        yield "a Gap with a watermark that is no JSON object that can be kept"
    if not _can_be_kept(gap.reason):
        yield "a Gap whose reason is no text that can be kept"


def _find_wrong_watermark(watermark: Any) -> Iterator[str]:
    if not _is_watermark(watermark):
        yield "a watermark that is no JSON object that can be kept"


def _find_wrong_url(url: object) -> Iterator[str]:
    if not isinstance(url, str) or not url.lower().startswith(("https://", "http://")):
        yield "a URL that does not begin with https:// or http://"


def _find_wrong_authorization(authorization: Any) -> Iterator[str]:
    yield from _find_wrong_url(authorization.token_url)
    yield from _find_wrong_url(authorization.authorize_url or authorization.token_url)  # "": nobody consents


def _find_wrong_headers(headers: Any) -> Iterator[str]:
    for name, text in headers.items():
        if not (is_header_name(name) and isinstance(text, str)):
            yield "a header that is none"
        elif belongs_to_connection(name):
            yield f"the header {name}, which belongs to the connection"


def _find_wrong_account(account: Any) -> Iterator[str]:
    if not (_can_be_kept(account.id) and isinstance(account.label, str)):
        yield "an Account whose id or label is no text"


def _find_wrong_tokens(tokens: Any) -> Iterator[str]:
    if not _is_text(tokens.access_token):
        yield "Tokens without an access token"
    if tokens.refresh_token is not None and not _is_text(tokens.refresh_token):
        yield "Tokens whose refresh token is neither None nor a text"
    if tokens.expires_at is not None and not _is_moment(tokens.expires_at):
        yield "Tokens that end at a time without a zone"


def _find_wrong_quota(quota: Any) -> Iterator[str]:
    told = (quota.calls_per_second, quota.calls_a_day, quota.calls_used)
    # Kept and reckoned with beside those of all others: a number that cannot be would fail these as well.
    if any(each is not None and not (type(each) in {int, float} and 0 <= each < MOST_CALLS) for each in told):
        yield "a Quota that is no number of calls"
    if quota.resets_at is not None and not _is_moment(quota.resets_at):
        yield "a Quota that resets at a time without a zone"


_FAULTS: dict[type, Callable[[Any], Iterable[str]]] = {
    ListPage: _find_wrong_page,
    Page: _find_wrong_changes,
    Gap: _find_wrong_gap,
    dict: _find_wrong_watermark,
    str: _find_wrong_url,  # of find_host, the one step that gives a text
    Authorization: _find_wrong_authorization,
    Mapping: _find_wrong_headers,
    Account: _find_wrong_account,
    Tokens: _find_wrong_tokens,
    Quota: _find_wrong_quota,
}
