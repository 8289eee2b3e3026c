"""The people of the simulated domain: fixed, one of each kind that Egnyte knows."""

from __future__ import annotations

from dataclasses import dataclass

from signalpost.sandbox.fields import refuse_field


@dataclass(frozen=True, slots=True)
class User:
    """One account. ``kind`` is Egnyte's ``user_type``."""

    id: int
    username: str
    kind: str

    @property
    def email(self) -> str:
        """The address, at a domain that can never receive mail."""
        return f"{self.username}@example.com"

    @property
    def full_name(self) -> str:
        """The name that is shown."""
        return f"Sandbox {self.username.capitalize()}"


USERS: tuple[User, ...] = (
    User(1, "admin", "admin"),
    User(7, "power", "power"),
    # Egnyte's ids exceed 32 bits (egnyte-api.md section 5): one of ours does too.
    User(12_824_215_695, "standard", "standard"),
)
BY_ID = {user.id: user for user in USERS}
BY_USERNAME = {user.username: user for user in USERS}


def find_user(username: str) -> User:
    """Give the user of that name.

    Raises:
        InvalidRequestError: there is none.
    """
    user = BY_USERNAME.get(username)
    if user is None:
        raise refuse_field("username", username, f"one of {', '.join(BY_USERNAME)}")
    return user
