"""Puts the OpenAPI document together: what the framework read from the routes, with all that it cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from signalpost.api.described.answers import SCHEMAS
from signalpost.api.described.bodies import BODIES
from signalpost.api.described.kinds import Schema, ref
from signalpost.api.described.operations import JSON, OPERATIONS, Operation
from signalpost.api.described.parameters import HEADERS, OF_OPERATIONS, PARAMETERS, REQUIRED
from signalpost.model.delivery import Format

REFUSALS = {
    400: "The request is wrong: a value is missing or wrong, the body is not JSON, or the provider refuses the code.",
    401: "Secrets are missing, malformed or wrong.",
    403: "The instance whose token it is, is disabled or must be authorised again; or it is not yours to see.",
    404: "There is no such thing, or it is another organization's; a search matches nothing.",
    408: "The body was not whole after 30 seconds.",
    409: "The present state does not allow it; or the first request with the same idempotency key still runs.",
    412: "The instance is not any more as `If-Match` has it.",
    413: "The body has more than 1,000,000 bytes.",
    415: "The body is declared as something else than JSON, or is compressed.",
    422: "The idempotency key came with another request.",
    429: "The calls that the provider allots to the account are used up.",
    500: "Our fault; or the provider cannot be reached now: nothing was kept.",
    502: "The provider's answer is not understood.",
    503: "The database is in trouble, or too many requests wait: send the same again.",
}
WAITS = {409, 429, 503}

MESSAGES = {
    400: "pageSize: '0' is not a whole number from 1 to 200",
    401: "the Authorization header is missing; send Authorization: User <user secret>, Organization <organization"
    " secret>[, Element <instance token>]",
    403: "instance 100001 is disabled; enable it with PUT /instances/100001/enabled",
    404: "there is no instance 100001",
    408: "the body is not whole after 30 s",
    409: "Idempotency-Key: the request that came first with it still runs, or was cut off within the last two minutes;"
    " send the same again in a moment",
    412: "If-Match: instance 100001 was changed since; read it again (GET /instances/100001), and send your change with"
    " the ETag it has now",
    413: "the body is larger than 1,000,000 bytes",
    415: "Content-Type: 'text/plain' is not taken; send application/json",
    422: "Idempotency-Key: it came with another request in the last 24 hours (method, path, query, body or instance"
    " token differ); give each request a key of its own",
    429: "the calls that the provider allots to the account are used up",
    500: "something went wrong here; the log has it under this requestId",
    502: "the provider's answer is not understood",
    503: "100 requests wait for their answers already; try again in a few seconds",
}

TAGS = {
    "elements": "Connectors, and the consent page of each.",
    "instances": "Connect, change, disable and delete instances; their configuration and signature keys.",
    "polling": "How polling stands; polls asked for and tried.",
    "events": "The event log, what became of each event, gaps, and the trial of a callback.",
    "deliveries": "Notifications and their attempts, sent again and replayed; the endpoint.",
    "hubs": "The provider's resources, read through an instance.",
    "schemas": "What receivers check bodies by.",
    "health": "Whether the service lives and is ready, and what it counts. Without the base path.",
}

SECRETS = {
    "secrets": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": (
            "`User <user secret>, Organization <organization secret>[, Element <instance token>]`, in any order;"
            " with an instance token `User` and `Element` are enough, and calls without an id act on its instance."
        ),
    },
    "metricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "`SIGNALPOST_METRICS_TOKEN`; not needed from a loopback address, unless through a proxy.",
    },
}


@cache
def read_examples() -> dict[str, dict[str, Any]]:
    """Read the examples: of each operation what was sent and answered (``tests/api/examples.py`` records them)."""
    text = (files("signalpost.api.described") / "examples.json").read_bytes()
    examples: dict[str, dict[str, Any]] = orjson.loads(text)
    return examples


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Complete a document that the framework made."""
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    document["info"]["description"] = (
        "Watches SaaS accounts and POSTs what changed. The API is that of Open Connectors: paths, fields and statuses"
        " that it has are the same. Answers may get further fields, unknown fields in bodies are ignored."
    )
    document["servers"] = [{"url": "/", "description": "this service"}]
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    for _, operation in list_operations(document):
        _complete(operation)
    document["components"] = {
        "schemas": {**SCHEMAS, **BODIES},
        "responses": _describe_refusals(),
        "securitySchemes": SECRETS,
        "headers": {
            name: {"description": text, "schema": schema, "example": example}
            for name, (text, schema, example) in HEADERS.items()
        },
    }
    return document


