"""singer-sdk: a tap of the events, to be piped into a target."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import requests
from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import BaseAPIPaginator

PAGE_SIZE = 100


class AfterLatest(BaseAPIPaginator[int]):
    """The next page follows the latest event of this one; a page that is not full is the last."""

    def has_more(self, response: requests.Response) -> bool:
        return response.status_code == HTTPStatus.OK and response.json()["count"] == PAGE_SIZE

    def get_next(self, response: requests.Response) -> int:
        return int(response.json()["latest_id"])


class Events(RESTStream[int]):
    name = "events"
    path = "/pubapi/v2/events"
    primary_keys = ("id",)
    records_jsonpath = "$.events[*]"
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("timestamp", th.DateTimeType),
        th.Property("actor", th.IntegerType),
        th.Property("type", th.StringType),
        th.Property("action", th.StringType),
        th.Property("data", th.ObjectType(additional_properties=True)),
        th.Property("action_source", th.StringType),
        th.Property("object_detail", th.StringType),
        th.Property("eventTypeSpecificAttributes", th.ObjectType(additional_properties=True)),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return str(self.config["url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["token"])

    def get_new_paginator(self) -> AfterLatest:
        return AfterLatest(0)

    def get_url_params(self, _context: Any, next_page_token: int | None) -> dict[str, Any]:
        return {"id": next_page_token or 0, "count": PAGE_SIZE}

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        return super().parse_response(response) if response.status_code == HTTPStatus.OK else ()


class EventsTap(Tap):
    name = "tap-egnyte"
    message_writer_class = MsgSpecWriter
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        return [Events(self)]


if __name__ == "__main__":
    EventsTap.cli()
