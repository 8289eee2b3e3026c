"""The steps of a poll and a delivery at which the fault harness kills, raises or cuts, and where each stands in the code.

``faulty`` places them in a service that it runs; ``scenarios`` brings each about. The product knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any


class When(StrEnum):
    """Where a fault strikes: before the method, after it, amid it (its statement is sent, and goes on), or before one
    that runs amid a transaction.
    """

    BEFORE = "before"
    AFTER = "after"
    AMID = "amid"
    INSIDE = "inside"


class Kind(StrEnum):
    """What strikes: SIGKILL, an exception that nobody expects, a lost connection to the database, its disk full."""

    KILL = "kill"
    ERROR = "error"
    CUT = "cut"
    FULL = "full"


class Situation(StrEnum):
    """What must go on for a step to be met (``situations``)."""

    CHANGES = "changes"
    RENEWAL = "renewal"
    GAP = "gap"
    REFUSAL = "refusal"
    REPLAY = "replay"
    RETENTION = "retention"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Step:
    """A place in the code. ``owner`` None: the method is a function of the module."""

    name: str
    what: str
    module: str
    owner: str | None
    method: str
    when: When
    situation: Situation = Situation.CHANGES

    def find_holder(self) -> Any:
        """Give the class or module whose method it is."""
        module = import_module(self.module)
        return module if self.owner is None else getattr(module, self.owner)

    def find_method(self) -> Callable[..., Any]:
        """Give the method.

        Raises:
            AttributeError: it was renamed; the registry must follow.
        """
        found: Callable[..., Any] = getattr(self.find_holder(), self.method)
        return found


BEFORE, AFTER, AMID, INSIDE = When

POLLS = "signalpost.store.polls", "Polls"
LANES = "signalpost.store.deliveries", "Deliveries"
QUEUE = "signalpost.store.queue", "Queue"
EVENTS = "signalpost.store.events", "Events"
GAP = "signalpost.store.notices", None
WAITING = "signalpost.store.waiting", "Waiting"
TOKENS = "signalpost.instances.tokens", "InstanceTokens"
TOKEN_LOCK = "signalpost.store.tokens", "TokenLock"
NOTICES = "signalpost.store.notices", "Notices"
REPLAYS = "signalpost.store.replays", "Replays"
SENDER = "signalpost.delivery.attempts", "Sender"
RETENTION = "signalpost.store.retention", "Retention"

POLLING = (
    Step("poll-due", "the tick is about to take due polls", *POLLS, "claim_due", BEFORE),
    Step("poll-claimed", "the tick took a poll, no job yet", *QUEUE, "hand_out_polls", BEFORE),
    Step("poll-enqueued", "the poll's job is in the queue", *QUEUE, "hand_out_polls", AFTER),
    Step("poll-taken", "a worker took the job", "signalpost.polling.poller", "Poller", "poll", BEFORE),
    Step("poll-loading", "what the poll needs is about to be loaded", *POLLS, "_load_all", BEFORE),
    Step("poll-loaded", "what the poll needs is loaded", *POLLS, "_load_all", AFTER),
    Step(
        "token-asked",
        "the token's row is locked, the provider not asked yet",
        *TOKENS,
        "_refresh",
        BEFORE,
        Situation.RENEWAL,
    ),
    Step(
        "token-answered",
        "the provider gave a new token, nothing is stored",
        *TOKEN_LOCK,
        "replace",
        BEFORE,
        Situation.RENEWAL,
    ),
    Step(
        "token-written",
        "the token is written, not committed",
        *TOKEN_LOCK,
        "replace",
        AFTER,
        Situation.RENEWAL,
    ),
    Step("token-stored", "the token is stored", *TOKENS, "_renew", AFTER, Situation.RENEWAL),
    Step(
        "page-asked",
        "a page is about to be asked for",
        "signalpost.connectors.egnyte.feeds",
        "EventFeed",
        "read",
        BEFORE,
    ),
    Step("page-read", "a page is read", "signalpost.connectors.egnyte.feeds", "EventFeed", "read", AFTER),
    Step("page-compared", "the page is compared with the log", *EVENTS, "find_stored", AFTER),
    Step("commit-begins", "before the commit of a page", *EVENTS, "commit_page", BEFORE),
    Step(
        "commit-sent",
        "it is sent, not answered: nobody knows what becomes of it",
        *EVENTS,
        "commit_page",
        AMID,
    ),
    Step("commit-done", "the page is committed, its lane has no job", *EVENTS, "commit_page", AFTER),
    Step("lane-woken", "the page's lane is begun, or has its job", *QUEUE, "wake_lane", AFTER),
    Step("page-done", "between two pages", "signalpost.polling.pages", "Position", "commit", AFTER),
    Step("gap-begins", "before the commit of a gap", *EVENTS, "commit_gap", BEFORE, Situation.GAP),
    Step("gap-written", "amid it: gap and watermark, no notice", *GAP, "add_notice", INSIDE, Situation.GAP),
    Step("gap-done", "the gap is committed", *EVENTS, "commit_gap", AFTER, Situation.GAP),
    Step("poll-ends", "all pages are read, the end is not recorded", *POLLS, "_finish_all", BEFORE),
    Step("poll-ended", "the poll's end is recorded", *POLLS, "_finish_all", AFTER),
    Step(
        "poll-left",
        "the job is done, not taken off the queue",
        "signalpost.polling.poller",
        "Poller",
        "poll",
        AFTER,
    ),
)

DELIVERING = (
    Step("lane-due", "the tick is about to take due lanes", *LANES, "claim_due", BEFORE),
    Step("lane-claimed", "a due lane has no job yet", *QUEUE, "enqueue_deliveries", BEFORE, Situation.RETRY),
    Step(
        "lane-enqueued",
        "a due lane's job is in the queue",
        *QUEUE,
        "enqueue_deliveries",
        AFTER,
        Situation.RETRY,
    ),
    Step("lane-taken", "a worker took the job", "signalpost.delivery.lane", "Lanes", "work", BEFORE),
    Step("lease-begins", "before the lease is written", *LANES, "_claim_all", BEFORE),
    Step("lease-done", "the lease is written", *LANES, "_claim_all", AFTER),
    Step("lane-loading", "what waits is about to be loaded", *WAITING, "load_pending", BEFORE),
    Step("lane-loaded", "what waits is loaded", *WAITING, "load_pending", AFTER),
    Step("post-begins", "before the POST", *SENDER, "send", BEFORE),
    Step(
        "post-answered",
        "the answer is here, not judged",
        "signalpost.delivery.egress",
        "Egress",
        "post",
        AFTER,
    ),
    Step("post-done", "after the POST, before its record", *SENDER, "send", AFTER),
    Step("record-begins", "before a batch of records is written", *LANES, "_record_all", BEFORE),
    Step("record-done", "the records are written, nobody knows yet", *LANES, "_record_all", AFTER),
    Step("release-begins", "before the lane is given back", *LANES, "_release_all", BEFORE),
    Step("release-done", "the lane is given back", *LANES, "_release_all", AFTER),
    Step("lane-left", "the job is done, not taken off", "signalpost.delivery.lane", "Lanes", "work", AFTER),
    Step(
        "heartbeat", "before the worker's sign of life", "signalpost.store.workers", "Workers", "beat", BEFORE
    ),
    Step(
        "revival-begins",
        "five in a row are refused, they do not wait again yet",
        *WAITING,
        "revive_refused",
        BEFORE,
        Situation.REFUSAL,
    ),
    Step(
        "revival-done",
        "they wait again, the last attempt is not recorded",
        *WAITING,
        "revive_refused",
        AFTER,
        Situation.REFUSAL,
    ),
)

BESIDES = (
    Step("notice-claimed", "a notice is taken, not sent", *NOTICES, "claim_due", AFTER, Situation.GAP),
    Step("notice-sent", "the notice is told, not removed", *NOTICES, "remove", BEFORE, Situation.GAP),
    Step("notice-removed", "the notice is removed", *NOTICES, "remove", AFTER, Situation.GAP),
    Step("replay-due", "the tick took a due replay", *REPLAYS, "claim_due", AFTER, Situation.REPLAY),
    Step("replay-claimed", "it has no job yet", *QUEUE, "enqueue_replays", BEFORE, Situation.REPLAY),
    Step("replay-enqueued", "its job is in the queue", *QUEUE, "enqueue_replays", AFTER, Situation.REPLAY),
    Step("replay-leasing", "before its lease is written", *REPLAYS, "claim", BEFORE, Situation.REPLAY),
    Step("replay-leased", "its lease is written", *REPLAYS, "claim", AFTER, Situation.REPLAY),
    Step("replay-loaded", "what it sends is loaded", *REPLAYS, "load_next", AFTER, Situation.REPLAY),
    Step("replay-post-begins", "before its POST", *SENDER, "send", BEFORE, Situation.REPLAY),
    Step(
        "replay-post-done", "after its POST, before the record", *REPLAYS, "record", BEFORE, Situation.REPLAY
    ),
    Step("replay-recorded", "its attempt is recorded", *REPLAYS, "record", AFTER, Situation.REPLAY),
    Step("replay-release", "before it is given back", *REPLAYS, "release", BEFORE, Situation.REPLAY),
    Step("replay-left", "it is given back", *REPLAYS, "release", AFTER, Situation.REPLAY),
    Step("retention-begins", "before a run of retention", *RETENTION, "tidy", BEFORE, Situation.RETENTION),
    Step(
        "retention-batch",
        "a batch is removed, the walk goes on",
        "signalpost.store.retention",
        "Walk",
        "go",
        AFTER,
        Situation.RETENTION,
    ),
    Step("retention-done", "after a run of retention", *RETENTION, "tidy", AFTER, Situation.RETENTION),
)

KINDS = (Kind.KILL, Kind.ERROR, Kind.CUT)
"""What strikes at every step."""

STEPS = {step.name: step for step in (*POLLING, *DELIVERING, *BESIDES)}
