"""`/settings/keys`: the API keys of a partner. `/desk/settings/keys`: those of the broker's own systems.

A key is shown once, in the answer that makes it: there is no address at which it could be seen again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from secrets import token_bytes
from typing import Annotated, Any

import words
from advice import Advice, advised
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from server import Column, Done, Who, page
from visit import HTML, JSON, KEY_FIELD, N_, Visit

from introducer.domain.api_key import AREAS_OF_DESK, AREAS_OF_PARTNER, MOST_STANDING, ROLES, ApiKey
from introducer.domain.calendar import day_start
from introducer.domain.configuration import Member, Role
from introducer.domain.errors import Invalid
from introducer.domain.events import from_milliseconds
from introducer.services.api_keys import Wish, check_keeper, create_api_key, is_kept, revoke_api_key
from introducer.services.people import Names
from introducer.services.team import may_decide
from introducer.store.configuration import Configuration

KEYS, BRANDS = "/settings/keys", "/desk/settings/keys"

words.WORDS["key_area"] = {
    "overview": N_("Overview and balance"),
    "links": N_("Links, campaigns and promo codes"),
    "clients": N_("Clients and clicks"),
    "leads": N_("Leads"),
    "earnings": N_("Earnings"),
    "payouts": N_("Payouts and statements"),
    "deal": N_("Deal and goals"),
    "reports": N_("Reports"),
    "network": N_("Network"),
    "contests": N_("Contests"),
    "messages": N_("Messages"),
    "postbacks": N_("Postbacks"),
    "cases": N_("What we look at"),
    "desk.work": N_("Work queue and tasks"),
    "desk.partners": N_("Partners and segments"),
    "desk.applications": N_("Applications"),
    "desk.clients": N_("Clients and clicks"),
    "desk.leads": N_("Leads"),
    "desk.deals": N_("Deals and goals"),
    "desk.money": N_("Payouts, adjustments, payees, months"),
    "desk.contests": N_("Contests"),
    "desk.messages": N_("Messages, broadcasts, mail"),
    "desk.campaigns": N_("Campaigns and promo codes"),
    "desk.events": N_("Events, sources, webhooks"),
    "desk.cases": N_("Cases"),
    "desk.audit": N_("Audit trail"),
    "desk.reports": N_("Reports"),
    "desk.settings": N_("Settings"),
}
words.WORDS["key_standing"] = {
    "active": N_("Active"),
    "expired": N_("Expired"),
    "revoked": N_("Revoked"),
    "orphaned": N_("Its maker may make keys no more"),
}
_ADVICE: Advice = {
    "key_name": ("name", N_("Give it a name of 1 to 60 characters.")),
    "key_name_taken": ("name", N_("There is a key of this name: choose another, or revoke that one.")),
    "key_scopes": ("scopes", N_("Choose at least one thing that the key may do.")),
    "key_role": ("role", N_("Choose as whom the key comes in.")),
    "key_expires": ("expires_on", N_("Choose a day to come, within ten years, or none.")),
    "too_many_keys": ("", N_("There are as many keys as there may be: revoke one first.")),
    "key_shown": ("", N_("This key was made and shown before: revoke it and make another, if it is lost.")),
}


def _without_blanks(value: Any) -> Any:
    """A form whose boxes are all empty sends one that is blank, so that the list is there."""
    return [each for each in value if each != ""] if isinstance(value, list) else value


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


class NewKey(BaseModel):
    """A key as it is to be: what it is for, what it may do, and until the end of which UTC day it is good (empty: until
    it is revoked). A brand's key also has a role."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
    scopes: Annotated[list[Annotated[str, StringConstraints(max_length=64)]], BeforeValidator(_without_blanks)] = []
    expires_on: Annotated[date | None, BeforeValidator(_empty_is_none)] = None
    role: Annotated[Role | None, BeforeValidator(_empty_is_none)] = None


class Nothing(BaseModel):
    """A step that needs no more than its address."""

    model_config = ConfigDict(extra="forbid")


COLUMNS: tuple[Column, ...] = (
    ("key", lambda each: each["key"]),
    ("name", lambda each: each["name"]),
    ("standing", lambda each: each["standing"]),
    ("role", lambda each: each["role"]),
    ("scopes", lambda each: " ".join(each["scopes"])),
    ("created", lambda each: each["created"]),
    ("created_by", lambda each: each["created_by"]),
    ("used", lambda each: each["used"]),
    ("expires_at", lambda each: each["expires_at"]),
    ("revoked_at", lambda each: each["revoked_at"]),
)


