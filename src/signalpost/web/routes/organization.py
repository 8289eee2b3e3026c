"""The organization: members, roles, secrets, saved applications, audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from signalpost.accounts.rules import FormError
from signalpost.model.errors import ConflictError
from signalpost.model.member import Role
from signalpost.web.pages import go, render
from signalpost.web.parts import RowId, Web, WebParts
from signalpost.web.visits import Admin, Sent, Viewer, Visit, find_base

router = APIRouter()

MOST_LISTED = 500
PAGE = 50
ROLES = (
    ("viewer", "Viewer: sees everything but secrets, changes nothing"),
    ("operator", "Operator: connects and changes, sends again; no secrets, no deletion"),
    ("admin", "Admin: everything, secrets and members included"),
)

BeyondRow = Annotated[int | None, Query(ge=1, lt=2**63)]
"""The row that a page of a list begins beyond."""
Owner = Literal["organization", "user"]


@router.get("/organization")
async def show_organization(request: Request, parts: Web, visit: Viewer, after: BeyondRow = None) -> Response:
    """Show the members, those after one where it is given; to admins also the invitations that wait."""
    return await _render_organization(request, parts, visit, {"role": "operator"}, after=after)


@router.post("/organization/invitations")
async def invite(request: Request, parts: Web, visit: Admin, form: Sent) -> Response:
    """Make a link into the organization, and show it this once."""
    try:
        token = await parts.accounts.joining.invite(visit.member, form.get("email", ""), form.get("role", ""))
    except FormError as error:
        return await _render_organization(request, parts, visit, form, error.faults)
    email, role = form.get("email", "").strip(), form["role"]
    detail = f"invited {email or 'whoever has the link'} with the role {role}"
    await parts.note(visit.member, "invitation.made", detail)
    link = f"{find_base(request, parts)}/invitation/{token}"
    return render(request, "organization/invited.html", visit, link=link, email=email, role=role)


@router.post("/organization/invitations/{invitation_id}/withdraw")
async def withdraw(request: Request, parts: Web, visit: Admin, form: Sent, invitation_id: RowId) -> Response:
    """End an invitation."""
    await parts.accounts.joining.invitations.withdraw(visit.organization_id, invitation_id, parts.api.clock())
    await parts.note(visit.member, "invitation.withdrawn", f"withdrew invitation {invitation_id}")
    return go(request, "/organization", "The invitation is withdrawn: its link is no longer good.")


@router.get("/organization/members/{member_id}")
async def show_member(request: Request, parts: Web, visit: Admin, member_id: RowId) -> Response:
    """Show one member, with what an admin may change."""
    return await _render_member(request, parts, visit, member_id)


@router.post("/organization/members/{member_id}/role")
async def change_role(request: Request, parts: Web, visit: Admin, form: Sent, member_id: RowId) -> Response:
    """Give a member another role, good at the member's next request."""
    wanted = form.get("role", "")
    if wanted not in list(Role):
        fault = {"role": "The role must be admin, operator or viewer"}
        return await _render_member(request, parts, visit, member_id, fault, status=400)
    role = Role(wanted)
    try:
        before = await parts.accounts.members.change_role(
            visit.organization_id, member_id, role, parts.api.clock()
        )
    except ConflictError as error:
        return await _render_member(request, parts, visit, member_id, {"role": str(error)}, status=409)
    detail = f"changed the role of {before.email} from {before.role} to {role}"
    if before.role is Role.ADMIN and role is not Role.ADMIN and before.secrets:
        detail += f"; {before.secrets} user secrets ended"
    await parts.note(visit.member, "member.role_changed", detail)
    return go(request, "/organization", f"{before.email} has the role {role} now, {before.role} before.")


@router.post("/organization/members/{member_id}/remove")
async def remove_member(request: Request, parts: Web, visit: Admin, form: Sent, member_id: RowId) -> Response:
    """Remove a member: sessions and secrets end at once."""
    try:
        before = await parts.accounts.members.remove(visit.organization_id, member_id, parts.api.clock())
    except ConflictError as error:
        return await _render_member(request, parts, visit, member_id, {"remove": str(error)}, status=409)
    await parts.note(visit.member, "member.removed", f"removed {before.email}")
    return go(request, "/organization", f"{before.email} is removed: sessions and secrets have ended.")


