"""`/desk/campaigns/{campaign}/materials`: banners, text links and texts to share that partners find at a campaign."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import words
from advice import Advice, advised
from pydantic import BaseModel, ConfigDict, StringConstraints
from server import Done, Who, page
from visit import JSON, N_, FormRefused, Visit

from introducer.domain.creative import (
    LONGEST_SHARED,
    MACROS,
    MOST_BYTES,
    WRITERS,
    Material,
    MaterialKind,
    MaterialStatus,
)
from introducer.domain.errors import Malformed, TooLarge
from introducer.services.change_materials import add_banner, add_text, set_material_status
from introducer.services.people import Names
from introducer.services.read_materials import read_materials
from pages.pictures import PATH as PICTURES

PATH = "/desk/campaigns/{campaign}/materials"
BANNERS = PATH + "/banners"
MOST_SENT = 2 * 2**20
"""Bytes of a form with a picture: one that is somewhat too large is told so beside its field."""

_SHOWN = 160
"""Pixels of a side of a picture in a list, at most."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]

words.WORDS |= {
    "material_kind": {
        "banner": N_("Banner"),
        "text_link": N_("Text link"),
        "share": N_("Text to share"),
    },
    "material_status": {
        "active": N_("Offered"),
        "paused": N_("Paused"),
        "removed": N_("Removed"),
    },
}


class NewText(BaseModel):
    """A text link, or a text to share. Without a language it is for all."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["text_link", "share"]
    name: Name
    language: Code = ""
    text: Annotated[str, StringConstraints(max_length=10_000)]


class NewBanner(BaseModel):
    """What goes with the picture: its name, which is also read to those who do not see it, and its language."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    language: Code = ""


