"""``signalpost`` with a shorter grace, run as a program by tests that kill it.

A poll that a kill interrupts is handed out again after 15 s. With a kill every second or two, a service that is
otherwise the same would lie idle in all lives but the first, and the kills would hit nothing.
"""

from __future__ import annotations

from signalpost.cli import main
from signalpost.polling import scheduler

GRACE_SECONDS = 1.0
PROGRAM = (__file__,)

if __name__ == "__main__":
    scheduler.POLL_GRACE_SECONDS = GRACE_SECONDS
    scheduler.LANE_GRACE_SECONDS = GRACE_SECONDS
    main()
