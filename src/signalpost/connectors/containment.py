"""Where a connector's code is called: whatever it raises, gives or waits for ends as an error of that connector.

Of what it raised only the kind is told and logged, with the lines of code that led there: its words may hold anything,
a secret among them.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, TypeVar

import orjson

from signalpost.connectors.base import Authorization, Connector, Quota
from signalpost.connectors.resource import ListPage
from signalpost.model.errors import ConnectorError, InvalidRequestError, SignalpostError, replace_unusable
from signalpost.model.event import Change, EventType, Gap, Page
from signalpost.model.instance import Account, Tokens
from signalpost.observe.logs import get_logger
from signalpost.outbound.deadlines import Deadlines

READ_SECONDS = 600.0
"""How long a connector may take for one step, as to read a page: that is several calls, with the waits before them."""

MOST_CALLS = 10**12
"""More calls are allotted to nobody."""

MOST_RECORDS = 100_000
"""Of one page, as many as are remembered of a resource: what reads millions keeps all that the process does waiting."""

FAULT = "the connector failed: "
"""How the message begins where it was no error made on purpose."""

Given = TypeVar("Given")

log = get_logger("connectors")


class contain:  # noqa: N801 - reads as the verb it is, in a with statement
    """Turn what a connector raises within the block, and should not, into a ConnectorError; ``step`` names what it did.

    A class, as there are six for each poll: by ``contextlib`` each takes three times as long.

    Raises:
        SignalpostError: the connector raised it on purpose; or ConnectorError in the place of anything else.
    """

    __slots__ = ("_step",)

    def __init__(self, step: str) -> None:
        self._step = step

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, SignalpostError) or not _is_fault(error):
            return
        name = type(error).__name__
        code = "".join(traceback.format_tb(where))
        log.error("connector.failed", step=self._step, kind=name, exception=code)
        message = f"{FAULT}{self._step} raised {name}"
        raise ConnectorError(message) from None


def _is_fault(error: BaseException) -> bool:
    """Say whether it is the connector that fails; else this process stops, or nobody waits for it any more."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and not task.cancelling()
    return isinstance(error, (Exception, SystemExit))


@contextmanager
def contain_configuration(connector: Connector, step: str) -> Iterator[None]:
    """Contain a step of which a configuration decides: what the connector fails at is told as wrong in that.

    Raises:
        InvalidRequestError: the connector says that a value is wrong; or it failed, which the message says.
    """
    try:
        with contain(step):
            yield
    except ConnectorError as error:
        message = f"configuration: {connector.name} cannot be had with it: {error}"
        raise InvalidRequestError(message) from error


def find_host_to_call(connector: Connector, configuration: Mapping[str, str]) -> str:
    """Have the connector say where its provider is, of an instance that is there.

    Raises:
        SignalpostError: as ``contain``; ConnectorError as well when it gave something else.
    """
    with contain("find_host"):
        return check("find_host", connector.find_host(configuration), str)


def find_host(connector: Connector, configuration: Mapping[str, str]) -> str:
    """The same of a configuration that somebody asks for, who is told what is wrong in it.

    Raises:
        InvalidRequestError: the connector says that a value is wrong; or it failed, which the message says.
    """
    with contain_configuration(connector, "find_host"):
        return find_host_to_call(connector, configuration)


async def guard(owner: Any, method: str, kind: type[Given], *arguments: Any, **named: Any) -> Given:
    """Call a ``method`` of what a connector gave, and check that it gives a sound ``kind``, ``READ_SECONDS`` at most.

    Raises:
        SignalpostError: as ``contain``; ConnectorError as well when it took too long, or gave something else.
    """
    step = f"{type(owner).__name__}.{method}"
    limit = _find_deadlines(asyncio.get_running_loop(), READ_SECONDS).start()
    with contain(step):
        try:
            with limit:
                given = await getattr(owner, method)(*arguments, **named)
        except TimeoutError:
            if not limit.has_passed:
                raise
            log.error("connector.failed", step=step, kind="hangs")  # noqa: TRY400 - nothing raised it
            message = f"the connector hangs: {step} gave nothing within {READ_SECONDS:g} s"
            raise ConnectorError(message) from None
        return check(step, given, kind)


@lru_cache(maxsize=1)
def _find_deadlines(_loop: asyncio.AbstractEventLoop, seconds: float) -> Deadlines:
    """Give the limits of all steps in this event loop, the only one that a process has."""
    return Deadlines(seconds)


