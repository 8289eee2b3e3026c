"""Tokens that stand in URLs and forms: sealed for one purpose, for some time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from signalpost.store.vault import LONGEST_TOKEN, Vault

NOW = datetime(2026, 5, 28, tzinfo=UTC)
VAULT = Vault([Fernet.generate_key().decode()])


def test_a_token_is_good_for_its_purpose_and_its_time_alone():
    token = VAULT.seal_text("link", "of 7 ü", NOW)
    assert "=" not in token
    assert VAULT.unseal_text("link", token, NOW + timedelta(seconds=60), seconds=60) == "of 7 ü"
    assert VAULT.unseal_text("link", token, NOW + timedelta(seconds=61), seconds=60) is None
    assert VAULT.unseal_text("form", token, NOW, seconds=60) is None
    assert Vault([Fernet.generate_key().decode()]).unseal_text("link", token, NOW, seconds=60) is None


@pytest.mark.parametrize("token", ["", "a", "é", "=" * 8, "A" * (LONGEST_TOKEN + 1), "gAAAAA\x00", "a b"])
def test_what_is_no_token_opens_nothing(token):
    assert VAULT.unseal_text("link", token, NOW, seconds=60) is None


def test_one_letter_changed_opens_nothing_and_stored_secrets_are_no_tokens():
    token = VAULT.seal_text("link", "1", NOW)
    for place in range(0, len(token) - 1, 7):
        letter = "A" if token[place] != "A" else "B"
        changed = token[:place] + letter + token[place + 1 :]
        assert VAULT.unseal_text("link", changed, NOW, seconds=60) is None
    stored = VAULT.seal({"link": "1"}).decode()
    assert VAULT.unseal_text("link", stored, datetime.now(UTC), seconds=60) is None
