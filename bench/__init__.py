"""Performance: each figure beside its limit, both measured in the same run."""
