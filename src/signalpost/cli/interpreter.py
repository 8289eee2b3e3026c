"""How the Python that runs us was compiled."""

from __future__ import annotations

import sysconfig


def is_optimised() -> bool:
    """Say whether this Python was compiled by what a profile of it told."""
    asked = sysconfig.get_config_var("CONFIG_ARGS") or ""
    # What a makefile would compile with once it has a profile; Debian, which does that by itself, leaves it empty.
    still_to_be_done = sysconfig.get_config_var("PGO_PROF_USE_FLAG")
    return "--enable-optimizations" in asked or not still_to_be_done
