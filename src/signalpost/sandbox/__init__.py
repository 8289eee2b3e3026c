"""Local stand-ins for providers, for demonstrations and tests. Nothing here reaches out."""
