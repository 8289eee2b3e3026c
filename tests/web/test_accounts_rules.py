"""Rules of accounts that need no database."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher

from signalpost.accounts.passwords import MOST_WAITING, Passwords
from signalpost.accounts.rules import find_fault_of_email, find_fault_of_name, find_fault_of_password
from signalpost.accounts.signin import name_person, name_place
from signalpost.model.errors import TooManyError
from signalpost.model.member import Role
from signalpost.web.routes.me import name_browser
from signalpost.web.visits import read_own_path


@pytest.mark.parametrize(
    ("email", "is_right"),
    [
        ("ada@example.com", True),
        ("admin@localhost", True),
        ("ada", False),
        ("@example.com", False),
        ("ada@", False),
        ("a@b@c", False),
        ("ada @example.com", False),
        ("ada\u202e@example.com", False),
        ("a" * 250 + "@b.cd", False),
    ],
)
def test_an_e_mail_address_is_one_line_around_one_at_sign(email, is_right):
    assert (find_fault_of_email(email) is None) is is_right


@pytest.mark.parametrize(
    ("password", "is_right"),
    [("x" * 11, False), ("x" * 12, True), ("x" * 200, True), ("x" * 201, False), ("ADA@example.com", False)],
)
def test_a_password_has_12_to_200_characters_and_is_not_the_address(password, is_right):
    assert (find_fault_of_password(password, "ada@example.com") is None) is is_right


@pytest.mark.parametrize(
    ("name", "is_right"),
    [("Acme", True), ("株式会社\u3000山田", True), ("", False), ("a\nb", False), ("x" * 101, False)],
)
def test_a_name_is_one_line(name, is_right):
    assert (find_fault_of_name(name) is None) is is_right


def test_failures_are_counted_for_a_person_and_for_a_network():
    assert name_person("ada@example.com") != name_person("bea@example.com")
    assert name_place("2001:db8::1") == name_place("2001:db8::ffff:1")
    assert name_place("2001:db8::1") != name_place("2001:db8:0:1::1")
    assert name_place("192.0.2.1") != name_place("192.0.2.2")
    assert name_place("") != name_place("192.0.2.1")
    # As a socket shows it that takes IPv6 and IPv4.
    assert name_place("::ffff:192.0.2.1") == name_place("192.0.2.1")
    assert name_place("::ffff:192.0.2.1") != name_place("::ffff:192.0.2.2")


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/events?path=%2Fa&b=c", "/events?path=%2Fa&b=c"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/" + "a" * 2000, "/"),
    ],
)
def test_nobody_is_led_to_another_site(path, own):
    assert read_own_path(path) == own


def test_each_role_may_what_those_below_may():
    assert [[role.covers(other) for other in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("python-httpx/0.28", "python-httpx/0.28"),
        ("", "unknown"),
    ],
)
def test_browsers_are_named_in_words(agent, name):
    assert name_browser(agent) == name


async def test_a_password_costs_in_service_what_rfc_9106_recommends_second():
    assert (await Passwords().hash("four words in a row")).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_passwords_are_verified_few_at_once_and_only_so_many_wait():
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=1024))
    hashed = await passwords.hash("four words in a row")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, "four words in a row")
    assert not await passwords.verify(hashed, "other words in a row")
    assert not await passwords.verify(None, "nobody has this password")
    assert not await passwords.verify("none", "four words in a row")
    answers = await asyncio.gather(
        *[passwords.verify(hashed, "four words in a row") for _ in range(MOST_WAITING + 5)],
        return_exceptions=True,
    )
    assert sum(isinstance(answer, TooManyError) for answer in answers) == 5
    assert answers.count(True) == MOST_WAITING