def _listed(visit: Visit, base: str) -> dict[str, Any]:
    """The API keys, newest first, with those that are revoked; none of them can be read again."""
    own, configuration = _own(visit), visit.portal.configuration
    of = own.partner or own.brand
    subject = f"keys:{of}"
    found = configuration.api_keys_of(of, visit.position(subject), visit.limit())
    days = visit.portal.api_key_uses.days([each.key for each in found.items])
    makers = _Makers(configuration)
    limit, areas = visit.portal.settings, AREAS_OF_DESK if own.role.is_staff else AREAS_OF_PARTNER
    return {
        "base": base,
        "items": [_told(visit, each, makers, days.get(each.key)) for each in found.items],
        "next": visit.next(subject, found.cursor),
        "may_decide": may_decide(own),
        "areas": [{"area": area, "writes": writes} for area, writes in areas.items()],
        "roles": [role.value for role in ROLES] if own.role.is_staff else [],
        "per_minute": limit.key_requests_per_minute,
        "burst": limit.key_burst,
        "most": MOST_STANDING,
    }


class _Makers:
    """Who made the keys of a page, each looked up once."""

    def __init__(self, configuration: Configuration) -> None:
        self.names = Names(configuration)
        self._configuration = configuration
        self._kept: dict[str, bool] = {}

    def keep(self, key: ApiKey) -> bool:
        """Whether the maker of a key could still make it."""
        if key.created_by not in self._kept:
            self._kept[key.created_by] = is_kept(self._configuration, key)
        return self._kept[key.created_by]


def _told(visit: Visit, key: ApiKey, makers: _Makers, used: str | None) -> dict[str, Any]:
    return {
        "key": key.key,
        "name": key.name,
        "standing": _standing(visit, key, makers),
        "role": key.role.value if key.partner is None else None,
        "scopes": list(key.scopes),
        "created": key.created,
        "created_by": makers.names.of(key.created_by),
        "used": used,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "revoked_by": makers.names.of(key.revoked_by or ""),
    }


def _standing(visit: Visit, key: ApiKey, makers: _Makers) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.stands(visit.now):
        return "expired"
    return "active" if makers.keep(key) else "orphaned"


def _make(visit: Visit, base: str) -> dict[str, Any] | Done:
    """Makes an API key. Its text is in this answer alone."""
    own, wish = _own(visit), visit.read(NewKey)
    if visit.header("idempotency-key"):
        raise Invalid("Send this without an Idempotency-Key: an answer to one is kept.", code="no_key_here")
    check_keeper(own)
    with advised(wish, _ADVICE, **dict.fromkeys(wish.scopes, "on")):
        made, text = create_api_key(
            visit.portal.configuration,
            own,
            Wish(
                name=wish.name,
                scopes=tuple(wish.scopes),
                role=wish.role,
                expires_at=None if wish.expires_on is None else _end_of(wish.expires_on),
            ),
            clock=lambda: visit.now,
            random=token_bytes,
            # A form that is sent twice makes one key; the second time it cannot be shown any more.
            request=str(visit.fields.get(KEY_FIELD, "")) or None,
        )
    told = _told(visit, made, _Makers(visit.portal.configuration), None)
    if visit.wants((HTML, JSON)) == HTML:
        return _listed(visit, base) | {"made": told, "text": text}
    return Done(told | {"text": text}, base, created=True)


def _revoke(visit: Visit, base: str, key: str) -> Done:
    """Revokes an API key; it is good for nothing any more, from its next request on."""
    own, wish = _own(visit), visit.read(Nothing)
    with advised(wish, _ADVICE):
        made = revoke_api_key(visit.portal.configuration, own, key, clock=lambda: visit.now)
    return Done(_told(visit, made, _Makers(visit.portal.configuration), None), f"{base}?done=revoked")


def _end_of(day: date) -> datetime:
    try:
        return from_milliseconds(day_start((day + timedelta(days=1)).isoformat()))
    except OverflowError as error:
        raise Invalid("Choose a day to come, within ten years, or none.", code="key_expires") from error


def _own(visit: Visit) -> Member:
    assert visit.member is not None
    return visit.member


def _register(base: str, who: Who, prefix: str) -> None:
    """The pages of one house: a partner's, or the brand's."""

    def named(name: str, view: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
        view.__name__, view.__doc__ = f"{prefix}_{name}", like.__doc__
        return view

    listed = page(base, "api_keys.html", who=who, columns=COLUMNS)(
        named("list", lambda visit, **_: _listed(visit, base), _listed)
    )
    page(base, "api_keys.html", method="POST", who=who, again=listed, unkept=True, body=NewKey)(
        named("make", lambda visit: _make(visit, base), _make)
    )
    page(base + "/{key}/revoke", "api_keys.html", method="POST", who=who, again=listed, body=Nothing)(
        named("revoke", lambda visit, key: _revoke(visit, base, key), _revoke)
    )


_register(KEYS, Who.PARTNER, "keys")
_register(BRANDS, Who.STAFF, "brand_keys")
