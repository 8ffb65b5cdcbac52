"""Countries as people type them into forms, by names or codes, in every language of the portal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from introducer.domain.errors import Invalid
from introducer.locale import CODES, language
from tests.support.functions import load

names: Any = load("portal", "names_typed")

ENGLISH, RUSSIAN, ARABIC, THAI = map(language, ("en", "ru", "ar", "th"))
MUCH = 1_000_000


@pytest.mark.parametrize(
    ("spoken", "typed", "read"),
    [
        (ENGLISH, "Poland, thailand", ["PL", "TH"]),
        (ENGLISH, "de, AT", ["DE", "AT"]),
        (ENGLISH, "pl th AE", ["PL", "TH", "AE"]),
        (ENGLISH, "Poland, th AE", ["PL", "TH", "AE"]),
        (ENGLISH, "South Sudan; Poland,, Thailand ;", ["SS", "PL", "TH"]),
        (ENGLISH, "Poland\r\nThailand\n", ["PL", "TH"]),
        (ENGLISH, "Poland, Polnad, XX", ["PL", "Polnad", "XX"]),
        (ENGLISH, "XX TH", ["XX TH"]),
        (ENGLISH, " , ", []),
        (ENGLISH, "", []),
        (ENGLISH, "Польша, Таиланд", ["PL", "TH"]),
        (RUSSIAN, "польша; Бонэйр, Синт-Эстатиус и Саба", ["PL", "BQ"]),
        (ARABIC, "بولندا، تايلاند؛ DE", ["PL", "TH", "DE"]),
    ],
)
def test_countries_are_read_by_names_and_by_codes(spoken: Any, typed: str, read: list[str]) -> None:
    assert names.read_countries(spoken, typed) == read
    fields = {"terms.rules.0.amounts.1.countries": typed, "countries": [typed], "name": "Poland"}
    in_codes = fields | {"terms.rules.0.amounts.1.countries": ", ".join(read)}
    assert names.with_codes(spoken, fields) == in_codes
    assert names.with_codes(spoken, in_codes) == in_codes, "once more changes nothing"


@pytest.mark.parametrize("spoken", CODES)
def test_what_english_calls_countries_otherwise_is_read_too(spoken: str) -> None:
    typed = "UK, uk, USA, UAE, Turkey, Hong Kong, Macau, Czech Republic, Ivory Coast, Macedonia"
    read = ["GB", "GB", "US", "AE", "TR", "HK", "MO", "CZ", "CI", "MK"]
    assert names.read_countries(language(spoken), typed) == read
    assert names.with_codes(language(spoken), {"countries": "UK"}) == {"countries": "GB"}


@pytest.mark.parametrize("typed", ["EU", "ZZ", "PL, XX", "Polnad"])
def test_a_form_that_asks_for_it_is_refused_for_what_is_no_country(typed: str) -> None:
    def sent(kind: str, text: str) -> Any:
        return SimpleNamespace(content_type=kind, language=ENGLISH, fields={"name": "ZZ", "pages.0.countries": text})

    with pytest.raises(Invalid) as refused:
        names.check_countries(sent("application/x-www-form-urlencoded", typed))
    assert (refused.value.code, refused.value.facts) == ("invalid_country", {"field": "pages.0.countries"})
    names.check_countries(sent("application/x-www-form-urlencoded", "UK, Poland"))
    names.check_countries(sent("application/json", typed))


@pytest.mark.parametrize("spoken", CODES)
def test_what_several_countries_are_called_in_part_is_left_to_who_typed_it(spoken: str) -> None:
    # There are two; what Spanish calls Congo is one of them, and so is what Polish calls Kongo.
    here = language(spoken)
    part = {"en": "Congo", "ru": "Конго", "ar": "الكونغو", "th": "คองโก", "es": "Congo", "pl": "Kongo"}[spoken]
    own = spoken in ("es", "pl")
    assert names.read_countries(here, part) == (["CG"] if own else [part])
    assert names.read_countries(here, f"{part}, PL") == (["CG", "PL"] if own else [part, "PL"])
    assert names.read_countries(here, here.country("CD")) == ["CD"]
    # in the words of another language no other way
    assert names.read_countries(here, "Congo") == (["CG"] if spoken == "es" else ["Congo"])
    assert names.read_countries(here, "Конго") == ["Конго"]
    assert names.read_countries(here, "Guinea, Sudan") == ["GN", "SD"], "the name of one, and a part of others"
    assert names.read_countries(here, "Gwinea") == ["GN"]
    assert names.read_countries(here, "korea") == ["korea"]


def test_what_was_read_once_is_kept_and_nobody_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = names.read_countries(ENGLISH, "Polska, Nowhere")
    first.append("XX")
    monkeypatch.setattr(names, "read_in", lambda *_: pytest.fail("it is read again"))
    assert names.read_countries(ENGLISH, "Polska, Nowhere") == ["Polska", "Nowhere"]


def test_a_long_text_is_not_kept() -> None:
    before = names._read.cache_info().currsize
    assert names.read_countries(ENGLISH, "Poland, " * 100) == ["PL"] * 100
    assert names._read.cache_info().currsize == before


@pytest.mark.parametrize("spoken", CODES)
def test_all_countries_are_shown_by_names_that_mean_the_same(spoken: str) -> None:
    here = language(spoken)
    shown = names.named_countries(here, here.countries)
    assert shown == here.mark(",").join(map(here.country, here.countries))
    assert names.read_countries(here, shown) == list(here.countries)
    assert names.with_codes(here, names.with_names(here, {"countries": shown}, MUCH)) == {
        "countries": ", ".join(here.countries)
    }


def test_a_form_shows_names_and_what_is_none_as_it_was_typed() -> None:
    for typed, shown in (("PL, TH", "Польша, Таиланд"), ("Poland, Thailand", "Польша, Таиланд"),
                         ("PL, Polnad, XX", "Польша, Polnad, XX"), ("", "")):  # fmt: skip
        fields = {"pages.0.countries": typed, "countries": "DE", "code": "PL", "kinds": ["ib"]}
        named = fields | {"pages.0.countries": shown, "countries": "Германия"}
        assert names.with_names(RUSSIAN, fields, MUCH) == named


def test_a_form_in_names_is_never_too_long_to_be_sent() -> None:
    fields = {"countries": ", ".join(THAI.countries), "kinds": ["ib"]}
    assert names.with_names(THAI, fields, 5_000) == fields
    assert names.with_names(THAI, fields, 50_000) != fields


def test_what_is_no_country_is_said_at_its_field_alone() -> None:
    errors = {"countries": "wrong", "pages.0.countries": "outside", "name": "missing", "": "changed"}
    fields = {"countries": "PL, <Polnad>, Thailandia", "pages.0.countries": "Poland", "name": "Polnad"}
    said = names.saying_which(ENGLISH, errors, fields)
    assert said == errors | {
        "countries": "“<bdi>&lt;Polnad&gt;</bdi>” is no country: write countries by their names, such as Poland, "
        "Thailand."
    }
    assert names.saying_which(ENGLISH, errors, {}) == errors
    # of what another language knows, that which none does
    for typed, wrong in (("Polska, x", "x"), ("x, Polska", "x"), ("Polska, Таиланд", "Polska")):
        said = names.saying_which(ENGLISH, {"countries": "wrong"}, {"countries": typed})
        assert f"“<bdi>{wrong}</bdi>” is no country" in said["countries"]


@pytest.mark.parametrize(
    ("kind", "kept"), [("application/x-www-form-urlencoded", "PL"), ("application/json", "Poland")]
)
def test_what_a_program_sends_stays_as_it_is(kind: str, kept: str) -> None:
    visit = SimpleNamespace(content_type=kind, language=ENGLISH, fields={"countries": "Poland"})
    names.take_countries(visit)
    assert visit.fields == {"countries": kept}
