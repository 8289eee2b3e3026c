"""Accounts of the console: passwords, sessions, invitations. Who may call what is decided here, not in pages."""
