"""The portal's words: none is missing, in any language, and the compiled catalogues are those of the sources."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from introducer.locale import CODES, best, language, wishes
from introducer_ops import catalogues

TEMPLATES = catalogues.PORTAL / "templates"


def test_messages_are_found_in_templates_and_code() -> None:
    found = {message.id for message in catalogues.collected() if message.id}

    assert {"What you earned", "Fill this in.", "Rounded once, a half to the even unit"} <= found
    assert len(found) > 150


def test_no_choice_of_all_leaves_out_what_it_is_all_of() -> None:
    # the word alone has one gender, whatever it stands for
    bare = [[place for place, _ in message.locations] for message in catalogues.collected() if message.id == "All"]

    assert bare == []
    for code, message, agrees in (
        ("pl", "All managers", "Wszyscy"), ("pl", "All statuses", "Wszystkie"),
        ("es", "All managers", "Todos los"), ("es", "All campaigns", "Todas las"), ("es", "All rules", "Todas las"),
    ):  # fmt: skip
        assert language(code).text(message).startswith(agrees), (code, message)


@pytest.mark.parametrize("code", CODES)
def test_a_language_says_everything_and_nothing_else(code: str) -> None:
    assert catalogues.defects(code) == []


def test_a_comma_between_two_parts_of_a_line_is_the_one_of_the_readers_language() -> None:
    between = re.compile(r"[%}]}(?:</\w+>)*[,;] (?:<bdi[^>]*>)?{[{%]")
    own = {
        path.name: found
        for path in TEMPLATES.glob("*.html")
        if path.name != "api_area.html"
        and (found := between.findall(re.sub(r"{% trans.*?endtrans %}", "", path.read_text(), flags=re.DOTALL)))
    }

    assert own == {}
    assert [language(code).mark(",") for code in ("en", "ar")] == [", ", "\N{ARABIC COMMA} "]
    assert language("ar").mark(";") == "\N{ARABIC SEMICOLON} "


@pytest.mark.parametrize("code", CODES)
def test_a_compiled_catalogue_is_that_of_its_source(code: str) -> None:
    # Not compared in the assertion itself: to show how 100 kB differ takes pytest many minutes.
    compiled = catalogues.mo_path(code).read_bytes() == catalogues.compiled(catalogues.read(code))
    fresh = catalogues.po_path(code).read_bytes() == catalogues.source(catalogues.update(code))
    assert compiled, "run `make docs`"
    assert fresh, "run `make docs`"


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("en", ["Åland Islands", "Albania", "Côte d’Ivoire", "Croatia", "Zimbabwe"]),
        ("pl", ["Litwa", "Luksemburg", "Łotwa", "Madagaskar", "Szwecja"]),
        ("es", ["Eslovenia", "España", "Estonia", "Perú", "Polonia"]),
        ("ru", ["Италия", "Йемен", "Кабо-Верде"]),
        ("ar", ["إثيوبيا", "أذربيجان", "ألمانيا", "إيران"]),
        ("th", ["กานา", "เกาหลีใต้", "แคนาดา", "ไทย", "โปแลนด์", "ฝรั่งเศส"]),
    ],
)
def test_countries_stand_where_readers_of_a_language_look_for_them(code: str, wanted: list[str]) -> None:
    spoken = language(code)
    names = [spoken.country(each) for each in spoken.countries]
    assert [each for each in names if each in wanted] == wanted
    assert len(names) == len(set(names)) > 240 and "EU" not in spoken.countries


def test_a_missing_translation_is_found(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a catalogue in which one message lost its translation, one its placeholder, and one says other code
    catalogue = catalogues.read("pl")
    catalogue["What you earned"].string = ""
    catalogue["Version %(version)s"].string = "Wersja"
    catalogue["Where the platform answers: `https://…`"].string = "Adres platformy: `http://…`"
    del catalogue["Clicks"]
    monkeypatch.setattr(catalogues, "read", lambda code: catalogue)

    assert catalogues.defects("pl") == [
        "pl: 'Clicks' is missing",
        "pl: 'Version %(version)s' has other placeholders",
        "pl: 'What you earned' is not translated",
        "pl: 'Where the platform answers: `https://…`' has other placeholders",
    ]


def test_templates_say_nothing_past_the_catalogues() -> None:
    """Text between tags that no catalogue has would be English for everybody."""
    allowed = {"Introducer", "·", ":", "&#8211;", "1", "2", "3", "=", "1  =", "·  ·"}
    for path in sorted(TEMPLATES.glob("*.html")):
        text = re.sub(r"{%-?\s*trans.*?endtrans\s*-?%}", "", path.read_text(), flags=re.S)
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", "\0", text, flags=re.S)
        said = {piece.strip() for piece in text.split("\0")} - {""} - allowed
        # What is left of attributes that hold template code.
        left = re.compile(r'[\w"\s=>/?&-]*')
        said = {piece for piece in said if re.search(r"[A-Za-z]{2}", piece) and not left.fullmatch(piece)}
        assert said == set(), path.name


@pytest.mark.parametrize("code", CODES)
def test_amounts_keep_their_decimals_and_western_digits(code: str) -> None:
    spoken = language(code)

    figures = [spoken.amount(-123_456_789, "EUR"), spoken.amount(5, "KWD"), spoken.amount(1234, "JPY")]

    assert [re.sub(r"[^0-9]", "", figure) for figure in figures] == ["123456789", "0005", "1234"]
    assert figures[0].startswith("\N{MINUS SIGN}")
    assert spoken.direction == ("rtl" if code == "ar" else "ltr")


@pytest.mark.parametrize(("code", "wanted"), [("ru", "через 12 дней"), ("pl", "za 12 dni"), ("en", "in 12 days")])
def test_days_are_counted_in_days(code: str, wanted: str) -> None:
    assert language(code).relative_day("2026-05-12", "2026-04-30") == wanted


def test_moments_are_said_in_utc() -> None:
    moment = datetime(2026, 4, 2, 1, 30, tzinfo=UTC).astimezone(tz=None)

    assert language("en").moment(moment) == "2 Apr 2026 01:30 UTC"
    assert language("en").relative(moment - timedelta(hours=3), moment) == "3 hours ago"
    for seconds, said in ((62, "1 minute ago"), (119, "1 minute ago"), (3599, "59 minutes ago"), (3700, "1 hour ago")):
        assert language("en").relative(moment - timedelta(seconds=seconds), moment) == said
    assert language("en").relative(moment + timedelta(minutes=62), moment) == "in 1 hour"


def test_plurals_follow_the_language() -> None:
    def quiet(code: str, number: int) -> str:
        one, many = "%(num)s day without anything", "%(num)s days without anything"
        said: str = language(code).messages.ngettext(one, many, number)
        return said % {"num": number}

    assert [quiet("ru", n) for n in (1, 3, 5, 21)] == [
        "1 день без активности", "3 дня без активности", "5 дней без активности", "21 день без активности",
    ]  # fmt: skip
    assert len({quiet("ar", n).replace(str(n), "") for n in (0, 1, 2, 5, 11, 100)}) == 6


def test_a_form_of_one_number_says_it_once_and_one_of_several_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    # "one entry" needs no figure, and "قيد واحد (1)" says it twice
    for number in (0, 1, 2):
        assert "%(num)s" not in language("ar").messages.ngettext("%(num)s entry", "%(num)s entries", number)
    assert "%(num)s" in language("ar").messages.ngettext("%(num)s entry", "%(num)s entries", 3)

    read = catalogues.read
    # in Polish one has a form of its own; in Russian it is that of twenty-one too
    for code, defects in (("pl", []), ("ru", ["ru: ('%(num)s entry', '%(num)s entries') has other placeholders"])):
        catalogue = read(code)
        forms = catalogue["%(num)s entry"].string
        catalogue["%(num)s entry"].string = ("x", *forms[1:])
        monkeypatch.setattr(catalogues, "read", lambda code, catalogue=catalogue: catalogue)
        assert [each for each in catalogues.defects(code) if "placeholders" in each] == defects


def test_wishes_are_read_by_their_weight() -> None:
    assert wishes("en;q=0.2, ru, ar;q=0.9, de;q=0") == ["ru", "ar", "en"]
    assert best(["de-AT", "es_MX"]).code == "es"
    assert best([None, ""]).code == "en"
