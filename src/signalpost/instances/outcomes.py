"""What came of a consent, or of a form sent twice, in words. Pure."""

from __future__ import annotations

from datetime import datetime

from signalpost.model.errors import ConflictError, RequestError, UnavailableError
from signalpost.store.connections import Connection

LONGEST_WORDS = 500

GONE = "what this consent was for was withdrawn meanwhile; nothing was connected"
SENT_ALREADY = (
    "this form was sent before, and its instance is made already or at this moment: look under Instances;"
    " for another instance, begin a new form at Connectors"
)


def describe_failure(name: str, error: RequestError) -> str:
    """Say why nothing was made of a consent at the provider called ``name``: our words, then in a line its own."""
    words = str(error).removeprefix("providerData.code: ")
    if isinstance(error, ConflictError):
        words = words.replace("it authorises", "the consent is for", 1)
    elif words == f"{name} did not accept it":
        words = (
            f"{name} did not accept the consent: most often key or secret of the application are wrong, or its"
            " redirect URL is another one"
        )
    elif isinstance(error, UnavailableError):
        words = f"{name} cannot answer now, so nothing was made or changed"
    return f"{clean_words(words)}\n{clean_words(error.provider_message or '')}"


def clean_words(words: str) -> str:
    """Give words from elsewhere as one line that rows take."""
    return "".join(each if each.isprintable() else " " for each in words)[:LONGEST_WORDS]


def say_why_not(connection: Connection, now: datetime) -> str:
    """Say why a connection cannot be taken."""
    if connection.expires_at <= now:
        return "what this consent was for has expired, and nothing was connected; begin again"
    if not connection.wish:
        return "what came of this consent was deleted since; begin again"
    words = "this consent is used already, in another window or by another person; it counts once"
    if connection.taken_at is not None and connection.made_instance_id is None:
        words += ". If nothing comes of it within five minutes, the service was stopped amid it: consent again then"
    return words
