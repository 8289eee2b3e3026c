"""What cannot be kept in a text is replaced, character by character, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.errors import replace_unusable

CHARACTERS = st.characters() | st.characters(categories=["Cs"]) | st.sampled_from("\0a \ufffd")


@given(st.text(CHARACTERS))
def test_nul_and_halves_of_a_character_are_replaced_and_all_else_stays(text):
    kept = "".join("\ufffd" if each == "\0" or "\ud800" <= each <= "\udfff" else each for each in text)
    assert replace_unusable(text) == kept
