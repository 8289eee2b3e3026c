"""Watches SaaS accounts and POSTs what changed: signed, in order, at least once."""

__version__ = "0.1.0"
