"""`/settings`: what is a member's own (name, language, theme, time zone), and the way to all other settings. For the
broker's staff the brand's stand at `/desk/settings`; their own are here too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import cookies
from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Invalid
from introducer.domain.forms import name as checked_name
from introducer.locale import CODES
from introducer.services.change_mail_preferences import change_mail_preferences
from introducer.services.team import change_profile

PATH = "/settings"

_ADVICE: Advice = {
    "invalid_name": ("name", N_("Write a name of 1 to 120 characters.")),
    "unknown_time_zone": ("time_zone", N_("Write a time zone such as Europe/Berlin.")),
    "preferences_changed": ("", N_("This was changed meanwhile: look at what stands below, then choose again.")),
    "conflict": ("", N_("This was changed meanwhile: look at what stands below, then choose again.")),
}


class Own(BaseModel):
    """A member's own settings. Without a theme the browser keeps the one it has; an empty time zone is the brand's."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    language: Annotated[str, StringConstraints(max_length=2)]
    time_zone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
    theme: Literal["auto", "light", "dark"] | None = None


@page(PATH, "own_settings.html", who=Who.MEMBER)
def own_settings(visit: Visit) -> dict[str, Any]:
    """The member's own name, language, time zone and theme."""
    member = visit.member
    assert member is not None
    mails = visit.portal.member_mails.preferences(member.member)
    return {
        "name": member.name,
        "role": member.role.value,
        "language": member.language,
        "time_zone": mails.time_zone,
        "brands_time_zone": visit.brand.time_zone,
        "theme": visit.theme,
        "signed_in_at": member.signed_in_at,
        "partner": visit.partner.name if visit.partner else None,
    }


@page(PATH, "own_settings.html", method="POST", who=Who.MEMBER, again=own_settings, body=Own)
def change_own_settings(visit: Visit) -> Done:
    """Changes the member's own name, language, time zone and theme. They are so from now on: mail is written in the
    language that is chosen here, the pages speak it in every browser that did not choose another."""
    member, wish = visit.member, visit.read(Own)
    assert member is not None
    if wish.language not in CODES:
        message = N_("Choose one of these languages.")
        raise FormRefused(
            {"language": message}, wish.model_dump(mode="json"), Invalid(message, code="unknown_language")
        )
    store = visit.portal.member_mails
    with advised(wish, _ADVICE):
        name = checked_name(wish.name, "member")
        mails = store.preferences(member.member)
        if mails.time_zone != wish.time_zone:
            change_mail_preferences(
                store,
                member,
                version=mails.version,
                off=mails.off,
                time_zone=wish.time_zone,
                quiet_from=mails.quiet_from,
                quiet_until=mails.quiet_until,
                now=visit.now,
            )
        made = change_profile(visit.portal.configuration, member, name=name, language=wish.language, at=visit.now)
    visit.set_cookies.append(cookies.put(cookies.LANGUAGE, wish.language, cookies.YEAR))
    if wish.theme is not None:
        visit.set_cookies.append(cookies.put(cookies.THEME, wish.theme, cookies.YEAR))
    told = {"name": made.name, "language": made.language, "time_zone": wish.time_zone, "theme": wish.theme}
    return Done(told, f"{PATH}?done=kept")
