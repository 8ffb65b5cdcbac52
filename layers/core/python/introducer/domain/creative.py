"""What the broker's staff give partners to promote a campaign with: banners, text links, texts to share.

A banner is a picture whose kind and size are read from its own bytes: what its sender calls it says nothing. What was
made is never changed: another picture is another material, so that an address may be kept by caches, and by the pages
that it stands on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from introducer.domain import forms
from introducer.domain.configuration import Role
from introducer.domain.errors import Forbidden, Invalid, TooLarge
from introducer.domain.ids import derived_id

MOST_BYTES = 500 * 1024
"""Of a picture: it is loaded by everybody who opens a partner's page."""
MOST_PIXELS = 5_000
"""Of a side of a picture."""
MOST_MATERIALS = 200
"""Of a campaign: a partner's page looks at all of them."""
LONGEST_LINK, LONGEST_SHARED = 200, 1_000
"""Characters of a text link, and of a text to share."""
WRITERS = frozenset({Role.MANAGER, Role.ADMIN})
"""Who adds, pauses and removes materials."""

_MACRO = re.compile(r"\{([^{}]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu "
    "ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
    "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so "
    "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
)
_LANGUAGES = frozenset(_CODES.split())
"""ISO 639-1."""


class MaterialKind(StrEnum):
    BANNER = "banner"
    TEXT_LINK = "text_link"
    SHARE = "share"
    """A text to send or to post."""


class MaterialStatus(StrEnum):
    """A paused material is offered to nobody, and stays where partners have put it; a removed one is gone there too."""

    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"


