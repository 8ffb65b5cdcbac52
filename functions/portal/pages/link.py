"""`/links/{code}`: one link to hand on, as an address, a QR code, a text; what it brought; its own names; pausing it.
`…/materials`: its campaign's banners and texts, with this link in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import qr
import words
from advice import Advice, advised
from chalice.app import Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, page
from visit import N_, Visit

from introducer.domain.configuration import Availability, Link
from introducer.domain.creative import Material, MaterialKind
from introducer.domain.leading import SUB_LENGTH, SUBS, subs_of, tracking_address
from introducer.domain.sharing import banner_html, shared_text, text_link_html, ways
from introducer.domain.slugs import MOST_PER_LINK
from introducer.domain.targets import leads
from introducer.services.choose_slug import choose_slug, give_up_slug
from introducer.services.creation import Author
from introducer.services.pause_link import pause_link
from introducer.services.read_links_of_partner import LinkShown, named_link, read_link_of_partner
from introducer.services.read_materials import offered, read_materials, read_offered
from pages.desk_materials import told
from pages.links import PATH, SLUG_ADVICE, made, origin
from pages.pictures import PATH as PICTURES

ONE = PATH + "/{code}"
MATERIALS = ONE + "/materials"
FEW = 3
"""So many texts a link's own page shows; all are among its materials."""
_QR_HEADERS = {
    "Cache-Control": "private, max-age=3600",
    # Kept for whoever is signed in: the next one at this browser has their own.
    "Vary": "Cookie, Authorization",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}

words.WORDS["way"] = {
    "whatsapp": N_("WhatsApp"),
    "telegram": N_("Telegram"),
    "x": N_("X"),
    "email": N_("E-mail"),
}


class NewSlug(BaseModel):
    """A link's own name in the address."""

    model_config = ConfigDict(extra="forbid")

    slug: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class NewStatus(BaseModel):
    """Whether a link takes visitors."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "paused"]


class Nothing(BaseModel):
    """Nothing to say."""

    model_config = ConfigDict(extra="forbid")


_CHANGED: Advice = {"conflict": ("", N_("This was changed meanwhile: look at it again."))}


@page(ONE, "link.html")
def link(visit: Visit, code: str, slug: str = "") -> dict[str, Any]:
    """One link, its names, what it brought by day, and texts to share it with. `sub1` to `sub5` go into the address,
    and `as` says under which of the link's names; `language` is that of the texts. `slug` is the one whose refused
    removal shows the page again."""
    assert visit.partner is not None
    portal = visit.portal
    found = read_link_of_partner(
        portal.configuration,
        portal.event_counts,
        portal.click_counts,
        partner=visit.partner.partner,
        code=code,
        at=visit.now,
        today=visit.today,
    )
    handed = _Handed(visit, found.link)
    materials = read_offered(portal.materials, found.link.campaign)
    texts = [each for each in materials if each.kind is MaterialKind.SHARE]
    languages = offered(texts).languages
    language = _language(visit, languages)
    few = offered(texts, language=language, limit=FEW).page
    return _link(found, handed) | {
        "month": visit.today[:7],
        "figures": {"today": found.today, "month": found.month},
        "days": [{"day": day, "figures": figures} for day, figures in found.days],
        "language": language,
        "share_languages": languages,
        "share": [_told(visit, handed, found.campaign.name, each) for each in few.items],
        "has_more_materials": len(materials) > len(few.items),
        "most_slugs": MOST_PER_LINK,
    }


@page(
    MATERIALS,
    "link_materials.html",
    columns=(
        ("material", lambda row: row["material"]),
        ("kind", lambda row: row["kind"]),
        ("name", lambda row: row["name"]),
        ("language", lambda row: row["language"]),
        ("size", lambda row: row["dimensions"]),
        ("html", lambda row: row["html"]),
        ("text", lambda row: row["text"]),
        ("picture", lambda row: row["picture_url"]),
    ),
)
def materials_of_link(visit: Visit, code: str) -> dict[str, Any]:
    """The banners and texts of a link's campaign, with the link in them, the newest first. `kind`, `size` and
    `language` choose."""
    assert visit.partner is not None
    portal = visit.portal
    found = named_link(portal.configuration, visit.partner.partner, code)
    campaign = portal.configuration.campaign(found.brand, found.campaign)
    handed = _Handed(visit, found)
    kind, language, dimensions = visit.query("kind"), visit.query("language"), visit.query("size")
    subject = f"materials of link {found.link_id} {kind} {language} {dimensions}"
    page_of = read_materials(
        portal.materials,
        found.campaign,
        kind=kind,
        language=language,
        dimensions=dimensions,
        cursor=visit.position(subject),
        limit=visit.limit(12),
    )
    return {
        "code": found.code,
        "name": found.name,
        "campaign": found.campaign,
        "campaign_name": campaign.name,
        "address": handed.address,
        "given": handed.given,
        "carried": handed.query,
        "items": [_told(visit, handed, campaign.name, each) for each in page_of.page.items],
        "next": visit.next(subject, page_of.page.cursor),
        "kinds": [each.value for each in MaterialKind],
        "sizes": page_of.sizes,
        "languages": page_of.languages,
        "chosen": {"kind": kind, "language": language, "size": dimensions},
    }


@page(ONE + "/qr.svg")
def qr_as_svg(visit: Visit, code: str) -> Response:
    """A link's address as a QR code, drawn. Shown on its page; with `download` it is kept as a file."""
    handed = _handed_on(visit, code)
    return Response(qr.svg(handed.address), _qr_headers(visit, handed, "image/svg+xml; charset=utf-8", "svg"), 200)


@page(ONE + "/qr.png")
def qr_as_png(visit: Visit, code: str) -> Response:
    """A link's address as a QR code, in pixels."""
    handed = _handed_on(visit, code)
    return Response(qr.png(handed.address), _qr_headers(visit, handed, "image/png", "png"), 200)


