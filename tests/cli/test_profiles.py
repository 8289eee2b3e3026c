"""Which server is asked: profiles in a file of the user's alone, or the environment; secrets are never shown."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.cli.remote.settings import (
    Server,
    add_profile,
    list_profiles,
    load_server,
    make_server,
    read_profiles,
)
from signalpost.model.errors import ConfigurationError
from tests.cli.commands import run, start, write_profiles
from tests.full_disk import full_disk
from tests.processes import environment

URL, USER, ORGANIZATION = "https://post.example.com/base", "user-secret-1", "organization-secret-1"
PROFILE = f'url = "{URL}"\nuser_secret = "{USER}"\norganization_secret = "{ORGANIZATION}"\n'
SERVER = Server(URL, USER, ORGANIZATION)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("SIGNALPOST_URL", "SIGNALPOST_USER_SECRET", "SIGNALPOST_ORGANIZATION_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_a_profile_that_is_named_goes_before_the_environment_and_that_before_the_default(home, monkeypatch):
    write_profiles(home, f"[profiles.default]\n{PROFILE}[profiles.other]\n{PROFILE.replace('post', 'other')}")
    assert load_server(None) == SERVER
    assert load_server("other").url == "https://other.example.com/base"
    monkeypatch.setenv("SIGNALPOST_USER_SECRET", "another-secret")
    with pytest.raises(ConfigurationError, match="SIGNALPOST_ORGANIZATION_SECRET is missing"):
        load_server(None)
    monkeypatch.setenv("SIGNALPOST_ORGANIZATION_SECRET", ORGANIZATION)
    assert load_server(None) == Server("http://127.0.0.1:8080", "another-secret", ORGANIZATION)
    assert load_server("default") == SERVER
    assert list_profiles() == ["default", "other"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o660, 0o644])
def test_a_file_that_others_may_read_or_write_is_refused(home, mode):
    path = write_profiles(home, f"[profiles.default]\n{PROFILE}", mode)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        load_server(None)
    assert list_profiles() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no profile 'default' in .*signalpost login makes one"),
        (f"[profiles.other]\n{PROFILE}", "there are other"),
        ("[profiles.default]\nurl = 'x", r"is not TOML \(end of document"),
        (f"[profiles.default]\nuser_secret = {USER}", "is not TOML"),
        ("[profiles.default]\nuser_secret = " + "9" * 5_000, "is not TOML"),
        ("profiles = 3", "profiles is no table"),
        ("profiles.default = 3", r"\[profiles.default\] takes url, user_secret, organization_secret"),
        (f"[profiles.default]\n{PROFILE}token = 'x'", "not 'token'"),
        (f"[profiles.default]\nurl = '{URL}'", r"user_secret of \[profiles.default\] is missing"),
        (
            f"[profiles.default]\n{PROFILE.replace(USER, 'two words')}",
            r"user_secret of \[profiles.default\] is no secret",
        ),
        (f"[profiles.default]\n{PROFILE.replace(USER, 'line-1' + chr(92) + 'nline-2')}", "is no secret"),
        (f"[profiles.default]\n{PROFILE.replace('https', 'ftp')}", "must begin with http"),
        (f"[profiles.default]\n{PROFILE.replace('post', 'me:word@post')}", "user name or password"),
        (f"[profiles.default]\n{PROFILE.replace('/base', '?key=word')}", "must end with its path"),
    ],
)
def test_a_wrong_file_is_told_without_its_secrets(home, text, words):
    write_profiles(home, text)
    with pytest.raises(ConfigurationError, match=words) as told:
        load_server(None)
    assert not {"user-secret-1", "two words", "line-1", "word"} & set(str(told.value).split("'"))
    assert USER not in str(told.value)


def test_secrets_do_not_show_in_what_python_prints():
    assert USER not in repr(SERVER)
    assert ORGANIZATION not in repr(SERVER)


def test_the_base_path_of_the_api_may_stand_in_the_address():
    values = {"url": f"{URL}/elements/api-v2/", "user_secret": USER, "organization_secret": ORGANIZATION}
    assert make_server(values, dict.fromkeys(values, "x")) == SERVER


@given(st.from_regex(r"[!-+\--~]{8,60}", fullmatch=True))
def test_what_is_added_is_read_again(tmp_path_factory, secret):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("home")))
        server = Server(URL, secret, ORGANIZATION)
        path = add_profile("default", server)
        assert path.stat().st_mode & 0o777 == 0o600
        assert load_server(None) == server


def test_a_profile_is_added_behind_what_is_there_and_never_over_it(home):
    path = write_profiles(home, f"# mine\n[profiles.a]\n{PROFILE.rstrip()}")
    assert add_profile("b", SERVER) == path
    assert path.read_text().startswith("# mine\n[profiles.a]")
    assert set(read_profiles(path)) == {"a", "b"}
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="there is a profile 'b'"):
        add_profile("b", SERVER)
    with pytest.raises(ConfigurationError, match="no name of letters"):
        add_profile("b]\n[x", SERVER)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to others"):
        add_profile("c", SERVER)
    assert path.read_bytes() == before


@pytest.mark.parametrize("before", [b"", f"# mine\n[profiles.a]\n{PROFILE}".encode()])
def test_wherever_the_disk_becomes_full_the_file_stays_as_it_was(home, before):
    path = write_profiles(home, before.decode())
    add_profile("b", SERVER)
    after = path.read_bytes()
    path.write_bytes(before)
    for room in range(len(after)):
        with full_disk(room), pytest.raises(ConfigurationError, match=f"{path} cannot be written: File too"):
            add_profile("b", SERVER)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]
    with full_disk(len(after)):
        add_profile("b", SERVER)
    assert path.read_bytes() == after


def test_those_who_add_at_once_lose_nothing(home):
    names = [f"p{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda name: add_profile(name, SERVER), names))
    assert paths == {home / "signalpost" / "profiles.toml"}
    assert list_profiles() == sorted(names)


def test_the_file_keeps_its_place_its_owner_and_its_mode(home):
    path = write_profiles(home, f"[profiles.a]\n{PROFILE}", 0o700)
    kept = path.rename(home / "kept.toml")
    path.symlink_to(kept)
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()
    os.chown(kept, owner, -1)
    add_profile("b", SERVER)
    assert path.readlink() == kept
    assert (kept.stat().st_mode & 0o777, kept.stat().st_uid) == (0o700, owner)
    assert list_profiles() == ["a", "b"]


@pytest.mark.asyncio(loop_scope="session")
async def test_login_on_a_full_disk_says_so_and_changes_nothing(still, home):
    path = write_profiles(home, f"[profiles.mine]\n{PROFILE}")
    env = {**environment(), "XDG_CONFIG_HOME": str(home)}
    with full_disk(path.stat().st_size + 10):
        process = await start("login", "--url", still.url, env=env)
    out, err = await process.communicate(json.dumps(still.secrets).encode())
    assert (process.returncode, out) == (1, b"")
    assert err.decode() == f"signalpost: {path} cannot be written: File too large\n"
    assert path.read_text() == f"[profiles.mine]\n{PROFILE}"


@pytest.mark.asyncio(loop_scope="session")
async def test_login_keeps_what_works_and_nothing_else(still, home):
    env = {**environment(), "XDG_CONFIG_HOME": str(home)}
    secrets = json.dumps(still.secrets)
    wrong = await run(
        "login",
        "--url",
        still.url,
        env=env,
        stdin=secrets.replace(still.secrets["userSecret"], "wrong-secret"),
    )
    assert (wrong.code, (home / "signalpost").exists()) == (4, False)
    odd = await run("login", "--url", still.url, env=env, stdin="{}")
    assert (odd.code, "is not {" in odd.err) == (1, True)
    kept = await run("login", "--url", still.url, "--profile", "here", env=env, stdin=secrets)
    assert kept.code == 0, kept.err
    listed = await run("instances", "list", "--profile", "here", "--json", env=env)
    assert (listed.code, listed.out) == (0, "")
    for ran in (wrong, odd, kept, listed):
        assert still.secrets["userSecret"] not in ran.out + ran.err