def list_operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the operations of a document, each with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _complete(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    known, examples = OPERATIONS[name], read_examples().get(name, {})
    operation["summary"] = name.replace("_", " ").capitalize()
    parameters = [each for each in operation.get("parameters", []) if each["name"] != "authorization"]
    for each in parameters:
        _complete_parameter(name, each)
    operation["parameters"] = parameters
    operation["security"] = [] if known.public else [*([{}] if known.anybody else []), {"secrets": []}]
    if name == "show_metrics":
        operation["security"] = [{}, {"metricsToken": []}]
    named = {each["name"] for each in parameters}
    if known.body is not None:
        schema = {"anyOf": [ref(known.body), {"type": "null"}]} if known.optional else ref(known.body)
        content = {"schema": schema, "example": examples.get("request", {})}
        operation["requestBody"] = {"content": {JSON: content}, "required": not known.optional}
    success = next(status for status in operation["responses"] if status.startswith("2"))
    answers = {
        success: _describe_success(known, named, examples, operation["responses"][success]["description"])
    }
    if "If-None-Match" in named:
        answers["304"] = {
            "description": "It is the same as `If-None-Match` has it.",
            "headers": _headers("Elements-Request-Id", "ETag"),
        }
    for status in sorted(_list_refusals(known, parameters)):
        of_health = status == 503 and known.answer == ref("Health")  # noqa: PLR2004 - not well
        answers[str(status)] = {
            "$ref": f"#/components/responses/{'NotWell' if of_health else f'Refused{status}'}"
        }
    operation["responses"] = answers


def _complete_parameter(operation: str, parameter: dict[str, Any]) -> None:
    name = parameter["name"]
    description, schema, example = OF_OPERATIONS.get((operation, name)) or PARAMETERS[name]
    parameter |= {"description": description, "schema": schema, "example": example}
    if operation == "read_schema":
        parameter["schema"] = {"type": "string", "enum": list(Format)}
    if (operation, name) in REQUIRED:
        parameter["required"] = True


def _list_refusals(known: Operation, parameters: list[dict[str, Any]]) -> set[int]:
    named = {each["name"] for each in parameters}
    found = {500, 503, *known.refusals}
    if not known.public:
        found |= {401, 403}
        if parameters or known.body:
            found.add(400)
        if known.tagged or "instance_id" in named or "If-Match" in named:
            found.add(404)
    if "Idempotency-Key" in named:
        found |= {408, 409, 413, 422}
    if "If-Match" in named:
        found.add(412)
    if known.body is not None:
        found |= {408, 413, 415}
    return found


def _describe_success(
    known: Operation, named: set[str], examples: dict[str, Any], description: str
) -> dict[str, Any]:
    headers = ["Elements-Request-Id"]
    if known.pages:
        headers += ["Elements-Returned-Count", "Elements-Next-Page-Token"]
    if known.tagged:
        headers.append("ETag")
    if "orderBy" in named:
        headers += ["Elements-Total-Count", "Elements-Element-Instance-Id"]
    if "Idempotency-Key" in named:
        headers.append("Idempotency-Replayed")
    content = {"schema": known.answer, "example": examples.get("response")}
    return {
        "description": description.replace("Successful Response", "It is done."),
        "headers": _headers(*headers),
        "content": {known.media: content},
    }


def _describe_refusals() -> dict[str, Any]:
    refusals = {}
    for status, meaning in REFUSALS.items():
        example = {"requestId": HEADERS["Elements-Request-Id"][2], "message": MESSAGES[status]}
        refusals[f"Refused{status}"] = _describe_refusal(status, meaning, ref("Error"), example)
    example = {
        "requestId": HEADERS["Elements-Request-Id"][2],
        "message": "database: it does not answer",
        "status": "not ready",
        "checks": {"database": {"ok": False, "reason": "it does not answer"}},
    }
    schema = {"anyOf": [ref("Health"), ref("Error")]}
    return refusals | {"NotWell": _describe_refusal(0, "It is not well.", schema, example)}


def _describe_refusal(status: int, meaning: str, schema: Schema, example: dict[str, Any]) -> dict[str, Any]:
    waits = ["Retry-After"] if status in WAITS else []
    return {
        "description": meaning,
        "headers": _headers("Elements-Request-Id", *waits),
        "content": {JSON: {"schema": schema, "example": example}},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
