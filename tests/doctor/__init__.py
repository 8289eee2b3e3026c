"""Each misconfiguration made for real, and what doctor says of it."""
