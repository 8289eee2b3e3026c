"""Members of an organization: what each may do in the console, and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signalpost.model.ids import OrganizationId, UserId
from signalpost.model.instance import Caller


class Role(StrEnum):
    """What a member may do in the console; each may do what those before may."""

    VIEWER = "viewer"
    """Sees everything but secrets; changes nothing."""
    OPERATOR = "operator"
    """Connects and changes instances, sends again; sees no secrets, deletes nothing."""
    ADMIN = "admin"
    """Does everything: deletes, invites, rotates secrets."""

    def covers(self, other: Role) -> bool:
        """Say whether this role may do what ``other`` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Member:
    """A member who has an account in the console."""

    id: UserId
    organization_id: OrganizationId
    organization_name: str
    email: str
    role: Role

    @property
    def caller(self) -> Caller:
        """The member as the API knows who asks."""
        return Caller(self.organization_id, self.id)


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is good: of whom, and until when."""

    id: int
    member: Member
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from: what the browser calls itself, and its network address."""

    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A sign-in as its owner sees it."""

    id: int
    agent: str
    address: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class MemberSummary:
    """A member as the organization sees it. ``secrets`` counts the user secrets of the API."""

    id: UserId
    email: str
    role: Role
    created_at: datetime
    has_account: bool
    seen_at: datetime | None
    secrets: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that makes an account. Without an organization: the first account of the installation."""

    id: int
    organization_id: OrganizationId | None
    organization_name: str | None
    email: str | None
    role: Role
    invited_by: str | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SecretSummary:
    """A secret of the API: when it was made, never what it is."""

    id: int
    created_at: datetime
