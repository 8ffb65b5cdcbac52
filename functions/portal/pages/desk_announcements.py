"""`/desk/announcements`: what was announced to partners in the portal, and announcing. `…/{announcement}`: how many
have read it, who, and taking it back."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import segment_form
from advice import Advice
from names_typed import check_countries, saying_which, take_countries
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from server import Done, Who, page
from texts import Texts, told
from visit import JSON, N_, Visit

from introducer.domain.announcement import ANNOUNCERS, FILLED, Announcement
from introducer.domain.configuration import PartnerKind
from introducer.domain.errors import Invalid, NotFound
from introducer.domain.mail_text import LANGUAGES
from introducer.services.announce import announce, spread_of, withdraw_announcement
from introducer.services.people import Names
from introducer.services.read_segments import read_segments, segment_for
from introducer.store.segments import SavedSegment

PATH = "/desk/announcements"
ONE = PATH + "/{announcement}"

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]
Kinds = Annotated[list[Short], Field(max_length=10)]


class NewAnnouncement(Texts):
    """A text by language, for whom (nothing chosen: for everybody), and the last UTC day on which it is shown."""

    kinds: Kinds = Field(default=[])
    countries: Short = ""
    """Their two letters, with spaces or commas between; a form has them by their names too."""
    mine: bool = False
    """Only partners that the one who announces looks after."""
    segment: Short = ""
    """One of the brand's segments, by its id, beside the conditions above."""
    through: Short = ""


class Withdrawal(BaseModel):
    """Why it is taken back."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = ""


_ADVICE = {
    "placeholder_not_here": ("", N_("A word in braces is for mails alone: use those that are named below.")),
    "invalid_kind": ("kinds", N_("This does not fit here.")),
    "invalid_country": ("countries", N_("This does not fit here.")),
    "too_many_countries": ("countries", N_("Name at most 60 countries.")),
    "invalid_through": ("through", N_("Choose a day from today on, within a year.")),
    "no_such_segment": ("segment", N_("There is no such segment any more: choose another.")),
    "nobody_reached": ("", N_("No partner of yours is reached by this: choose more of them.")),
    "reason_needed": ("why", N_("Say why, in 3 to 500 characters.")),
    "announcement_changed": ("", N_("This was changed meanwhile: look at it again.")),
}


@page(
    PATH,
    "desk_announcements.html",
    who=Who.STAFF,
    columns=(
        ("announcement", lambda row: row["announcement"]),
        ("title", lambda row: row["title"]),
        ("published_at", lambda row: row["published_at"]),
        ("through", lambda row: row["through"]),
        ("shown", lambda row: str(row["shown"]).lower()),
    ),
)
def announcements(visit: Visit) -> dict[str, Any]:
    """What was announced to the brand's partners in the portal, the newest first."""
    assert visit.member is not None
    subject = f"announcements of {visit.member.brand}"
    found = visit.portal.announcements.of_brand(visit.member.brand, visit.position(subject), visit.limit())
    names = Names(visit.portal.configuration)
    return {
        "items": [_line(visit, each, names) for each in found.items],
        "next": visit.next(subject, found.cursor),
        "may_announce": visit.member.role in ANNOUNCERS,
        "kinds": [each.value for each in PartnerKind],
        "segments": [
            {"segment": each.segment, "name": each.name}
            for each in read_segments(visit.portal.broadcast_books.segments, member=visit.member)
        ],
        "placeholders": sorted(FILLED),
    }


@page(PATH, "desk_announcements.html", method="POST", who=Who.STAFF, again=announcements, body=NewAnnouncement)
def publish(visit: Visit) -> Done:
    """Managers and admins announce something to all partners in the portal, or to some."""
    assert visit.member is not None
    take_countries(visit)
    wish, books = visit.read(NewAnnouncement), visit.portal.broadcast_books
    with told(wish, _advice(visit)):
        check_countries(visit)
        made = announce(
            visit.portal.configuration,
            visit.portal.announcements,
            books.results,
            member=visit.member,
            text=wish.text(),
            kinds=wish.kinds,
            countries=wish.countries.replace(",", " ").split(),
            manager=visit.member.member if wish.mine else "",
            segment=_segment(visit, wish.segment),
            through=wish.through,
            clock=visit.portal.now,
            random=secrets.token_bytes,
            request=visit.idempotency_key,
        )
    names = Names(visit.portal.configuration)
    return Done(_line(visit, made, names), f"{PATH}/{made.announcement}?published=1", created=True)


