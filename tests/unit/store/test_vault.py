"""Tokens that stand in URLs and forms: sealed for one purpose, for some time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from signalpost.model.errors import ConfigurationError
from signalpost.store.vault import LONGEST_TOKEN, Vault, keep_key

NOW = datetime(2026, 5, 28, tzinfo=UTC)
VAULT = Vault([Fernet.generate_key().decode()])


def test_a_token_is_good_for_its_purpose_and_its_time_alone():
    token = VAULT.seal_text("link", "of 7 ü", NOW)
    assert "=" not in token
    assert VAULT.unseal_text("link", token, NOW + timedelta(seconds=60), seconds=60) == "of 7 ü"
    assert VAULT.unseal_text("link", token, NOW + timedelta(seconds=61), seconds=60) is None
    assert VAULT.unseal_text("form", token, NOW, seconds=60) is None
    assert Vault([Fernet.generate_key().decode()]).unseal_text("link", token, NOW, seconds=60) is None


def test_what_is_derived_is_the_same_for_the_same_purpose_text_and_key_alone():
    derived = VAULT.derive("code verifier", "of 7 ü")
    assert re.fullmatch(r"[\w-]{43}", derived, re.ASCII)  # what RFC 7636, 4.1, asks for
    assert derived == VAULT.derive("code verifier", "of 7 ü")
    another = Vault([Fernet.generate_key().decode()])
    others = [
        VAULT.derive("link", "of 7 ü"),
        VAULT.derive("code verifier", "of 8"),
        another.derive("code verifier", "of 7 ü"),
    ]
    assert len({derived, *others}) == 4


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


def test_a_key_is_made_once_and_found_again(tmp_path):
    path = tmp_path / "new" / "encryption-key"
    key = keep_key(path)
    assert keep_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("place", ["file/encryption-key", "file", "folder"])
def test_a_key_that_can_be_neither_read_nor_made_is_told_with_what_to_do(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    path = tmp_path / place
    with pytest.raises(ConfigurationError, match=re.escape(str(path))) as caught:
        keep_key(path)
    assert "SIGNALPOST_ENCRYPTION_KEYS" in str(caught.value) or "from your backup" in str(caught.value)


@pytest.mark.parametrize("kept", [b"", b"short", b"\xff\xfe"])
def test_a_kept_key_that_is_none_is_told_by_its_file(tmp_path, kept):
    path = tmp_path / "encryption-key"
    path.write_bytes(kept)
    with pytest.raises(ConfigurationError, match=f"{re.escape(str(path))} holds no encryption key") as caught:
        keep_key(path)
    assert "SIGNALPOST_ENCRYPTION_KEYS" not in str(caught.value)
    assert path.read_bytes() == kept
