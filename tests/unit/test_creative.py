"""Banners are what their bytes say; texts have the macros that are filled in."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from introducer.domain.configuration import Role
from introducer.domain.creative import (
    MOST_BYTES,
    Material,
    MaterialKind,
    a_banner,
    a_text,
    check_writer,
    chosen,
    filled,
    picture_of,
)
from introducer.domain.errors import Forbidden, IntroducerError
from tests.support.builders import at
from tests.support.pictures import drawn

NOW = at("2026-04-02 09:30")


def written(kind: MaterialKind, text: str, **other: Any) -> Material:
    given = {"name": "Spring", "language": "en", "at": NOW, "by": "mem_1"} | other
    return a_text("brd_1", "cmp_1", kind=kind, text=text, **given)


def refused(make: Any) -> str:
    with pytest.raises(IntroducerError) as raised:
        make()
    return raised.value.code


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (drawn(kind="PNG"), "image/png"),
        (drawn(kind="JPEG"), "image/jpeg"),
        (drawn(kind="JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), "image/jpeg"),
        (drawn(kind="JPEG") + b"\0\0\0", "image/jpeg"),
        (drawn(kind="JPEG", quality=100, restart_marker_blocks=1), "image/jpeg"),
        (drawn(kind="GIF", mode="P"), "image/gif"),
        (
            drawn(kind="GIF", mode="RGB", save_all=True, append_images=[Image.new("RGB", (300, 250), "red")]),
            "image/gif",
        ),
        (drawn(kind="WEBP"), "image/webp"),
        (drawn(kind="WEBP", lossless=True), "image/webp"),
        (drawn(kind="WEBP", mode="RGBA", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), "image/webp"),
    ],
)
def test_a_pictures_kind_and_size_are_read_from_its_bytes(content: bytes, content_type: str) -> None:
    found = picture_of(content)
    assert (found.content_type, found.width, found.height) == (content_type, 300, 250)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_that_is_cut_off_anywhere_is_refused(kind: str) -> None:
    content = drawn(20, 10, kind, "P" if kind == "GIF" else "RGB")
    for length in range(1, len(content)):
        assert refused(lambda length=length: picture_of(content[:length])) in {"broken_picture", "unknown_picture"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "picture_missing"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "unknown_picture"),
        (b"<!doctype html><title>banner.png</title>", "unknown_picture"),
        (b"%PDF-1.7\n", "unknown_picture"),
        (b"RIFF\x04\0\0\0WAVE", "unknown_picture"),
        *(
            (drawn(kind=kind) + b"<script>alert(1)</script>" + end, "broken_picture")
            for kind, end in (("PNG", b""), ("JPEG", b"\xff\xd9"), ("GIF", b";"), ("WEBP", b""))
        ),
        (b"GIF89a" + b"\x01\0" * 2 + b"\0\0\0;", "broken_picture"),
        (b"GIF89a=1/*\0\0\0*/;alert(1);", "broken_picture"),
        (b"\xff\xd8\xff\xd9", "broken_picture"),
        (drawn(5_001, 1, "PNG"), "picture_dimensions"),
        (b"\0" * (MOST_BYTES + 1), "picture_too_large"),
    ],
)
def test_what_is_no_picture_for_pages_is_refused(content: bytes, code: str) -> None:
    assert refused(lambda: picture_of(content)) == code


def test_a_picture_says_no_size_of_nothing() -> None:
    header = struct.pack(">II", 0, 250) + b"\x08\x02\0\0\0"

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
    assert refused(lambda: picture_of(content)) == "picture_dimensions"


def test_the_same_banner_under_the_same_name_is_the_same() -> None:
    given: dict[str, Any] = {"name": "Spring", "language": "en", "content": drawn(kind="PNG"), "at": NOW, "by": "mem_1"}
    one = a_banner("brd_1", "cmp_1", **given)
    assert one == a_banner("brd_1", "cmp_1", **given)
    assert (one.dimensions, one.size, one.is_served) == ("300x250", len(given["content"]), True)
    others = [
        a_banner("brd_1", "cmp_2", **given),
        *(
            a_banner("brd_1", "cmp_1", **given | change)
            for change in ({"name": "Autumn"}, {"language": ""}, {"content": drawn(728, 90, "PNG")})
        ),
    ]
    assert len({each.material for each in (one, *others)}) == 5


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (MaterialKind.TEXT_LINK, " ", "text_missing"),
        (MaterialKind.TEXT_LINK, "x" * 201, "text_too_long"),
        (MaterialKind.TEXT_LINK, "two\nlines", "invalid_text"),
        (MaterialKind.TEXT_LINK, "Open {link}", "unknown_macro"),
        (MaterialKind.SHARE, "Trade with {brand}", "link_missing"),
        (MaterialKind.SHARE, "{link} for {name}", "unknown_macro"),
        (MaterialKind.SHARE, "{link} {", "lone_brace"),
        (MaterialKind.SHARE, "{link} \x07", "invalid_text"),
        (MaterialKind.SHARE, "{link}" + "x" * 1_000, "text_too_long"),
    ],
)
def test_a_text_that_cannot_be_is_refused(kind: MaterialKind, text: str, code: str) -> None:
    assert refused(lambda: written(kind, text)) == code


def test_a_text_is_for_a_language_that_there_is_or_for_all() -> None:
    assert written(MaterialKind.SHARE, "{link}", language=" PL ").language == "pl"
    assert written(MaterialKind.SHARE, "{link}", language="").language == ""
    for language in ("xx", "english", "e", "<b"):
        assert refused(lambda language=language: written(MaterialKind.SHARE, "{link}", language=language)) == (
            "invalid_language"
        )
    assert refused(lambda: written(MaterialKind.SHARE, "{link}", name="\n")) == "invalid_name"


def test_a_text_keeps_its_lines_and_is_filled_in_one_pass() -> None:
    text = written(MaterialKind.SHARE, "Hello\r\n\r\n{brand}: {link}").text
    assert text == "Hello\n\n{brand}: {link}"
    assert filled(text, {"brand": "{link}", "link": "https://x.example"}) == "Hello\n\n{link}: https://x.example"


def test_what_is_for_all_languages_fits_each() -> None:
    given: dict[str, Any] = {"name": "Spring", "content": drawn(kind="PNG"), "at": NOW, "by": "mem_1"}
    banner = a_banner("brd_1", "cmp_1", language="pl", **given)
    anywhere = a_banner("brd_1", "cmp_1", language="", **given | {"content": drawn(728, 90, "PNG")})
    text = written(MaterialKind.SHARE, "{link}")
    everything = [banner, anywhere, text]
    assert chosen(everything) == everything
    assert chosen(everything, language="pl") == [banner, anywhere]
    assert chosen(everything, language="en") == [anywhere, text]
    assert chosen(everything, dimensions="728x90") == [anywhere]
    assert chosen(everything, kind="share") == [text]


@pytest.mark.parametrize("role", Role)
def test_managers_and_admins_alone_change_materials(role: Role) -> None:
    if role in (Role.MANAGER, Role.ADMIN):
        check_writer(role)
    else:
        with pytest.raises(Forbidden):
            check_writer(role)