MACROS: dict[MaterialKind, frozenset[str]] = {
    MaterialKind.BANNER: frozenset(),
    MaterialKind.TEXT_LINK: frozenset({"brand", "campaign"}),
    MaterialKind.SHARE: frozenset({"link", "brand", "campaign"}),
}
"""Words in braces that a text of this kind may have."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the bytes of a picture say of themselves."""

    content_type: str
    width: int
    height: int
    """In pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    material: str
    brand: str
    campaign: str
    kind: MaterialKind
    name: str
    """Of a banner it is also what is read to people who do not see it."""
    language: str
    """ISO 639-1; empty: for all."""
    text: str = ""
    """Of the other two kinds, with its macros."""
    content_type: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    """Bytes."""
    digest: str = ""
    """SHA-256 of the picture, hex."""
    status: MaterialStatus = MaterialStatus.ACTIVE
    version: int = 1
    created: datetime
    created_by: str

    @property
    def dimensions(self) -> str:
        """`300x250`; empty for what is no picture."""
        return f"{self.width}x{self.height}" if self.kind is MaterialKind.BANNER else ""

    @property
    def is_served(self) -> bool:
        """Whether its picture is there for whoever has its address."""
        return self.kind is MaterialKind.BANNER and self.status is not MaterialStatus.REMOVED


def check_writer(role: Role) -> None:
    """Raises `Forbidden` (`not_your_role`)."""
    if role not in WRITERS:
        raise Forbidden("Managers and admins change what partners promote with.", code="not_your_role")


def a_banner(brand: str, campaign: str, *, name: str, language: str, content: bytes, at: datetime, by: str) -> Material:
    """A new banner. Its id follows from what it is: the same picture under the same name is the same banner.

    Raises `Invalid` (`invalid_name`, `invalid_language`, and what `picture_of` raises) and `TooLarge`.
    """
    picture = picture_of(content)
    name, language, digest = forms.name(name, "banner"), language_of(language), sha256(content).hexdigest()
    return Material(
        material=derived_id("mat", brand, campaign, MaterialKind.BANNER, name, language, digest),
        brand=brand,
        campaign=campaign,
        kind=MaterialKind.BANNER,
        name=name,
        language=language,
        content_type=picture.content_type,
        width=picture.width,
        height=picture.height,
        size=len(content),
        digest=digest,
        created=at,
        created_by=by,
    )


def a_text(
    brand: str, campaign: str, *, kind: MaterialKind, name: str, language: str, text: str, at: datetime, by: str
) -> Material:
    """A new text link or text to share. Its id follows from what it says.

    Raises `Invalid`: `invalid_name`, `invalid_language`, `text_missing`, `text_too_long`, `invalid_text` (a control
    character), `unknown_macro`, `lone_brace`, `link_missing` (a text to share without `{link}`).
    """
    name, language, text = forms.name(name, "text"), language_of(language), _text(kind, text)
    return Material(
        material=derived_id("mat", brand, campaign, kind, name, language, text),
        brand=brand,
        campaign=campaign,
        kind=kind,
        name=name,
        language=language,
        text=text,
        created=at,
        created_by=by,
    )


def language_of(text: str) -> str:
    """An ISO 639-1 code, or nothing for all languages. Raises `Invalid` (`invalid_language`)."""
    text = text.strip().lower()
    if text and text not in _LANGUAGES:
        raise Invalid("Say a language by its two letters, such as en, or leave it empty.", code="invalid_language")
    return text


def filled(text: str, values: dict[str, str]) -> str:
    """The text with its macros replaced, in one pass: what a value says is never read as a macro again."""
    return _MACRO.sub(lambda match: values.get(match[1], match[0]), text)


def chosen(
    materials: Iterable[Material], *, kind: str = "", language: str = "", dimensions: str = ""
) -> list[Material]:
    """Those that fit, in their order. One for all languages fits each; an empty wish is none."""
    return [
        each
        for each in materials
        if (not kind or each.kind == kind)
        and (not language or each.language in ("", language))
        and (not dimensions or each.dimensions == dimensions)
    ]


# ----------------------------------------------------------------------------------------------------------- pictures


def picture_of(content: bytes) -> Picture:
    """What a picture is, by its bytes: PNG, JPEG, GIF or WebP, whole and of a size that pages can show.

    Raises `TooLarge` (`picture_too_large`) and `Invalid`: `picture_missing`, `unknown_picture`, `broken_picture`,
    `picture_dimensions`.
    """
    if not content:
        raise Invalid("Choose a picture.", code="picture_missing")
    if len(content) > MOST_BYTES:
        raise TooLarge(f"A picture has at most {MOST_BYTES // 1024} KB.", code="picture_too_large")
    for beginning, content_type, reader in _READERS:
        if content.startswith(beginning) and (content_type != "image/webp" or content[8:12] == b"WEBP"):
            try:
                width, height = reader(content)
            except (IndexError, ValueError) as error:
                raise Invalid("This picture is cut off or broken: save it anew.", code="broken_picture") from error
            if not (1 <= width <= MOST_PIXELS and 1 <= height <= MOST_PIXELS):
                raise Invalid(f"A side of a picture has 1 to {MOST_PIXELS} pixels.", code="picture_dimensions")
            return Picture(content_type, width, height)
    raise Invalid("This is no picture that pages can show: take a PNG, JPEG, GIF or WebP.", code="unknown_picture")


def _png(content: bytes) -> tuple[int, int]:
    """Chunk by chunk: the first is the header, the last the end, and nothing stands behind it."""
    at, size = 8, (0, 0)
    while True:
        length, name = _number(content, at, 4), content[at + 4 : at + 8]
        if (at == 8) != (name == b"IHDR"):
            raise ValueError("the header is not first")
        if name == b"IHDR":
            size = _number(content, at + 8, 4), _number(content, at + 12, 4)
        at += 12 + length
        if at > len(content):
            raise ValueError("cut off")
        if name == b"IEND":
            if at != len(content):
                raise ValueError("something stands behind the end")
            return size


def _jpeg(content: bytes) -> tuple[int, int]:
    """Segment by segment: the frame's header has the size, scans come behind it, and behind the end marker there are
    zeros at most."""
    at, size = 2, (0, 0)
    while True:
        if content[at] != 0xFF:
            raise ValueError("no marker")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            if not any(size) or content[at + 2 :].strip(b"\0"):
                raise ValueError("no frame, or something stands behind the end")
            return size
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = _number(content, at + 7, 2), _number(content, at + 5, 2)
        at += 2 + max(2, _number(content, at + 2, 2))
        if marker == 0xDA:
            # In what a scan holds, only these stand behind an FF: a zero, and the marks to start again.
            while (at := content.index(b"\xff", at)) and (content[at + 1] == 0 or 0xD0 <= content[at + 1] <= 0xD7):
                at += 2


def _gif(content: bytes) -> tuple[int, int]:
    """Block by block: what is said of the picture, frames, and the end, behind which there is nothing."""
    at, frames = 13 + _colours(content[10]), 0
    while content[at] != 0x3B:
        if content[at] == 0x2C:
            frames += 1
            at += 11 + _colours(content[at + 9])
        elif content[at] == 0x21:
            at += 2
        else:
            raise ValueError("no block")
        while content[at]:
            at += 1 + content[at]
        at += 1
    if not frames or at + 1 != len(content):
        raise ValueError("no frame, or something stands behind the end")
    return _number(content, 6, 2, "little"), _number(content, 8, 2, "little")


def _colours(packed: int) -> int:
    """Bytes of the table of colours of which a GIF says this."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _webp(content: bytes) -> tuple[int, int]:
    length = _number(content, 4, 4, "little")
    if length + 8 + (length & 1) != len(content) and length + 8 != len(content):
        raise ValueError("cut off")
    match content[12:16]:
        case b"VP8X":
            return _number(content, 24, 3, "little") + 1, _number(content, 27, 3, "little") + 1
        case b"VP8L":
            if content[20] != 0x2F:
                raise ValueError("no signature")
            bits = _number(content, 21, 4, "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            if content[23:26] != b"\x9d\x01\x2a":
                raise ValueError("no start code")
            return _number(content, 26, 2, "little") & 0x3FFF, _number(content, 28, 2, "little") & 0x3FFF
    raise ValueError("no picture in it")


_READERS = (
    (b"\x89PNG\r\n\x1a\n", "image/png", _png),
    (b"\xff\xd8\xff", "image/jpeg", _jpeg),
    (b"GIF87a", "image/gif", _gif),
    (b"GIF89a", "image/gif", _gif),
    (b"RIFF", "image/webp", _webp),
)


def _number(content: bytes, at: int, length: int, order: str = "big") -> int:
    found = content[at : at + length]
    if len(found) < length:
        raise ValueError("cut off")
    return int.from_bytes(found, "big" if order == "big" else "little")


# -------------------------------------------------------------------------------------------------------------- texts


def _text(kind: MaterialKind, text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    longest = LONGEST_LINK if kind is MaterialKind.TEXT_LINK else LONGEST_SHARED
    if not text:
        raise Invalid("Write a text.", code="text_missing")
    if len(text) > longest:
        raise Invalid(f"This text has at most {longest} characters.", code="text_too_long")
    if _CONTROL.search(text if kind is MaterialKind.TEXT_LINK else text.replace("\n", "")):
        raise Invalid("The text has a control character: leave it out.", code="invalid_text")
    allowed = MACROS[kind]
    for name in _MACRO.findall(text):
        if name not in allowed:
            known = " ".join(f"{{{each}}}" for each in sorted(allowed))
            raise Invalid(f"{{{name[:40]}}} stands for nothing here: use {known}.", code="unknown_macro")
    if re.search(r"[{}]", _MACRO.sub("", text)):
        raise Invalid("A brace belongs to no word: leave it out.", code="lone_brace")
    if kind is MaterialKind.SHARE and "{link}" not in text:
        raise Invalid("Put {link} where the partner's own link goes.", code="link_missing")
    return text
