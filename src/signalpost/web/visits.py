"""Who looks at a page: the session by its cookie, the role it needs, and that a form comes from our own page."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Depends, Request, Response

from signalpost.model.errors import ForbiddenError, InvalidRequestError
from signalpost.model.ids import OrganizationId
from signalpost.model.instance import Caller
from signalpost.model.member import Member, Origin, Role
from signalpost.store.vault import make_secret
from signalpost.web.held import HELD, open_held
from signalpost.web.parts import Web, WebParts

SESSION_COOKIE = "signalpost_session"
VISITOR_COOKIE = "signalpost_visitor"
MOST_FIELDS = 10_000
"""Each resource of an instance is eight fields of the form that changes it."""
COOKIE_SECONDS = 400 * 86_400
"""As long as browsers keep a cookie at most: when a session ends is decided here, not there."""
MOST_PATH = 2000


class SignInNeededError(Exception):
    """Nobody is signed in: the browser is sent to the sign-in page, and back to ``path`` afterwards."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Visit:
    """A request by a member who is signed in."""

    session_id: int
    member: Member
    csrf: str
    attention: Mapping[str, int] = field(default_factory=dict)
    """How many things need attention, by the key of their word in the rail."""

    @property
    def caller(self) -> Caller:
        """The member as the API knows who asks."""
        return self.member.caller

    @property
    def organization_id(self) -> OrganizationId:
        """The organization whose things are shown."""
        return self.member.organization_id

    def may(self, role: str) -> bool:
        """Say whether the member may do what ``role`` may."""
        return self.member.role.covers(Role(role))


def is_secure(request: Request, parts: WebParts) -> bool:
    """Say whether browsers reach us by TLS: then cookies are bound to this host and never sent without it."""
    return (parts.public_url or str(request.base_url)).lower().startswith("https://")


def name_cookie(name: str, *, secure: bool) -> str:
    """Give the name of a cookie: with TLS no other host can have set it."""
    return f"__Host-{name}" if secure else name


