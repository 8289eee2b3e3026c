"""Orders: what a person wants connected or changed, kept until the consent at the provider is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signalpost.instances.wishes import Wish
from signalpost.store.tokens import tokens_from_json, tokens_to_json


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants connected, or of an instance changed with a new consent.

    ``application`` is the name to save key and secret under, once they have proved good ("": not at all). With
    ``look_first`` nothing is made of the consent yet: the events of the account are looked at before.
    """

    wish: Wish
    application: str = ""
    look_first: bool = False
    application_id: int = 0
    """The saved application whose key and secret stand in the wish; 0: they were typed."""

    def to_json(self) -> dict[str, Any]:
        """Give it as it is kept (encrypted)."""
        wish = self.wish
        return {
            "connector": wish.connector,
            "name": wish.name,
            "tags": None if wish.tags is None else list(wish.tags),
            "configuration": None if wish.configuration is None else dict(wish.configuration),
            "tokens": None if wish.tokens is None else tokens_to_json(wish.tokens),
            "application": self.application,
            "lookFirst": self.look_first,
            "applicationId": self.application_id,
        }


def read_order(kept: Mapping[str, Any]) -> Order:
    """Read what ``Order.to_json`` gave."""
    tokens = kept.get("tokens")
    wish = Wish(
        connector=kept.get("connector"),
        name=kept.get("name"),
        tags=kept.get("tags"),
        configuration=kept.get("configuration"),
        tokens=None if tokens is None else tokens_from_json(tokens, 0),
    )
    return Order(
        wish, kept.get("application") or "", bool(kept.get("lookFirst")), kept.get("applicationId") or 0
    )
