"""Holding an authenticated instance: its life from connecting to deletion, OAuth2, tokens."""
