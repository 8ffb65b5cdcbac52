"""`/settings/team`: who may sign in for a partner. `/desk/settings/staff`: who of the staff works for the brand.

Owners decide about the one, admins about the other; everybody of the house sees it. Nobody decides about themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Column, Done, Who, page
from visit import N_, Visit

from introducer.domain.configuration import Member, Role
from introducer.locale import CODES
from introducer.services.creation import Author
from introducer.services.invite_member import invite_member
from introducer.services.remember_member import remember_member
from introducer.services.team import (
    change_role,
    check_decides,
    check_role,
    check_room,
    invite_again,
    may_decide,
    remove_member,
    roles_of,
    team_of,
)

TEAM, STAFF = "/settings/team", "/desk/settings/staff"

_ADVICE: Advice = {
    "invalid_email": ("email", N_("Write an e-mail address such as name@example.com.")),
    "invalid_name": ("name", N_("Write a name of 1 to 120 characters.")),
    "invalid_role": ("role", N_("Choose one of these roles.")),
    "invalid_language": ("language", N_("Choose one of these languages.")),
    "conflict": ("email", N_("This address cannot be invited: it has a login already.")),
    "own_member": ("", N_("This is you: ask a colleague who may decide it.")),
    "team_changed": ("", N_("The team changed meanwhile: look at it again below.")),
    "team_full": ("", N_("There are as many logins as a partner may have: write to your manager.")),
    "invited_lately": ("", N_("They were written to a moment ago: wait until that mail had time to come.")),
    "signed_in_before": ("", N_("They have chosen a password already: there is nothing to invite them to.")),
}

COLUMNS: tuple[Column, ...] = (
    ("member", lambda each: each["member"]),
    ("name", lambda each: each["name"]),
    ("role", lambda each: each["role"]),
    ("signed_in_at", lambda each: each["signed_in_at"]),
)


class Invitation(BaseModel):
    """Whom to invite, as what; the invitation and all mails are in this language."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=3, max_length=254)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    role: Role
    language: Annotated[str, StringConstraints(min_length=2, max_length=2)] = "en"


class NewRole(BaseModel):
    """Which role somebody is to have."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class Nothing(BaseModel):
    """A step that needs no more than its address."""

    model_config = ConfigDict(extra="forbid")


def _told(each: Member, own: Member) -> dict[str, Any]:
    return {
        "member": each.member,
        "name": each.name,
        "role": each.role.value,
        "language": each.language,
        "signed_in_at": each.signed_in_at,
        "is_you": each.member == own.member,
    }


def _listed(visit: Visit, base: str) -> dict[str, Any]:
    """Everybody who may sign in here, by name, with their roles."""
    own = _own(visit)
    subject = f"team:{own.partner or own.brand}"
    found = team_of(visit.portal.configuration, own, visit.position(subject), visit.limit(100))
    return {
        "base": base,
        "items": [_told(each, own) for each in found.items],
        "next": visit.next(subject, found.cursor),
        "may_decide": may_decide(own),
        "roles": [role.value for role in roles_of(own)],
        "language": visit.language.code,
    }


def _invite(visit: Visit, base: str) -> Done:
    """Invites somebody to sign in; a mail with a first password goes to them."""
    own, portal = _own(visit), visit.portal
    check_decides(own)
    wish = visit.read(Invitation)

    def noted(member: Member, address: str) -> object:
        key = portal.brand_key(member.brand)
        return remember_member(portal.persons, member, brand_key=key, now=visit.now, email=address)

    with advised(wish, _ADVICE):
        check_role(own, wish.role)
        check_room(portal.configuration, own)
        made = invite_member(
            portal.configuration,
            portal.team_books.logins,
            brand=own.brand,
            partner=own.partner,
            role=wish.role,
            email=wish.email,
            name=wish.name,
            language=wish.language if wish.language in CODES else "",
            author=Author(by=own.member, why="invited to the team", origin="portal"),
            clock=lambda: visit.now,
            noted=noted,
        )
    return Done(_told(made, own), f"{base}?done=invited", created=True)


def _change_role(visit: Visit, base: str, member: str) -> Done:
    """Gives a colleague another role, from now on; nobody does that to themselves."""
    own, wish = _own(visit), visit.read(NewRole)
    with advised(wish, _ADVICE):
        made = change_role(visit.portal.team_books, own, member, wish.role, at=visit.now)
    return Done(_told(made, own), f"{base}?done=role")


def _remove(visit: Visit, base: str, member: str) -> Done:
    """Removes a colleague; their sessions end at once, and so do the API keys they made."""
    own, wish = _own(visit), visit.read(Nothing)
    with advised(wish, _ADVICE):
        made = remove_member(visit.portal.team_books, own, member, at=visit.now, true_now=visit.true_now)
    return Done({"member": made.member, "removed_at": made.removed_at}, f"{base}?done=removed")


def _again(visit: Visit, base: str, member: str) -> Done:
    """Sends an invitation out once more, with another first password."""
    own, wish = _own(visit), visit.read(Nothing)
    with advised(wish, _ADVICE):
        made = invite_again(visit.portal.team_books, own, member, at=visit.now)
    return Done(_told(made, own), f"{base}?done=again")


def _own(visit: Visit) -> Member:
    assert visit.member is not None
    return visit.member


def _register(base: str, who: Who, prefix: str) -> None:
    """The pages of one house: a partner's, or the brand's."""

    def named(name: str, view: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
        view.__name__, view.__doc__ = f"{prefix}_{name}", like.__doc__
        return view

    listed = page(base, "team.html", who=who, columns=COLUMNS)(
        named("list", lambda visit, **_: _listed(visit, base), _listed)
    )

    def write(path: str, name: str, body: type[BaseModel], step: Callable[..., Done]) -> None:
        view = named(name, lambda visit, **parameters: step(visit, base, **parameters), step)
        page(path, "team.html", method="POST", who=who, again=listed, body=body)(view)

    write(base, "invite", Invitation, _invite)
    write(base + "/{member}/role", "role", NewRole, _change_role)
    write(base + "/{member}/remove", "remove", Nothing, _remove)
    write(base + "/{member}/invitation", "again", Nothing, _again)


_register(TEAM, Who.PARTNER, "team")
_register(STAFF, Who.STAFF, "staff")