@page(
    ONE,
    "desk_announcement.html",
    who=Who.STAFF,
    columns=(
        ("partner", lambda row: row["partner"]),
        ("name", lambda row: row["name"]),
        ("member", lambda row: row["member"]),
        ("at", lambda row: row["at"]),
    ),
)
def announcement_of_brand(visit: Visit, announcement: str) -> dict[str, Any]:
    """One announcement, how far it went, and who has read it."""
    assert visit.member is not None
    portal, brand = visit.portal, visit.member.brand
    found = portal.announcements.announcement(brand, announcement)
    subject = f"readers of {brand} {announcement}"
    readers = portal.announcements.readers(brand, announcement, visit.position(subject), visit.limit())
    cards = portal.conversations.cards(brand, {each.partner for each in readers.items})
    names = Names(portal.configuration)
    return _line(visit, found, names) | {
        "spread": spread_of(
            portal.configuration, portal.announcements, portal.broadcast_books.results, found, visit.now
        ),
        "items": [
            {
                "partner": each.partner,
                "name": cards.get(each.partner, (each.partner, ""))[0],
                "member": names.of(each.member),
                "at": each.at,
            }
            for each in readers.items
        ],
        "next": visit.next(subject, readers.cursor),
        "may_announce": visit.member.role in ANNOUNCERS,
    }


@page(
    ONE + "/withdraw",
    "desk_announcement.html",
    method="POST",
    who=Who.STAFF,
    again=announcement_of_brand,
    body=Withdrawal,
)
def withdraw(visit: Visit, announcement: str) -> Done:
    """Takes an announcement back, for a reason on record; no partner sees it any more."""
    assert visit.member is not None
    wish = visit.read(Withdrawal)
    with told(wish, _ADVICE):
        found = withdraw_announcement(
            visit.portal.announcements,
            member=visit.member,
            announcement=announcement,
            why=wish.why,
            clock=visit.portal.now,
        )
    return Done(_line(visit, found, Names(visit.portal.configuration)), f"{PATH}/{announcement}")


def _advice(visit: Visit) -> Advice:
    """What to do about an error; of a form's countries, about that which is none."""
    if visit.content_type == JSON:
        return _ADVICE
    field, said = _ADVICE["invalid_country"]
    return _ADVICE | {"invalid_country": (field, saying_which(visit.language, {field: said}, visit.fields)[field])}


def _segment(visit: Visit, segment: str) -> SavedSegment | None:
    """The segment that was chosen. Raises `Invalid`: another's is none."""
    assert visit.member is not None
    if not segment:
        return None
    try:
        return segment_for(visit.portal.broadcast_books.segments, member=visit.member, segment=segment)
    except NotFound as error:
        raise Invalid("There is no such segment: choose another.", code="no_such_segment") from error


def _line(visit: Visit, announcement: Announcement, names: Names) -> dict[str, Any]:
    words = announcement.text.words(visit.language.code)
    reach = announcement.reach
    return {
        "announcement": announcement.announcement,
        "title": words.subject,
        "paragraphs": words.paragraphs,
        "languages": [each for each in LANGUAGES if each in announcement.text.by_language],
        "kinds": reach.kinds,
        "countries": reach.countries,
        "manager": names.of(reach.manager),
        "segment": reach.segment_name,
        "asks": segment_form.told(reach.segment, segment_form.Values(visit)) if reach.asks_for_results else None,
        "broadcast": reach.broadcast,
        "published_at": announcement.published_at,
        "published_by": names.of(announcement.published_by),
        "through": announcement.through,
        "shown": announcement.shown_at(visit.now),
        "withdrawn_at": announcement.withdrawn.at if announcement.withdrawn else None,
        "withdrawn_why": announcement.withdrawn.why if announcement.withdrawn else "",
    }
