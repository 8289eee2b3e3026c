"""The schemas of the bodies, as the API gives them."""

from __future__ import annotations

import jsonschema_rs
import pytest

from signalpost.delivery.formats import CONTENT_TYPES
from signalpost.model.delivery import Format
from tests.api.answers import accepted, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_schemas_are_listed_to_anybody(still):
    answer = await still.outside.get(f"{still.url}/elements/api-v2/schemas")
    assert accepted(answer) == [
        {"name": form.value, "contentType": content_type} for form, content_type in CONTENT_TYPES.items()
    ]


@pytest.mark.parametrize("name", Format)
async def test_a_schema_is_given_to_anybody_and_is_one(still, name):
    answer = await still.outside.get(f"{still.url}/elements/api-v2/schemas/{name}")
    schema = accepted(answer)
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:signalpost:schema:{name}"
    jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize(
    "name", ["soap", "OPEN-CONNECTORS", "..%2Fschemas%2Fcloudevents", "cloudevents.json", "%00"]
)
async def test_an_unknown_schema_is_not_found_and_those_known_are_named(still, name):
    answer = await still.outside.get(f"{still.url}/elements/api-v2/schemas/{name}")
    words = ["open-connectors, cloudevents, standard-webhooks"] if "%2F" not in name else []
    refused(answer, 404, *words)
