"""What an e-mail address, a password and a name must be; what is wrong is told field by field. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from signalpost.model.errors import InvalidRequestError
from signalpost.model.lines import is_line

LEAST_PASSWORD = 12
MOST_PASSWORD = 200
MOST_TYPED = 4 * MOST_PASSWORD
"""A letter typed is four characters at most: no password is longer than this, however a keyboard composes it."""
MOST_EMAIL = 254
MOST_NAME = 100


class FormError(InvalidRequestError):
    """Fields are wrong: ``faults`` says of each, by its name, what would be right."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


def check_fields(**faults: str | None) -> None:
    """Raise FormError if any of the fields has a fault."""
    found = {name: fault for name, fault in faults.items() if fault}
    if found:
        raise FormError(found)


def find_fault_of_email(email: str) -> str | None:
    """Say what is wrong with an e-mail address. Whether it takes mail is not asked: we send none."""
    before, at, after = email.rpartition("@")
    plain = at and before and after and "@" not in before and not any(c.isspace() for c in email)
    if plain and email.isprintable() and len(email) <= MOST_EMAIL:
        return None
    return "The e-mail address must look like ada@example.com"


def find_fault_of_password(password: str, email: str) -> str | None:
    """Say what is wrong with a new password."""
    if len(password) < LEAST_PASSWORD:
        return f"The password must have {LEAST_PASSWORD} characters or more; several words in a row do well"
    if len(password) > MOST_PASSWORD:
        return f"The password must have {MOST_PASSWORD} characters at most"
    if password.strip().casefold() == email.strip().casefold():
        return "The password must be another one than the e-mail address"
    return None


def find_fault_of_name(name: str) -> str | None:
    """Say what is wrong with the name of an organization."""
    if len(name) <= MOST_NAME and is_line(name):
        return None
    return f"The name must have 1 to {MOST_NAME} characters, in one line"


def normalise_password(password: str) -> bytes:
    """Give a password as bytes: keyboards write the same letter in more than one way.

    What is longer than any password is cut, and so is none: to normalise a long text can take minutes.
    """
    return unicodedata.normalize("NFC", password[: MOST_TYPED + 1]).encode(errors="surrogatepass")
