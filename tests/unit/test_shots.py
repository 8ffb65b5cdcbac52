"""What is found wrong with the words of a page, and which pages a walk keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from introducer.locale import CODES, DEFAULT
from introducer_ops.shots.crawl import STRANGER, Place, links_in_mails, links_of, route_of, shape_of
from introducer_ops.shots.looking import LOOKS, PASSES, Defect, Measured, Seen, document
from introducer_ops.shots.words import Text, translations, wrong_words

ROUTES = ("/", "/links", "/links/{code}", "/desk/runs/schedules", "/desk/runs/{run}", "/unsubscribe/{token}")


def kinds(text: str, language: str = "en", *, raw: bool = False, own: bool = False) -> list[str]:
    return [kind for kind, _ in wrong_words([Text(text, raw, own)], language)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("It went to par_01M18YB9MCG3V7Q021J22BGPK0", "raw id"),
        ("Paid to None", "program"),
        ("undefined", "program"),
        ("Hello %(name)s", "template"),
        ("Hello {{ name }}", "template"),
        ("Tom &amp; Co", "template"),
        ("It is in pending_review", "key"),
        ("Since 2026-04-02T09:30:00Z", "moment"),
        ("Since 2026-04-02", "moment"),
        ("It came to 1234.5678", "number"),
        ("It came to 0E-8", "number"),
        ("It came to 12345", "number"),
        ("It is Status.ACTIVE", "repr"),
    ],
)
def test_what_a_program_left_on_a_page_is_found(text: str, kind: str) -> None:
    assert kinds(text) == [kind]
    assert kinds(text, raw=True) == [], "in small print that is copied it is at home"


@pytest.mark.parametrize(
    "text",
    [
        "1,234.50 EUR on 2 Apr 2026 09:30 UTC",
        "None of them qualified",
        "owner_two@mail.example wrote",
        "https://go.example.com/a_b?aff_sub=1",
        "12.5%, 0.25 lots, 1.08 USD",
        "+48555123456",
        "With its country, such as +49 30 123456.",
        "v1.2.3",
    ],
)
def test_what_people_read_is_left_alone(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize("text", ["sube 1.127 %, antes: 4", "1.234.567,50 EUR", "12.345 clics"])
def test_thousands_have_a_point_in_spanish_alone(text: str) -> None:
    assert kinds(text, "es") == []
    assert kinds(text) == (["number"] if "1.234.567" not in text else [])


@pytest.mark.parametrize("text", ["sube 0.127 %", "sube 1.1275 %", "antes: 12345", "1234.567 EUR"])
def test_a_raw_number_is_found_in_spanish_too(text: str) -> None:
    assert kinds(text, "es") == ["number"]


def test_english_in_another_language_is_found() -> None:
    # given a text that the catalogue has in Arabic
    english, arabic = next((a, b) for a, b in translations("ar").items() if len(a) > 20 and "%" not in a and a != b)

    # then it is found in English on an Arabic page, unless it is somebody's own word
    assert kinds(english, "ar")[:1] == ["untranslated"]
    assert kinds(english, "ar", own=True) == []
    assert kinds(arabic, "ar") == []
    assert kinds("Somebody wrote these words themselves", "ar") == ["english"]
    assert kinds("Somebody wrote these words themselves", "pl") == [], "Polish looks no different"
    assert translations(DEFAULT) == {}


def test_a_path_belongs_to_the_route_that_says_most_about_it() -> None:
    assert route_of("/desk/runs/schedules", ROUTES) == "/desk/runs/schedules"
    assert route_of("/desk/runs/2026-w43", ROUTES) == "/desk/runs/{run}"
    assert route_of("/links/", ROUTES) is None
    assert route_of("/nowhere", ROUTES) is None


def test_pages_look_alike_by_route_and_names_in_the_query() -> None:
    route = "/links/{code}"
    assert shape_of("/links/aa?month=2026-03", route) == shape_of("/links/bb?month=2026-04", route)
    assert shape_of("/links/aa?month=2026-03", route) != shape_of("/links/aa?month=2026-03&day=1", route)


def test_links_are_read_as_a_browser_reads_them() -> None:
    page = '<a href="/links?a=1&amp;b=2">x</a><a name="here"><link href="/no"><a href=\'#x\'>'
    assert links_of(page) == ["/links?a=1&b=2", "#x"]


def test_links_in_mails_lead_to_pages_without_a_login(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.eml").write_text(
            "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
            f"Stop these: http://portal.example/unsubscribe/t{number}?once=1. Or look: https://other.example/nowhere\n"
        )
    assert links_in_mails(tmp_path, ROUTES) == ["/unsubscribe/t0?once=1"]


def test_every_language_is_looked_at_and_english_and_arabic_at_both_widths() -> None:
    widths = {code: {one.width for one in PASSES if one.language == code and not one.dark} for code in CODES}
    assert set(widths) == set(CODES)
    assert all(widths.values())
    assert widths["en"] == widths["ar"] == {390, 1440}
    assert len({one.name for one in PASSES}) == len(PASSES)
    first, again = Place("owner", "/links/a", "/links/{code}"), Place("owner", "/links/b", "/links/{code}", alike=True)
    assert {one.name: len(one.of([first, again])) for one in PASSES if one.of([first, again]) == [first, again]} == {
        "en-390": 2,
        "en-1440": 2,
    }


def test_a_report_says_the_same_finding_once_and_looks_apart() -> None:
    looked = sorted(LOOKS)[0]
    seen = Seen(
        defects=[
            Defect("cut", "<p> Long", "owner /", "en-390"),
            Defect("cut", "<p> Long", "owner /", "ar-390"),
            Defect(looked, "<p> Long", "owner /", "ar-390"),
        ],
        measured=[
            Measured("/", 40, 3, 1, 100.0),
            Measured("/links", 60, 3, 1, None),
            Measured("/deal", 50, 3, 1, 300.0),
        ],
    )
    report = document(seen, [Place(STRANGER, "/", "/")], ["404 /x"], ["/y"])

    assert report["defects"] == [
        {"kind": "cut", "words": "<p> Long", "pages": 2, "where": ["en-390 owner /", "ar-390 owner /"]}
    ]
    assert [each["kind"] for each in report["looks"]] == [looked]
    assert (report["largest_paint_median_ms"], report["bytes_median"], report["bytes_max"]) == (200.0, 50, 60)
    assert (report["broken_links"], report["unreached"]) == (["404 /x"], ["/y"])
    assert report["measured"][1]["round_trips"] == 1


def test_names_of_pictures_tell_pages_apart() -> None:
    names = [
        Place("owner", path, route).name
        for path, route in (("/", "/"), ("/links/aa", "/links/{code}"), ("/links?state=open", "/links"))
    ]
    assert names == ["owner-home", "owner-links-code", "owner-links-state"]


def test_a_button_that_takes_what_is_ticked_elsewhere_is_a_way_with_the_first_two_ticks() -> None:
    form = """<form method="get" action="/list"><a href="/one">One</a>
    <input type="checkbox" name="partner" value="a"><input type="checkbox" name="partner" value="b&c">
    <input type="checkbox" name="partner" value="d"><button name="do" value="own">Stays</button>
    <button formaction="/together">Goes</button><button formaction="/write" name="chosen" value="1">Goes</button></form>
    <form method="post"><input type="checkbox" name="x" value="y"><button formaction="/writes">Writes</button></form>"""
    assert links_of(form) == [
        "/one",
        "/together?partner=a&partner=b%26c",
        "/write?partner=a&partner=b%26c&chosen=1",
    ]