class NewStatus(BaseModel):
    """What becomes of a material."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "paused", "removed"]


_NAME = N_("Give it a name of 1 to 120 characters.")
_LANGUAGE = N_("Say a language by its two letters, such as en, or leave it empty.")
_FULL = N_("This campaign has 200 materials: remove some first.")
_TEXT_ADVICE: Advice = {
    "invalid_name": ("name", _NAME),
    "invalid_language": ("language", _LANGUAGE),
    "text_missing": ("text", N_("Write something first.")),
    "text_too_long": ("text", N_("This is too long.")),
    "invalid_text": ("text", N_("Leave out control characters; a text link has one line.")),
    "unknown_macro": ("text", N_("A word in braces stands for nothing: use those that are named below.")),
    "lone_brace": ("text", N_("A brace belongs to no word: leave it out.")),
    "link_missing": ("text", N_("Put {link} where the partner's own link goes.")),
    "too_many_materials": ("", _FULL),
    "material_changed": ("", N_("This was changed meanwhile: look at it again.")),
}
_BANNER_ADVICE: dict[str, tuple[str, str]] = {
    "invalid_name": ("banner_name", _NAME),
    "invalid_language": ("banner_language", _LANGUAGE),
    "picture_missing": ("file", N_("Choose a picture.")),
    "picture_too_large": ("file", N_("This picture is too large: save it with at most 500 KB.")),
    "unknown_picture": ("file", N_("This is no picture that pages can show: take a PNG, JPEG, GIF or WebP.")),
    "broken_picture": ("file", N_("This picture is cut off or broken: save it anew.")),
    "picture_dimensions": ("file", N_("A side of a picture has 1 to 5,000 pixels.")),
    "too_many_materials": ("", _FULL),
    "material_changed": ("", N_("This was changed meanwhile: look at it again.")),
}


@page(
    PATH,
    "desk_materials.html",
    who=Who.STAFF,
    columns=(
        ("material", lambda row: row["material"]),
        ("kind", lambda row: row["kind"]),
        ("name", lambda row: row["name"]),
        ("language", lambda row: row["language"]),
        ("size", lambda row: row["dimensions"]),
        ("status", lambda row: row["status"]),
        ("created", lambda row: row["created"]),
        ("text", lambda row: row["text"]),
    ),
)
def materials_of_campaign(visit: Visit, campaign: str, material: str = "") -> dict[str, Any]:
    """A campaign's banners, text links and texts to share, the newest first, paused ones too. `material` is the one
    whose refused change shows the page again."""
    assert visit.member is not None
    portal = visit.portal
    found = portal.configuration.campaign(visit.member.brand, campaign)
    kind, language, dimensions = visit.query("kind"), visit.query("language"), visit.query("size")
    subject = f"materials of {campaign} {kind} {language} {dimensions}"
    offered = read_materials(
        portal.materials,
        campaign,
        kind=kind,
        language=language,
        dimensions=dimensions,
        paused=True,
        cursor=visit.position(subject),
        limit=visit.limit(),
    )
    names = Names(portal.configuration)
    return {
        "campaign": found.campaign,
        "campaign_name": found.name,
        "items": [told(each) | {"created_by": names.of(each.created_by)} for each in offered.page.items],
        "next": visit.next(subject, offered.page.cursor),
        "sizes": offered.sizes,
        "languages": offered.languages,
        "kinds": [each.value for each in MaterialKind],
        "chosen": {"kind": kind, "language": language, "size": dimensions},
        "macros": {kind.value: sorted(found) for kind, found in MACROS.items() if found},
        "most_kilobytes": MOST_BYTES // 1024,
        "longest": LONGEST_SHARED,
        "may_change": visit.member.role in WRITERS,
    }


@page(PATH, "desk_materials.html", method="POST", who=Who.STAFF, again=materials_of_campaign, body=NewText)
def add_text_to_campaign(visit: Visit, campaign: str) -> Done:
    """Managers and admins add a text link or a text to share to a campaign."""
    assert visit.member is not None
    wish = visit.read(NewText)
    with advised(wish, _TEXT_ADVICE):
        made = add_text(
            visit.portal.configuration,
            visit.portal.materials,
            member=visit.member,
            campaign=campaign,
            kind=MaterialKind(wish.kind),
            name=wish.name,
            language=wish.language,
            text=wish.text,
            clock=visit.portal.now,
        )
    return _added(campaign, made)


@page(
    BANNERS,
    "desk_materials.html",
    method="POST",
    who=Who.STAFF,
    again=materials_of_campaign,
    most_bytes=MOST_SENT,
    body=NewBanner,
)
def add_banner_to_campaign(visit: Visit, campaign: str) -> Done:
    """Managers and admins add a banner to a campaign; sending one again adds nothing twice. A form with a picture in
    its field `file`. A program may send the picture as the body, as `application/octet-stream`, and `name` and
    `language` in the query."""
    assert visit.member is not None
    if visit.content_type == JSON:
        raise Malformed("Send a form with a picture, or the picture itself.", code="unsupported_media_type")
    filename, content = visit.file
    wish = _banner(visit)
    name = wish.name or filename.rpartition(".")[0].replace("_", " ").replace("-", " ").strip()
    try:
        with advised(wish, _BANNER_ADVICE):
            made = add_banner(
                visit.portal.configuration,
                visit.portal.materials,
                visit.portal.pictures,
                member=visit.member,
                campaign=campaign,
                name=name,
                language=wish.language,
                content=content,
                clock=visit.portal.now,
            )
    except FormRefused as refused:
        # The page has two forms with a name and a language: this one's fields are told apart.
        raise _of_banner(refused, wish) from refused.cause
    except TooLarge as error:
        raise _of_banner(FormRefused({}, {}, error), wish) from error
    return _added(campaign, made)


@page(
    PATH + "/{material}/status",
    "desk_materials.html",
    method="POST",
    who=Who.STAFF,
    again=materials_of_campaign,
    body=NewStatus,
)
def change_material(visit: Visit, campaign: str, material: str) -> Done:
    """Pauses one of a campaign's banners or texts, offers it again, or removes it for good."""
    assert visit.member is not None
    wish = visit.read(NewStatus)
    with advised(wish, {"material_removed": ("", N_("This was removed meanwhile: add it anew."))} | _TEXT_ADVICE):
        found = set_material_status(
            visit.portal.materials,
            visit.portal.pictures,
            member=visit.member,
            campaign=campaign,
            material=material,
            status=MaterialStatus(wish.status),
            clock=visit.portal.now,
        )
    return Done(told(found), PATH.format(campaign=campaign))


def told(material: Material) -> dict[str, Any]:
    """A material as staff and partners see it."""
    longest = max(material.width, material.height, 1)
    sides = {name: getattr(material, name) for name in ("width", "height")}
    fits = {name: side if longest <= _SHOWN else max(1, side * _SHOWN // longest) for name, side in sides.items()}
    return {
        "material": material.material,
        "kind": material.kind,
        "name": material.name,
        "language": material.language,
        "status": material.status,
        "text": material.text,
        "dimensions": material.dimensions,
        "width": material.width,
        "height": material.height,
        "content_type": material.content_type,
        "size": material.size,
        "fits": fits,
        "picture": f"{PICTURES}/{material.material}" if material.kind is MaterialKind.BANNER else "",
        "created": material.created,
    }


def _added(campaign: str, made: Material) -> Done:
    return Done(told(made), f"{PATH.format(campaign=campaign)}?added={made.material}", created=True)


def _banner(visit: Visit) -> NewBanner:
    if visit.fields:
        try:
            return visit.read(NewBanner)
        except FormRefused as refused:
            named = {f"banner_{name}": said for name, said in refused.errors.items()}
            raise FormRefused(named, {}, refused.cause) from None
    try:
        return NewBanner.model_validate({"name": visit.query("name"), "language": visit.query("language")})
    except ValueError:
        raise Malformed("name has at most 400 characters, language two.", code="bad_query") from None


def _of_banner(refused: FormRefused, wish: NewBanner) -> FormRefused:
    field, message = _BANNER_ADVICE[refused.cause.code]
    typed = {"banner_name": wish.name, "banner_language": wish.language}
    return FormRefused({field: message}, typed, refused.cause)
