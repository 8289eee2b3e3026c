"""The values of a statement that is written as it is asked for."""

from __future__ import annotations

from typing import Any


class Arguments(list[Any]):
    """Values in the order of a statement's parameters: the first is ``$1``."""

    def place(self, value: Any) -> str:
        """Add a value; give the parameter that stands for it."""
        self.append(value)
        return f"${len(self)}"
