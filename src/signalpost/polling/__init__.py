"""Finding what changed: when to poll, what was read, which events it becomes."""
