"""What a person does at the provider's consent page, and in the form that leads there."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import httpx

NEW = "/instances/new?connector=egnyte"


def fields_of(page: str) -> dict[str, list[str]]:
    """Read the fields of the form as a browser would send them."""
    form = page[page.index('<form id="form"') :]
    form = form[: form.index("</form>")]
    sent: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        found = {key: unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if "name" not in found or (
            found.get("type") in {"checkbox", "radio"} and not re.search(r"\schecked\b", tag)
        ):
            continue
        sent.setdefault(found["name"], []).append(found.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        sent[name] = [unescape(text)]
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name] = [unescape(chosen[1])]
    return sent


def fill(world, page: str, **given: object) -> dict[str, object]:
    """Give the form of a page filled in for the sandbox."""
    own = {
        "name": "Acme Legal",
        "configuration.subdomain": "acme",
        "configuration.oauth.api.key": "key",
        "configuration.oauth.api.secret": "secret",
        "configuration.event.notification.callback.url": world.listener.url,
        "configuration.event.notification.signature.key": "a signature key",
        "configuration.event.poller.refresh_interval": "0.01",
        "do": "create",
    }
    return fields_of(page) | own | given


def read_url(page: str) -> str:
    """Read the address of the consent page."""
    return unescape(re.search(r'class="button primary" href="(http[^"]+)"', page)[1])


async def consent(
    client: httpx.AsyncClient, url: str, *, decision: str = "allow", username: str | None = None
) -> httpx.Response:
    """Decide at the sandbox's consent page, and come back with ``client``."""
    async with httpx.AsyncClient() as outside:
        asked = await outside.get(url)
        assert asked.status_code == 200, asked.text
        who = username or re.search(r'<option value="(\w+)"', asked.text)[1]
        parts = urlsplit(url)
        form = dict(parse_qsl(parts.query)) | {"username": who, "decision": decision}
        answer = await outside.post(f"{parts.scheme}://{parts.netloc}/puboauth/consent", data=form)
        assert answer.status_code == 302, answer.text
    return await client.get(answer.headers["location"])
