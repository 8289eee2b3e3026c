"""Pages: a template, what it shows, who looks at it; answers that lead elsewhere with a word about what was done."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from signalpost import __version__
from signalpost.web import filters
from signalpost.web.visits import VISITOR_COOKIE, Visit, drop_cookie, find_visitor, read_cookie, set_cookie

NOTICE_COOKIE = "signalpost_notice"
APPEARANCE_COOKIE = "signalpost_appearance"
APPEARANCES = ("auto", "light", "dark")

RAIL = (
    ("overview", "/", "Overview", None),
    ("instances", "/instances", "Instances", "/instances?state=attention"),
    ("events", "/events", "Events", None),
    ("deliveries", "/deliveries", "Deliveries", None),
    ("connectors", "/connectors", "Connectors", None),
    ("operations", "/operations", "Operations", None),
)
"""The six words at the left, and where just those stand that are counted beside one; None: first on its page."""


def make_environment() -> Environment:
    """Make the environment of the templates: all output is escaped, what is not given is an error."""
    environment = Environment(
        loader=PackageLoader("signalpost.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=filters.write_number,
        seconds=filters.write_seconds,
        exact=filters.write_exact,
        machine_time=filters.write_machine_time,
        bytes=filters.write_bytes,
        json=filters.write_json,
        middle=filters.shorten_middle,
        visible=filters.show_hidden,
        counted=filters.count_word,
        quoted=partial(quote, safe=""),
    )
    environment.globals.update(rail=RAIL, version=__version__, states_shown=filters.STATE_SHOWN)
    return environment


TEMPLATES = make_environment()


def render(
    request: Request,
    template: str,
    visit: Visit | None,
    *,
    status: int = 200,
    **shown: Any,
) -> HTMLResponse:
    """Show a page. Templates get ``visit`` (None: nobody is signed in), ``csrf``, ``now``, ``relative`` and ``shown``.

    A notice left by ``go`` is shown once.
    """
    now = request.app.state.parts.api.clock()
    visitor, csrf = find_visitor(request)
    notice = read_cookie(request, NOTICE_COOKIE)
    appearance = read_cookie(request, APPEARANCE_COOKIE)
    text = TEMPLATES.get_template(template).render(
        request_path=request.url.path,
        visit=visit,
        csrf=visit.csrf if visit else csrf,
        now=now,
        relative=partial(filters.write_relative, now=now),
        notice=unquote(notice)[:500] if notice else None,
        appearance=appearance if appearance in APPEARANCES else "auto",
        **shown,
    )
    response = HTMLResponse(text, status)
    if visit is None:
        set_cookie(request, response, VISITOR_COOKIE, visitor)
    if notice:
        drop_cookie(request, response, NOTICE_COOKIE)
    return response


def go(request: Request, path: str, notice: str | None = None) -> Response:
    """Lead the browser to one of our paths after a form was taken; ``notice`` says there what was done."""
    response = RedirectResponse(path, 303)
    if notice:
        set_cookie(request, response, NOTICE_COOKIE, quote(notice[:500]), seconds=60)
    return response
