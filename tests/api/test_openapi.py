"""The OpenAPI document: complete, and true of what the API answers."""

from __future__ import annotations

import json
from collections import defaultdict
from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest
from pydantic import TypeAdapter

from signalpost.api.app import build_routes
from signalpost.api.bodies import Body
from signalpost.api.described import list_operations
from signalpost.api.described.bodies import BODIES
from signalpost.api.described.operations import OPERATIONS
from signalpost.api.described.parameters import OF_OPERATIONS, PARAMETERS
from signalpost.api.routing import BASE_PATH
from signalpost.delivery import stuck
from tests.api.answers import accepted, refused, with_token
from tests.api.walk import EXAMPLES, clean, walk
from tests.store.notified import add_notifications

DOCUMENT = build_routes().openapi()
ALL = dict(list_operations(DOCUMENT))
EXAMPLE_OF = json.loads(EXAMPLES.read_text())


def find(reference: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, if it is one."""
    found: Any = reference
    if "$ref" in reference:
        found = DOCUMENT
        for name in reference["$ref"].removeprefix("#/").split("/"):
            found = found[name]
    return found


def validate(schema: dict[str, Any], value: Any, document: dict[str, Any] = DOCUMENT) -> None:
    whole = {**schema, "components": {"schemas": document["components"]["schemas"]}}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def close(schema: Any) -> Any:
    """Give a schema that takes no field which is not described."""
    if isinstance(schema, list):
        return [close(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(each) for name, each in schema.items()}
    if "properties" in closed and "additionalProperties" not in closed:
        closed["unevaluatedProperties"] = False
    if "allOf" in closed:
        for each in closed["allOf"]:
            each.pop("unevaluatedProperties", None)
        closed["unevaluatedProperties"] = False
    return closed


def closed_document() -> dict[str, Any]:
    document = deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    whole = {
        each["$ref"].split("/")[-1] for s in schemas.values() for each in s.get("allOf", []) if "$ref" in each
    }
    for name in schemas:
        if name not in whole:
            schemas[name] = close(schemas[name])
    return document


def test_what_may_be_left_out_of_a_body_may_be_null():
    for schema in BODIES.values():
        for name, each in schema["properties"].items():
            if name not in schema.get("required", []):
                validate(each, None)
    for model in Body.__subclasses__():
        for field in model.model_fields.values():
            if not field.is_required():
                TypeAdapter(field.annotation).validate_python(None)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_query_parameter_of_one_value_that_is_given_twice_is_refused(still):
    """Or all but the last would go unread: more would be found, or released, than was asked for."""
    instance = await still.connect()
    for called, operation in ALL.items():
        method, path = called.replace(BASE_PATH, "").replace("{resource_path}", "users").split()
        path = path.format_map(defaultdict(lambda: instance["id"], key_or_id="egnyte"))
        for each in map(find, operation["parameters"]):
            name = each["name"]
            if each["in"] == "query" and each["schema"].get("type") != "array":
                headers = with_token(still, instance["token"])
                answer = await still.client.request(method, path, params={name: ["1", "1"]}, headers=headers)
                refused(answer, 400, name, "more than once")


CLOSED = closed_document()


def test_the_document_is_of_openapi_3_1_and_says_what_it_is_of():
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["info"]["description"]
    assert DOCUMENT["servers"]
    for each in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(each)


def test_what_is_described_exists_and_what_exists_is_described():
    names = [operation["operationId"] for operation in ALL.values()]
    assert sorted(names) == sorted(OPERATIONS)
    assert set(EXAMPLE_OF) == set(OPERATIONS)
    used = {each["name"] for operation in ALL.values() for each in operation["parameters"]}
    assert used == set(PARAMETERS)
    text = json.dumps(DOCUMENT)
    for name in (*DOCUMENT["components"]["schemas"], *BODIES):
        assert f"#/components/schemas/{name}" in text, name
    for name, parameter in OF_OPERATIONS:
        asked = next(each for each in ALL.values() if each["operationId"] == name)
        assert parameter in {each["name"] for each in asked["parameters"]}


@pytest.mark.parametrize("name", ALL)
def test_an_operation_lacks_nothing(name):
    operation = ALL[name]
    assert operation["summary"]
    assert operation["description"].endswith((".", ")"))
    assert set(operation["tags"]) <= {each["name"] for each in DOCUMENT["tags"] if each["description"]}
    for scheme in operation["security"]:
        assert set(scheme) <= set(DOCUMENT["components"]["securitySchemes"])
    assert operation["security"] or operation["tags"][0] in {"health", "schemas"}
    for parameter in operation["parameters"]:
        assert parameter["description"]
        validate(parameter["schema"], parameter["example"])
    if "requestBody" in operation:
        check_content(operation["requestBody"])
    statuses = [status for status in operation["responses"] if status.startswith("2")]
    assert len(statuses) == 1
    for status, reference in operation["responses"].items():
        answer = find(reference)
        assert answer["description"]
        headers = {name: find(header) for name, header in answer["headers"].items()}
        for header in headers.values():
            assert header["description"]
            validate(header["schema"], header["example"])
        assert "Elements-Request-Id" in headers
        if status != "304":
            check_content(answer)
        if status >= "4" and operation["tags"] != ["health"]:
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def check_content(described):
    [content] = described["content"].values()
    assert content["schema"] is not None
    assert "example" in content
    validate(content["schema"], content["example"])


@pytest.mark.parametrize("name", ALL)
def test_an_operation_names_the_refusals_that_it_can_have(name):
    operation = ALL[name]
    statuses = set(operation["responses"])
    assert {"500", "503"} <= statuses
    if operation["security"] == [{"secrets": []}]:
        assert {"401", "403"} <= statuses
    named = {each["name"] for each in operation["parameters"]}
    if "requestBody" in operation:
        assert {"400", "413", "415"} <= statuses
    if "Idempotency-Key" in named:
        assert {"400", "409", "422"} <= statuses
    if "If-Match" in named:
        assert {"400", "412"} <= statuses
    if "instance_id" in named:
        assert {"400", "404"} <= statuses
    assert ("304" in statuses) == ("If-None-Match" in named)


def test_every_post_that_makes_something_takes_an_idempotency_key():
    without = {
        name
        for name, operation in ALL.items()
        if name.startswith("POST")
        and "Idempotency-Key" not in {each["name"] for each in operation["parameters"]}
    }
    assert without == {
        f"POST {BASE_PATH}/elements/{{key_or_id}}/oauth/url",
        f"POST {BASE_PATH}/instances/{{instance_id}}/polls/preview",
    }


def test_every_list_is_bounded():
    for name, operation in ALL.items():
        status = next(each for each in operation["responses"] if each.startswith("2"))
        [content] = operation["responses"][status]["content"].values()
        for schema in (content["schema"], *content["schema"].get("oneOf", ())):
            if schema.get("type") == "array" and "configuration" not in name:
                assert schema["maxItems"] <= 50_000, name


async def test_real_answers_are_as_described_and_the_examples_as_they_are(world):
    """Strictly: no field that is not described. Every operation is asked."""
    way = await walk(world)
    assert set(way.kept) == set(OPERATIONS)
    by_id = {operation["operationId"]: operation for operation in CLOSED_OPERATIONS.values()}
    for name, answer in way.answers:
        described = by_id[name]["responses"][str(answer.status_code)]
        [(media, content)] = described["content"].items()
        assert answer.headers["content-type"].startswith(media)
        for header in described["headers"]:
            if header == "ETag" and name != "list_instances":
                assert header in answer.headers, name
        if "json" in media:
            validate(content["schema"], answer.json(), CLOSED)
    for name, kept in clean(way.kept, world).items():
        assert alike(EXAMPLE_OF[name], kept), name


@pytest.mark.asyncio(loop_scope="session")
async def test_a_release_gives_as_many_as_described(still):
    """All that it concerns at once, more than other lists give in a page."""
    instance = await still.connect()
    ids = await add_notifications(still.pool, instance["id"], ["dead"] * 201)
    path = "/notifications/subscriptions/deliveries"
    released = accepted(await still.client.put(path, params={"where": "status='dead'"}))
    assert [each["notificationId"] for each in released] == ids
    described = ALL[f"PUT {BASE_PATH}{path}"]["responses"]["200"]["content"]["application/json"]["schema"]
    validate(described, released)
    most = stuck.MOST_RELEASED - 1 + stuck.MOST_WAITING + stuck.MOST_DEAD
    assert described["maxItems"] == most


CLOSED_OPERATIONS = dict(list_operations(CLOSED))


def alike(one: Any, other: Any) -> bool:
    """Say whether two values have the same fields; null stands for anything, a list for its first entry."""
    if one is None or other is None:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return not one or not other or alike(one[0], other[0])
    return type(one) is type(other) or {type(one), type(other)} == {int, float}


@pytest.mark.asyncio(loop_scope="session")
async def test_the_service_gives_the_same_document_to_anybody(still):
    answer = await still.outside.get(f"{still.url}{BASE_PATH}/openapi.json")
    assert accepted(answer) == json.loads(json.dumps(DOCUMENT))
