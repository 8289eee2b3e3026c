"""Read models: what pages show, read at once, each bounded by an index or a limit. Nothing is changed here."""
