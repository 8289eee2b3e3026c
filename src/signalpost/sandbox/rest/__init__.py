"""A small generated REST API: any collection, by every kind of authorisation and of pagination."""

from signalpost.sandbox.rest.server import RunningSandbox, run_sandbox, serve

__all__ = ["RunningSandbox", "run_sandbox", "serve"]
