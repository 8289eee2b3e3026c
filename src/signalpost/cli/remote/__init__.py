"""The commands that ask a running service, here or elsewhere, by its API: what they share."""
