"""`/preferences`: theme and language, kept in this browser. Works without scripts: a form post and a cookie."""

from __future__ import annotations

from typing import Literal

import cookies
from pydantic import BaseModel, ConfigDict
from server import Done, Who, page
from session import local_path
from visit import N_, FormRefused, Visit

from introducer.domain.errors import Invalid
from introducer.locale import CODES


class Preferences(BaseModel):
    """What a visitor chooses; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    theme: Literal["auto", "light", "dark"] | None = None
    language: str | None = None
    next: str = "/"


@page("/preferences", method="POST", who=Who.ANYONE, body=Preferences)
def prefer(visit: Visit) -> Done:
    """Keeps a theme and a language in this browser."""
    wish = visit.read(Preferences)
    if wish.theme is not None:
        visit.set_cookies.append(cookies.put(cookies.THEME, wish.theme, cookies.YEAR))
    if wish.language is not None:
        if wish.language not in CODES:
            message = N_("Choose one of these languages.")
            raise FormRefused({"language": message}, {}, Invalid(message, code="unknown_language"))
        visit.set_cookies.append(cookies.put(cookies.LANGUAGE, wish.language, cookies.YEAR))
    return Done({"theme": wish.theme, "language": wish.language}, local_path(wish.next))