@page(ONE + "/status", "link.html", method="POST", again=link, body=NewStatus)
def set_status(visit: Visit, code: str) -> Done:
    """Pauses a link with all its names, or takes it up again."""
    wish = visit.read(NewStatus)
    partner, author = _acts(visit, "paused or resumed in the portal")
    with advised(wish, _CHANGED):
        found = pause_link(
            visit.portal.configuration,
            partner=partner,
            code=code,
            status=Availability(wish.status),
            author=author,
            clock=visit.portal.now,
        )
    return Done(made(visit, found) | {"status": found.status}, f"{PATH}/{code}")


@page(ONE + "/slugs", "link.html", method="POST", again=link, body=NewSlug)
def add_slug(visit: Visit, code: str) -> Done:
    """Gives a link a name of its own in the address; one that somebody has or had is refused."""
    wish = visit.read(NewSlug)
    partner, author = _acts(visit, "named in the portal")
    with advised(wish, SLUG_ADVICE):
        found = choose_slug(
            visit.portal.configuration, partner=partner, code=code, slug=wish.slug, author=author,
            clock=visit.portal.now,
        )  # fmt: skip
    return Done(made(visit, found), f"{PATH}/{code}?named=1", created=True)


@page(ONE + "/slugs/{slug}/removal", "link.html", method="POST", again=link, body=Nothing)
def remove_slug(visit: Visit, code: str, slug: str) -> Done:
    """Gives up a name of a link; it leads nowhere from now on, and nobody else ever gets it."""
    wish = visit.read(Nothing)
    partner, author = _acts(visit, "given up in the portal")
    with advised(wish, _CHANGED):
        found = give_up_slug(
            visit.portal.configuration, partner=partner, code=code, slug=slug, author=author, clock=visit.portal.now
        )
    return Done(made(visit, found), f"{PATH}/{code}")


class _Handed:
    """A link as it is handed on in this visit: under one of its names, with the partner's own values."""

    def __init__(self, visit: Visit, link: Link) -> None:
        self.subs = subs_of({name: visit.query(name) for name in SUBS})
        self.names = (*reversed(link.slugs), link.code)
        wanted = visit.query("as")
        self.name = wanted if wanted in self.names else self.names[0]
        self.origin = origin(visit)
        self.address = tracking_address(self.origin, self.name, self.subs)
        self.given = {"as": self.name if self.name != self.names[0] else ""} | {
            name: self.subs.get(name, "") for name in SUBS
        }
        """For the fields of a form."""
        self.query = urlencode({name: value for name, value in self.given.items() if value})
        """Takes it to another page of the same link."""


def _handed_on(visit: Visit, code: str) -> _Handed:
    assert visit.partner is not None
    return _Handed(visit, named_link(visit.portal.configuration, visit.partner.partner, code))


def _acts(visit: Visit, why: str) -> tuple[str, Author]:
    assert visit.partner is not None and visit.member is not None
    return visit.partner.partner, Author(by=visit.member.member, why=why, origin="portal")


def _link(found: LinkShown, handed: _Handed) -> dict[str, Any]:
    own, campaign = found.link, found.campaign
    page_of = next((each for each in campaign.landing_pages if each.page == own.page), None)
    code = f"{PATH}/{own.code}/qr"
    query = f"?{handed.query}" if handed.query else ""
    return {
        "code": own.code,
        "slugs": own.slugs,
        "names": handed.names,
        "called": handed.name,
        "name": own.name,
        "note": own.note,
        "campaign": own.campaign,
        "campaign_name": campaign.name,
        "status": own.status,
        "takes": found.takes,
        "starts_at": campaign.starts_at,
        "created": own.created,
        "page": own.page,
        "page_name": (page_of.name or page_of.url) if page_of else None,
        "path": own.path,
        "path_leads": leads(own.path, campaign.hosts) if own.path else None,
        "url": tracking_address(handed.origin, handed.names[0]),
        "address": handed.address,
        "given": handed.given,
        "carried": handed.query,
        "sub_length": SUB_LENGTH,
        "qr": {"svg": f"{code}.svg{query}", "png": f"{code}.png{query}"},
    }


def _language(visit: Visit, languages: tuple[str, ...]) -> str:
    """In which texts are shown: as asked for, else the visitor's own, else the first that there is."""
    wanted = (visit.query("language"), visit.language.code, *languages)
    return next((each for each in wanted if each in languages), "")


def _told(visit: Visit, handed: _Handed, campaign: str, material: Material) -> dict[str, Any]:
    """A material with the link in it: HTML of a banner and a text link, the text itself and where to send it of a text
    to share."""
    brand, link = visit.brand.name, handed.address
    picture = f"{handed.origin}{PICTURES}/{material.material}" if material.kind is MaterialKind.BANNER else ""
    text, html, sent = "", "", {}
    if material.kind is MaterialKind.BANNER:
        html = banner_html(material, link=link, picture=picture)
    else:
        text = shared_text(material, link=link, brand=brand, campaign=campaign)
    if material.kind is MaterialKind.TEXT_LINK:
        html = text_link_html(material, link=link, brand=brand, campaign=campaign)
    if material.kind is MaterialKind.SHARE:
        sent = ways(text, link, f"{brand}: {campaign}")
    return told(material) | {"text": text, "html": html, "ways": sent, "picture_url": picture}


def _qr_headers(visit: Visit, handed: _Handed, kind: str, ending: str) -> dict[str, str]:
    headers = {"Content-Type": kind} | _QR_HEADERS
    if visit.query("download"):
        headers["Content-Disposition"] = f'attachment; filename="{handed.name}.{ending}"'
    return headers