@router.get("/organization/secrets")
async def show_secrets(
    request: Request,
    parts: Web,
    visit: Admin,
    organization: BeyondRow = None,
    user: BeyondRow = None,
) -> Response:
    """Show when the secrets were made, of each kind those before one where it is given.

    What they are cannot be read again.
    """
    before: dict[Owner, int | None] = {"organization": organization, "user": user}
    lists, older = {}, {}
    for owner, row_id in before.items():
        listed = await parts.accounts.secrets.list_secrets(
            visit.member, owner, before_id=row_id, limit=PAGE + 1
        )
        lists[owner] = listed[:PAGE]
        older[owner] = f"/organization/secrets?{owner}={listed[PAGE - 1].id}" if len(listed) > PAGE else None
    return render(request, "organization/secrets.html", visit, lists=lists, older=older, before=before)


@router.post("/organization/secrets")
async def make_secrets(request: Request, parts: Web, visit: Admin, form: Sent) -> Response:
    """Make a new pair and show it this once; those made before stay good."""
    organization_secret, user_secret = await parts.accounts.secrets.make_pair(visit.member)
    await parts.note(visit.member, "secrets.made", "made a secret of the organization and one of their own")
    return render(
        request,
        "organization/secrets_made.html",
        visit,
        organization_secret=organization_secret,
        user_secret=user_secret,
    )


@router.get("/organization/secrets/{owner}/{secret_id}/revoke")
async def ask_revoke(request: Request, parts: Web, visit: Admin, owner: Owner, secret_id: RowId) -> Response:
    """Say what stops working when a secret is revoked."""
    made_at, others = await parts.accounts.secrets.find(visit.member, owner, secret_id)
    return render(
        request,
        "organization/revoke.html",
        visit,
        owner=owner,
        secret_id=secret_id,
        made_at=made_at,
        others=others,
    )


@router.post("/organization/secrets/{owner}/{secret_id}/revoke")
async def revoke(
    request: Request, parts: Web, visit: Admin, form: Sent, owner: Owner, secret_id: RowId
) -> Response:
    """Revoke a secret: the next call with it is refused."""
    await parts.accounts.secrets.revoke(visit.member, owner, secret_id)
    whose = "of the organization" if owner == "organization" else "of their own"
    await parts.note(visit.member, "secret.revoked", f"revoked secret {secret_id} {whose}")
    return go(request, "/organization/secrets", f"Secret {secret_id} is revoked: calls with it are refused.")


@router.get("/organization/audit")
async def show_audit(request: Request, parts: Web, visit: Viewer, before: BeyondRow = None) -> Response:
    """Show who did what in the console, newest first."""
    entries = await parts.audit.list_entries(visit.organization_id, before_id=before, limit=PAGE + 1)
    older = f"/organization/audit?before={entries[PAGE - 1].id}" if len(entries) > PAGE else None
    return render(
        request, "organization/audit.html", visit, entries=entries[:PAGE], older=older, before=before
    )


async def _render_organization(
    request: Request,
    parts: WebParts,
    visit: Visit,
    typed: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    *,
    after: int | None = None,
) -> Response:
    listed = await parts.accounts.members.list_members(visit.organization_id, after_id=after, limit=PAGE + 1)
    invitations = []
    if visit.may("admin"):
        invitations = await parts.accounts.joining.invitations.list_open(
            visit.organization_id, parts.api.clock(), limit=MOST_LISTED
        )
    return render(
        request,
        "organization/organization.html",
        visit,
        status=400 if faults else 200,
        members=listed[:PAGE],
        more=f"/organization?after={listed[PAGE - 1].id}" if len(listed) > PAGE else None,
        after=after,
        most=MOST_LISTED,
        invitations=invitations,
        applications=await parts.applications.list_applications(visit.organization_id),
        roles=ROLES,
        email=typed.get("email", ""),
        role=typed.get("role", ""),
        errors=faults or {},
    )


async def _render_member(
    request: Request,
    parts: WebParts,
    visit: Visit,
    member_id: int,
    faults: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> Response:
    return render(
        request,
        "organization/member.html",
        visit,
        status=status,
        member=await parts.accounts.members.read(visit.organization_id, member_id),
        roles=ROLES,
        errors=faults or {},
    )
