"""An admin changes how a brand is called, in which time zone its contests are planned, and where lost visitors go.

Its host, its base currency and its id never change: links that were printed lead by the one, books are kept in the
other, and people are hashed under the third.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from introducer.domain import forms
from introducer.domain.configuration import Brand, Change, Member, Role
from introducer.domain.errors import Conflict, Forbidden
from introducer.domain.events import in_full_ms
from introducer.services.set_payout_schedule import zone
from introducer.store.configuration import Configuration


def change_brand(
    configuration: Configuration,
    member: Member,
    *,
    name: str,
    time_zone: str,
    fallback_url: str,
    read: tuple[str, str, str],
    why: str,
    at: datetime,
) -> Brand:
    """The brand as it is then. `read` is the name, time zone and fallback page that were looked at when this was
    decided. The same as it is changes nothing.

    Raises `Forbidden`, `Invalid` (`invalid_name`, `unknown_time_zone`, `invalid_url`), `Conflict` (`brand_changed`).
    """
    if member.role is not Role.ADMIN:
        raise Forbidden("A brand is changed by its admins alone: ask one of them.", code="admin_only_brand")
    before = configuration.brand(member.brand)
    after = replace(
        before,
        name=forms.name(name, "brand"),
        time_zone=zone(time_zone).key,
        fallback_url=forms.https_url(fallback_url, "fallback page"),
    )
    if after == before:
        return before
    if (before.name, before.time_zone, before.fallback_url) != read:
        raise Conflict("The brand changed meanwhile: look at it again.", code="brand_changed")
    change = Change(by=member.member, at=in_full_ms(at), why=why, origin="portal")
    configuration.change_brand(before, after, change)
    return after
