"""The page on which a person lets an application in, and the one that says why that is not possible."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from yarl import URL

from signalpost.sandbox.egnyte.users import USERS

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
main {{ max-width: 30rem; margin: 10vh auto; padding: 0 1rem }}
button, select {{ font: inherit; min-height: 2.75rem; padding: 0 1.25rem; margin: .25rem .5rem .25rem 0 }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

CONSENT = """<p><strong>{client_id}</strong> asks to use the simulated Egnyte domain
<strong>{domain}</strong>. You will be sent back to {host}.</p>
{scopes}
<form method="post" action="/puboauth/consent">
{hidden}
<p><label for="username">Act as</label><br>
<select id="username" name="username">{users}</select></p>
<p><button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button></p>
</form>"""


def render_consent(
    *, domain: str, client_id: str, redirect_uri: str, scopes: Sequence[str], state: str | None
) -> str:
    """Give the page that asks. Everything that came with the request is escaped."""
    carried = {"client_id": client_id, "redirect_uri": redirect_uri, "scope": " ".join(scopes)}
    if state is not None:
        carried["state"] = state
    listed = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    body = CONSENT.format(
        client_id=escape(client_id),
        domain=escape(domain),
        host=escape(URL(redirect_uri).host or ""),
        scopes=f"<p>It asks for:</p><ul>{listed}</ul>" if listed else "<p>It asks for everything.</p>",
        hidden="\n".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in carried.items()
        ),
        users="".join(
            f'<option value="{user.username}">{user.username} ({user.kind} user)</option>' for user in USERS
        ),
    )
    return PAGE.format(title="Allow access?", body=body)


def render_refusal(reason: str) -> str:
    """Give the page that says what is wrong with the request."""
    return PAGE.format(title="This request cannot be granted", body=f"<p>{escape(reason)}</p>")
