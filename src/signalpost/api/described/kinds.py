"""The few forms that schemas are put together from."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
URL: Schema = {"type": "string", "format": "uri"}
ID: Schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
UUID: Schema = {"type": "string", "format": "uuid"}
OBJECT: Schema = {"type": "object", "additionalProperties": True}
ANYTHING: Schema = {}


def maybe(schema: Schema) -> Schema:
    """Give the schema of what may be null as well."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*words: str) -> Schema:
    """Give the schema of one of several words."""
    return {"type": "string", "enum": list(words)}


def ref(name: str) -> Schema:
    """Name a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: Schema, **limits: Any) -> Schema:
    """Give the schema of a list."""
    return {"type": "array", "items": schema, **limits}


def shape(description: str, /, **properties: Schema) -> Schema:
    """Give the schema of an object that has all of these, and in later releases perhaps more."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


def wish(description: str, /, *required: str, **properties: Schema) -> Schema:
    """Give the schema of what is sent: what is unknown is ignored."""
    named = {"required": list(required)} if required else {}
    return {"type": "object", "description": description, "properties": properties, **named}