def set_cookie(
    request: Request, response: Response, name: str, value: str, *, seconds: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites do not send with their forms."""
    secure = is_secure(request, request.app.state.parts)
    response.set_cookie(
        name_cookie(name, secure=secure),
        value,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Have the browser forget a cookie."""
    secure = is_secure(request, request.app.state.parts)
    response.delete_cookie(
        name_cookie(name, secure=secure), path="/", secure=secure, httponly=True, samesite="lax"
    )


def read_cookie(request: Request, name: str) -> str | None:
    """Read a cookie of ours."""
    secure = is_secure(request, request.app.state.parts)
    return request.cookies.get(name_cookie(name, secure=secure))


def derive_csrf(cookie: str) -> str:
    """Give what a form must bring along: only who can read our pages or the cookie knows it."""
    return hashlib.sha256(f"csrf {cookie}".encode()).hexdigest()


async def find_visit(request: Request, parts: Web) -> Visit | None:
    """Find who is signed in; None: nobody. Raises NotNowError: too many requests of the organization wait already."""
    token = read_cookie(request, SESSION_COOKIE)
    visit = None if token is None else await open_visit(parts, token)
    if visit is not None:
        request.state.place.belong_to(visit.organization_id)
    return visit


async def open_visit(parts: WebParts, token: str) -> Visit | None:
    """Give who is signed in by the session of a token; None: it has ended."""
    now = parts.api.clock()
    session = await parts.sessions.find(token, now)
    if session is None:
        return None
    attention = await parts.insight.count_attention(session.member.organization_id, now)
    return Visit(session.id, session.member, derive_csrf(token), attention)


async def require_visit(request: Request, visit: Annotated[Visit | None, Depends(find_visit)]) -> Visit:
    """Give who is signed in.

    Raises:
        SignInNeededError: nobody is.
    """
    if visit is None:
        raise SignInNeededError(find_path(request) if request.method == "GET" else find_form_page(request))
    return visit


Viewer = Annotated[Visit, Depends(require_visit)]
"""Any member."""


def _require(visit: Visit, role: Role) -> Visit:
    if not visit.member.role.covers(role):
        message = (
            f"this needs the role {role}; you are signed in as {visit.member.email} with the role"
            f" {visit.member.role}: an admin of {visit.member.organization_name} can change that under Organization"
        )
        raise ForbiddenError(message)
    return visit


async def require_operator(visit: Viewer) -> Visit:
    """Give who is signed in; raises ForbiddenError unless the role may operate."""
    return _require(visit, Role.OPERATOR)


async def require_admin(visit: Viewer) -> Visit:
    """Give who is signed in; raises ForbiddenError unless the role may administer."""
    return _require(visit, Role.ADMIN)


Operator = Annotated[Visit, Depends(require_operator)]
Admin = Annotated[Visit, Depends(require_admin)]


class Form(dict[str, str]):
    """The fields of a form, by name; of a name given more than once the last. ``lists`` has them all."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.lists: dict[str, list[str]] = {}
        for name, value in pairs:
            self.lists.setdefault(name, []).append(value)


def _is_own(request: Request, url: str) -> bool:
    """Say whether an address that a browser names is ours."""
    # A proxy may have given the request another host than the one that the browser knows.
    own = {request.headers.get("host"), urlsplit(request.app.state.parts.public_url or "").netloc}
    try:
        return urlsplit(url).netloc in own - {"", None}
    except ValueError:  # no browser wrote it
        return False


class StaleFormError(ForbiddenError):
    """A form of ours comes from a page that was shown to another session, or to nobody."""

    def __init__(self, form: Form) -> None:
        super().__init__(
            "the page was open for too long, or you signed in anew; open it again and send again"
        )
        self.form = form


async def read_fields(request: Request) -> Form:
    """Read a form of which no page has said that it is our own: nothing may be done by it.

    Raises:
        ForbiddenError: it comes from another site.
        InvalidRequestError: it is no form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("this form was sent by another site; open the page here and send it again")
    origin = request.headers.get("origin")
    if origin and origin != "null" and not _is_own(request, origin):
        raise ForbiddenError("this form was sent by another site; open the page here and send it again")
    body = await request.body()
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
            encoding="utf-8",
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidRequestError("the form cannot be read; open the page again and send it again") from error
    if any("\x00" in text for pair in pairs for text in pair):
        raise InvalidRequestError("the form holds a NUL character; remove it and send it again")
    # Who answers for what fails afterwards cannot read the body once more.
    request.state.form = Form(pairs)
    return Form(pairs)


async def read_form(request: Request) -> Form:
    """Read a form that one of our own pages sent, or the one that it holds to be sent again.

    Raises:
        ForbiddenError: it comes from another site.
        StaleFormError: the page it stands on is out of date.
        InvalidRequestError: it is no form, or was held for too long.
    """
    form = await read_fields(request)
    cookie = read_cookie(request, SESSION_COOKIE) or read_cookie(request, VISITOR_COOKIE) or ""
    if not cookie or not hmac.compare_digest(form.get("csrf", "").encode(), derive_csrf(cookie).encode()):
        stale = StaleFormError(form)
        raise stale if form.get("csrf") else ForbiddenError(str(stale))
    return Form(open_held(request, form[HELD])) if HELD in form else form


Sent = Annotated[Form, Depends(read_form)]
"""The form of a POST, known to come from our own page."""


def write_sign_in_path(path: str) -> str:
    """Give the sign-in page that leads back to ``path``."""
    return "/sign-in" if path == "/" else f"/sign-in?next={quote(path, safe='')}"


def find_visitor(request: Request) -> tuple[str, str]:
    """Give the cookie of somebody who is not signed in (a new one where there is none), and what forms must bring."""
    cookie = read_cookie(request, VISITOR_COOKIE) or make_secret()
    return cookie, derive_csrf(read_cookie(request, SESSION_COOKIE) or cookie)


def read_own_path(text: str) -> str:
    """Give ``text`` if it is a path of ours to go on to, else the overview: nobody is led to another site."""
    own = text.startswith("/") and not text.startswith("//") and "\\" not in text
    return text if own and text.isprintable() and len(text) <= MOST_PATH else "/"


def find_path(request: Request) -> str:
    """Give the path of a request, with its query."""
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def find_form_page(request: Request) -> str:
    """Find the path of the page that a form was sent from, where the browser names one of ours; else the overview."""
    referer = request.headers.get("referer", "")
    if not _is_own(request, referer):
        return "/"
    page = urlsplit(referer)
    return read_own_path(f"{page.path}?{page.query}" if page.query else page.path)


def read_origin(request: Request) -> Origin:
    """Read where a request comes from."""
    # Rows take no NUL, and what a browser calls itself is for people to read.
    agent = "".join(c for c in request.headers.get("user-agent", "") if c.isprintable())
    return Origin(agent, request.client.host if request.client else "")


def find_base(request: Request, parts: WebParts) -> str:
    """Give the address of the console, without a slash at its end."""
    return (parts.public_url or str(request.base_url)).rstrip("/")


def find_redirect_uri(request: Request, parts: WebParts) -> str:
    """Give the address that providers send people back to: the one to register with them."""
    return f"{find_base(request, parts)}/oauth/callback"


def begin_session(request: Request, response: Response, token: str) -> None:
    """Have the browser keep a session that was just opened."""
    set_cookie(request, response, SESSION_COOKIE, token, seconds=COOKIE_SECONDS)
    drop_cookie(request, response, VISITOR_COOKIE)
