"""A faithful local Egnyte: OAuth2, events, limits, and faults on order, steered by ``/_sandbox/``."""

from __future__ import annotations

from signalpost.sandbox.egnyte.scenario import load_scenario
from signalpost.sandbox.egnyte.server import RunningSandbox, build_app, run_sandbox, serve

__all__ = ["RunningSandbox", "build_app", "load_scenario", "run_sandbox", "serve"]
