"""`/desk/partners/bulk`: several partners changed at once: those that were ticked in the list, or all that it has.

The form says who is meant; `…/bulk/check` shows what would become of each and keeps nothing; sending it changes them,
each with a record of its own, and answers what became of each. Sent again, it changes nobody twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any

import words
from partners_asked import those_meant
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import STAFF_HOME, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.configuration import Role, Status
from introducer.domain.errors import Forbidden, Invalid, Malformed
from introducer.services.change_manager import MAY_ASSIGN
from introducer.services.change_partners import (
    MOST_AT_ONCE,
    WHO,
    Action,
    ChangeBooks,
    Outcome,
    Wish,
    change_partners,
    preview_change,
)
from introducer.services.partner_of_brand import partner_of_brand

PATH = STAFF_HOME + "/bulk"
TEMPLATE = "desk_partners_bulk.html"

words.WORDS["bulk"] = {
    "manager": N_("Hand over to a manager"),
    "standing": N_("Change the standing"),
}
words.WORDS["bulk_fate"] = {
    "would": N_("Changes"),
    "done": N_("Changed"),
    "same": N_("Stays as it is"),
    "refused": N_("Not changed"),
}
words.WORDS["bulk_refused"] = {
    "block_role": N_("Compliance and admins block a partner and lift a block."),
    "too_many_ahead": N_("Very much is decided for later already."),
    "conflict": N_("Somebody else changed it meanwhile: try again."),
    "not_found": N_("There is no such partner."),
}

Number = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Bulk(BaseModel):
    """What is to become of which partners. `to` is a member of staff (empty: nobody), or a standing."""

    model_config = ConfigDict(extra="forbid")

    do: Action
    partners: Annotated[list[Number], Field(max_length=1_000)] = []
    to: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


_ADVICE = {
    "no_such_manager": ("to", N_("Choose a manager or an admin of your own brand.")),
    "invalid_standing": ("to", N_("Choose one of these.")),
    "reason_needed": ("reason", N_("Say why, in 3 to 500 characters: it stays on record.")),
    "nobody_chosen": ("", N_("Choose at least one partner in the list.")),
    "too_many_partners": ("", N_("At most 50 partners are changed at once.")),
}


def actions_for(role: Role) -> list[Action]:
    """What a member of this role can do to several at once."""
    return [action for action in Action if role in WHO[action]]


def managers_of(visit: Visit) -> list[dict[str, str]]:
    """Who can look after partners, by name."""
    assert visit.member is not None
    staff = visit.portal.configuration.every_colleague(visit.member.brand)
    found = [{"member": each.member, "name": each.name} for each in staff if each.role in MAY_ASSIGN]
    return sorted(found, key=lambda each: (each["name"], each["member"]))


@page(PATH, TEMPLATE, who=Who.STAFF)
def bulk(visit: Visit) -> dict[str, Any]:
    """The form to change several partners at once, and who is meant. The address says it: `partner`, or `all` and the
    filters of the list."""
    assert visit.member is not None
    if not actions_for(visit.member.role):
        raise Forbidden("Managers, compliance and admins change partners.", code="not_your_role")
    if visit.refused:
        sent = visit.fields.get("partners")
        return _form(visit, sent if isinstance(sent, list) else [])
    meant, everybody, later, following = those_meant(visit, PATH, MOST_AT_ONCE)
    return _form(visit, meant) | {"all": everybody, "later": later, "next": following}


@page(PATH + "/check", TEMPLATE, method="POST", who=Who.STAFF, again=bulk, body=Bulk)
def check_bulk(visit: Visit) -> dict[str, Any]:
    """What a change would do to each of several partners; nothing is kept."""
    assert visit.member is not None
    wish = visit.read(Bulk)
    try:
        found = preview_change(
            _books(visit), member=visit.member, partners=wish.partners, wish=_wish(wish), now=visit.now
        )
    except Invalid as error:
        raise _refused(error, wish) from error
    return _answered(visit, wish, found, done=False)


@page(PATH, TEMPLATE, method="POST", who=Who.STAFF, again=bulk, body=Bulk)
def change_bulk(visit: Visit) -> dict[str, Any]:
    """Changes several partners at once, and answers what became of each. Sent again, it changes nobody twice."""
    assert visit.member is not None
    wish = visit.read(Bulk)
    key = visit.idempotency_key or secrets.token_hex(16)
    try:
        found = change_partners(
            _books(visit), member=visit.member, partners=wish.partners, wish=_wish(wish), why=wish.reason,
            clock=visit.portal.now, random=secrets.token_bytes,
            # Two members may name their requests alike.
            request=f"{visit.member.member} {key}",
        )  # fmt: skip
    except Invalid as error:
        raise _refused(error, wish) from error
    return _answered(visit, wish, found, done=True)


def _form(visit: Visit, partners: Sequence[str]) -> dict[str, Any]:
    assert visit.member is not None
    if len(partners) > MOST_AT_ONCE:
        raise Malformed(f"At most {MOST_AT_ONCE} partners are changed at once.", code="too_many_partners")
    found = [partner_of_brand(visit.portal.configuration, visit.member, str(each)) for each in partners]
    do = visit.query("do")
    if visit.refused:
        do = visit.refused.values.get("do", "")
    actions = actions_for(visit.member.role)
    return {
        "do": do if do in actions else actions[0],
        "actions": actions,
        "chosen": [{"partner": each.partner, "name": each.name, "status": each.status} for each in found],
        "most": MOST_AT_ONCE,
        "all": len(found),
        "later": 0,
        "next": None,
        "managers": managers_of(visit),
        "statuses": list(Status),
        "to": "",
        "reason": "",
        "outcomes": None,
        "done": False,
    }


def _answered(visit: Visit, wish: Bulk, found: tuple[Outcome, ...], *, done: bool) -> dict[str, Any]:
    assert visit.member is not None
    return {
        "do": wish.do,
        "actions": actions_for(visit.member.role),
        "chosen": [{"partner": each.partner, "name": each.name, "status": ""} for each in found],
        "most": MOST_AT_ONCE,
        "all": len(found),
        "later": 0,
        "next": None,
        "managers": managers_of(visit),
        "statuses": list(Status),
        "to": wish.to,
        "reason": wish.reason,
        "outcomes": found,
        "done": done,
    }


def _books(visit: Visit) -> ChangeBooks:
    return ChangeBooks(configuration=visit.portal.configuration, tasks=visit.portal.tasks)


def _wish(wish: Bulk) -> Wish:
    return Wish(action=wish.do, to=wish.to)


def _refused(error: Invalid, wish: Bulk) -> Invalid | FormRefused:
    if error.code not in _ADVICE:
        return error
    field, message = _ADVICE[error.code]
    return FormRefused({field: message}, {"do": wish.do.value, "to": wish.to, "reason": wish.reason}, error)
