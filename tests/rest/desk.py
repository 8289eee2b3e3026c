"""A declared connector for the generated API of the sandbox, by any authorisation and pagination."""

from __future__ import annotations

from typing import Any

AUTHS = {
    "none": 'kind = "none"',
    "header": 'kind = "header"\nheader = "X-Api-Key"',
    "query": 'kind = "query"\nparameter = "api_key"',
    "basic": 'kind = "basic"',
    "oauth2_code": 'kind = "oauth2_code"\nauthorize_url = "{url}/oauth/authorize"\ntoken_url = "{url}/oauth/token"\n'
    'scopes = ["tickets.read"]\npkce = true\nparameters = {access_type = "offline", prompt = "consent"}',
    "oauth2_client": 'kind = "oauth2_client"\ntoken_url = "{url}/oauth/token"',
}
PAGINATIONS = {
    "none": ("all", 'kind = "none"'),
    "page": ("page", 'kind = "page"\nsize_parameter = "size"\nsize = 2'),
    "offset": ("offset", 'kind = "offset"\nsize_parameter = "size"\nsize = 2\ntotal = "meta.total"'),
    "cursor": ("cursor", 'kind = "cursor"\nnext = "meta.next_cursor"\nsize_parameter = "size"\nsize = 2'),
    "after": ("after", 'kind = "after"\nlast = "meta.is_last"\nsize_parameter = "size"\nsize = 2'),
    "link": ("link", 'kind = "link"\nsize_parameter = "size"\nsize = 2'),
    "next_url": ("next", 'kind = "next_url"\nnext = "meta.next"\nsize_parameter = "size"\nsize = 2'),
}
APPLICATION = {"oauth.api.key": "key", "oauth.api.secret": "secret"}
CONFIGURATIONS: dict[str, dict[str, str]] = {
    "none": {},
    "header": {"api.key": "key-of-the-sandbox"},
    "query": {"api.key": "key-of-the-sandbox"},
    "basic": {"username": "user", "password": "password"},
    "oauth2_code": {**APPLICATION, "oauth.callback.url": "https://app.example.com/connected"},
    "oauth2_client": APPLICATION,
}


def write_desk(
    url: str, *, auth: str = "none", pagination: str = "page", more: str = "", method: str = "GET"
) -> str:
    """Write the file; ``more`` stands behind its resource."""
    first, pages = PAGINATIONS[pagination]
    kind = "oauth2" if auth.startswith("oauth2") else auth
    records = "" if pagination == "link" else "data.items"
    return f"""
key = "desk"
name = "Desk"
hub = "helpdesk"
base_url = "{url}/{kind}"

[auth]
{AUTHS[auth].replace("{url}", url)}

[account]
path = "/me"
method = "{method}"
id = "user.id"
label = "user.email"

[limits]
calls_per_second = 1000

[[resources]]
name = "tickets"
path = "/{first}/tickets"
method = "{method}"
records = "{records}"
id_field = "id"
updated_field = "updated_at"
created_field = "created_at"
labels = ["subject"]
{more}
[resources.pagination]
{pages}
"""


def write_request(listener_url: str, auth: str, **more: Any) -> dict[str, Any]:
    """Write what connects an instance that polls often."""
    return {
        "element": {"key": "desk"},
        "name": "The desk",
        "configuration": {
            **CONFIGURATIONS[auth],
            "event.notification.enabled": True,
            "event.notification.callback.url": listener_url,
            "event.notification.signature.key": "a signature key",
            "event.poller.refresh_interval": 0.2 / 60,
            **more,
        },
    }
