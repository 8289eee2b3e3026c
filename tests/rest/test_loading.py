"""Connector files as the service loads them: which are found, and what is refused of any of them."""

from __future__ import annotations

import pytest

from signalpost.connectors.registry import load_registry
from signalpost.model.errors import ConfigurationError
from signalpost.polling.dates import compile_pattern
from tests.rest.desk import write_desk
from tests.rest.every_field import write


def test_files_and_folders_are_loaded_and_a_key_counts_once(tmp_path):
    one = tmp_path / "one.toml"
    one.write_text(write())
    registry = load_registry(egnyte_url=None, files=[tmp_path], check_format=compile_pattern)
    assert registry.find("desk").name == "Desk"
    two = tmp_path / "two.toml"
    two.write_text("\n" + write())
    with pytest.raises(
        ConfigurationError, match=r"two\.toml:3: key: 'desk' is taken, it is that of .*one\.toml"
    ):
        load_registry(egnyte_url=None, files=[tmp_path], check_format=compile_pattern)


def test_what_the_service_judges_of_any_connector_holds_for_files_too(tmp_path):
    (tmp_path / "desk.toml").write_text(write().replace('name = "Desk"', 'name = " "'))
    with pytest.raises(ConfigurationError, match=r"desk\.toml: name: ' ' is no text"):
        load_registry(egnyte_url=None, files=[tmp_path], check_format=compile_pattern)


@pytest.mark.parametrize("name", ["missing.toml", "empty"])
def test_what_is_not_there_is_told(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=name):
        load_registry(egnyte_url=None, files=[tmp_path / name], check_format=compile_pattern)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / "desk.toml").write_text(write(), encoding="utf-8-sig")
    assert load_registry(egnyte_url=None, files=[tmp_path], check_format=compile_pattern).find("desk")


async def test_connectors_that_are_looked_for_are_listed_page_by_page(make_world, tmp_path):
    for key in ("desk", "helper", "post"):
        text = write_desk("http://127.0.0.1:1").replace('key = "desk"', f'key = "{key}"')
        (tmp_path / f"{key}.toml").write_text(text)
    async with make_world(connector_files=str(tmp_path), roles=frozenset()) as world:
        query = {"where": "hub = 'helpdesk' AND key != 'helper'", "pageSize": "1"}
        found = []
        while "nextPage" not in query or query["nextPage"]:
            answer = await world.client.get("/elements", params=query)
            assert answer.status_code == 200, answer.text
            found += [each["key"] for each in answer.json()]
            query["nextPage"] = answer.headers.get("Elements-Next-Page-Token", "")
        assert sorted(found) == ["desk", "post"]
