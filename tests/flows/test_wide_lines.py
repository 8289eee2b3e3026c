"""One line for each poll and each attempt, with all that is asked of one afterwards."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.support import until

POLL = {
    "event", "log_level", "part", "instance", "organization", "connector", "outcome", "error", "resources", "pages",
    "events", "gaps", "calls", "lag_ms", "duration_ms", "next_poll_at",
}  # fmt: skip
ATTEMPT = {
    "event", "log_level", "part", "instance", "notification", "attempt", "outcome", "status", "duration_ms", "lag_ms",
    "bytes", "events", "replay",
}  # fmt: skip


def lines(told, name, **facts):
    return [line for line in told if line["event"] == name and facts.items() <= line.items()]


async def test_polls_and_attempts_are_told_in_one_line_each(make_world):
    with capture_logs() as told:
        async with make_world() as world:
            instance = await world.connect()
            await world.wait_for_watermark(instance["id"])
            await world.change(25)
            await until(lambda: len(world.delivered()) == 25)
            await until(lambda: len(lines(told, "delivery.attempted")) == len(world.listener.received))
            await until(lambda: sum(line["events"] for line in lines(told, "poll.finished")) == 25)
    polls, attempts = lines(told, "poll.finished"), lines(told, "delivery.attempted")
    for line in polls:
        assert set(line) == POLL
        assert (line["instance"], line["connector"], line["outcome"]) == (instance["id"], "egnyte", "ok")
        assert line["log_level"] == ("info" if line["events"] else "debug")
        assert line["lag_ms"] >= 0
        assert line["resources"] == 1
        assert line["calls"] >= 1
    assert {line["log_level"] for line in polls} == {"info", "debug"}
    assert sum(line["events"] for line in attempts) == 25
    for line, received in zip(attempts, world.listener.received, strict=True):
        assert set(line) == ATTEMPT
        assert line["outcome"] == "delivered"
        assert (line["status"], line["attempt"], line["replay"]) == (200, 1, None)
        assert str(line["notification"]) == received["headers"]["webhook-id"]
        assert line["lag_ms"] >= line["duration_ms"] - 1
        assert line["bytes"] > 1000


async def test_a_poll_that_fails_names_the_kind_of_error_not_its_words(make_world):
    with capture_logs() as told:
        async with make_world() as world:
            instance = await world.connect()
            await world.wait_for_watermark(instance["id"])
            await world.control("POST", "faults", {"kind": "status", "status": 503, "times": 1})
            found = await until(lambda: lines(told, "poll.finished", outcome="failed"))
    assert found[0]["error"] == "RetryLaterError"
    assert found[0]["log_level"] == "info"
    assert found[0]["resources"] == 0


async def test_what_is_sent_again_is_marked_and_tells_no_lag(make_world):
    with capture_logs() as told:
        async with make_world() as world:
            instance = await world.connect()
            await world.wait_for_watermark(instance["id"])
            await world.change(1)
            await until(lambda: len(world.delivered()) == 1)
            attempt = (await until(lambda: lines(told, "delivery.attempted")))[0]
            answer = await world.client.post(f"/instances/{instance['id']}/replays", json={"sequence": 1})
            assert answer.status_code == 202, answer.text
            again = await until(
                lambda: [line for line in lines(told, "delivery.attempted") if line["replay"]]
            )
    assert again[0]["notification"] == attempt["notification"]
    assert again[0]["lag_ms"] is None