def check(step: str, given: Any, kind: type[Given]) -> Given:
    """Check that what a connector gave is a sound ``kind``.

    Raises:
        ConnectorError: it is another kind, or something in it is; the message names it.
    """
    wrong = "" if isinstance(given, kind) else f"{type(given).__name__} in the place of {kind.__name__}"
    wrong = wrong or next(iter(_FAULTS[kind](given) if kind in _FAULTS else ()), "")
    if wrong:
        log.error("connector.failed", step=step, kind=wrong)
        message = f"{FAULT}{step} gave {wrong}"
        raise ConnectorError(message)
    return given  # type: ignore[no-any-return]


def _find_wrong_page(page: Any) -> Iterator[str]:
    if not isinstance(page.records, Sequence) or isinstance(page.records, (str, bytes)):
        yield f"a ListPage whose records are {type(page.records).__name__}"
    elif len(page.records) > MOST_RECORDS:
        yield f"a ListPage of more than {MOST_RECORDS:,} records"
    if page.next is not None and not _is_text(page.next):
        yield "a ListPage whose next is neither None nor a text"
    if page.total is not None and type(page.total) is not int:
        yield "a ListPage whose total is neither None nor a whole number"
    if type(page.complete) is not bool:
        yield "a ListPage whose complete is neither True nor False"


def _find_wrong_changes(page: Any) -> Iterator[str]:
    if not _is_watermark(page.watermark):
        yield "a Page whose watermark is no JSON object"
    if max(len(page.records), len(page.changes)) > MOST_RECORDS:
        yield f"a Page of more than {MOST_RECORDS:,} records"
    if not all(isinstance(each, str) for each in page.records):
        yield "a Page whose records are no texts"
    elif not all(map(_is_json, _pick_suspects(page.records))):
        yield "a Page with a record that is no JSON"
    if page.remark is not None and not _can_be_kept(page.remark):
        yield "a Page whose remark is no text that can be kept"
    for each in page.changes:
        if not isinstance(each, Change):
            yield f"a Page with {type(each).__name__} among its changes"
        else:
            yield from _find_wrong_change(each, len(page.records))


def _pick_suspects(records: Sequence[str]) -> Iterator[str]:
    """Pick the records to be read before they go into notifications as they are: reading all takes too long.

    What a connector writes wrongly it writes so in the first as well, but for what Python's own writer does with
    numbers that are none.
    """
    for place, record in enumerate(records):
        if not place or "NaN" in record or "Infinity" in record:
            yield record


def _find_wrong_change(change: Any, records: int) -> Iterator[str]:
    if not (_is_text(change.change_id) and all(map(_can_be_kept, (*change[:2], change.known_by)))):
        yield "a Change whose ids are no texts that can be kept"
    if not isinstance(change.event_type, EventType):
        yield "a Change whose event_type is no EventType"
    if not (_is_text(change.object_type) and _can_be_kept(change.object_type)):
        yield "a Change whose object_type is no text that can be kept"
    if not _is_moment(change.occurred_at):
        yield "a Change at a time without a zone"
    if type(change.record_index) is not int or not 0 <= change.record_index < records:
        yield "a Change of a record that is not in its Page"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _can_be_kept(value: object) -> bool:
    return isinstance(value, str) and replace_unusable(value) == value


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


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
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _find_wrong_gap(gap: Any) -> Iterator[str]:
    if not (_is_watermark(gap.from_watermark) and _is_watermark(gap.to_watermark)):
        yield "a Gap with a watermark that is no JSON object"
    if not _can_be_kept(gap.reason):
        yield "a Gap whose reason is no text that can be kept"


def _find_wrong_watermark(watermark: Any) -> Iterator[str]:
    if not _is_watermark(watermark):
        yield "a watermark that is no JSON object"


def _find_wrong_url(url: object) -> Iterator[str]:
    if not isinstance(url, str) or not url.lower().startswith(("https://", "http://")):
        yield "a URL that does not begin with https:// or http://"


def _find_wrong_authorization(authorization: Any) -> Iterator[str]:
    yield from _find_wrong_url(authorization.token_url)
    yield from _find_wrong_url(authorization.authorize_url or authorization.token_url)  # "": nobody consents


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
    Account: _find_wrong_account,
    Tokens: _find_wrong_tokens,
    Quota: _find_wrong_quota,
}
"""What finds what is wrong inside; values are never shown, for they may be secrets."""
