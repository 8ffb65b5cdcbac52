"""Values of conditions as people write and read them, in every language of the portal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from introducer.domain.configuration import Member, Role
from introducer.domain.segment import Field, segment_of
from introducer.locale import CODES, language
from tests.support.functions import load

forms: Any = load("portal", "segment_form")

COUNTRY, LANGUAGE, KIND, STATUS, DEAL = Field.COUNTRY, Field.LANGUAGE, Field.KIND, Field.STATUS, Field.DEAL_KIND
BONAIRE = "Бонэйр, Синт-Эстатиус и Саба"
"""A country whose name has a comma."""


def values(spoken: str, *names: str) -> Any:
    """As somebody who reads a language meets them; with colleagues of these names."""
    staff = [
        Member(member=f"mem_{place}", partner=None, brand="brd_1", role=Role.MANAGER, name=name, language="en")
        for place, name in enumerate(names)
    ]
    configuration = SimpleNamespace(every_colleague=lambda brand: staff)
    return forms.Values(SimpleNamespace(
        language=language(spoken), member=SimpleNamespace(brand="brd_1"),
        portal=SimpleNamespace(configuration=configuration),
    ))  # fmt: skip


@pytest.mark.parametrize("spoken", CODES)
@pytest.mark.parametrize("field", sorted(forms.NAMED))
def test_every_name_is_read_back_as_what_it_stands_for(spoken: str, field: Field) -> None:
    known, here = values(spoken), language(spoken)
    codes = {COUNTRY: here.countries, LANGUAGE: here.languages}.get(field, field.choices)
    names = {code: known.name(field, code) for code in codes}
    # each has a name of its own, and goes by it
    assert len(set(names.values())) == len(codes) > 1
    assert names == {code: forms.called(here, field, code) for code in codes}
    for code, name in names.items():
        spaced = f"  {name.upper()} ".replace(" ", "\N{NO-BREAK SPACE} ")
        for typed in (name, spaced, name.replace("’", "'"), code):
            assert known.read(field, typed) == [code], typed
    # and so do all of them together
    together = known.typed(field, codes)
    assert known.read(field, together) == list(codes)
    assert together == here.mark(",").join(names[code] for code in codes)


@pytest.mark.parametrize(
    ("spoken", "field", "typed", "read"),
    [
        ("en", COUNTRY, "Poland, thailand", ["PL", "TH"]),
        ("en", COUNTRY, "PL, TH", ["PL", "TH"]),
        ("en", COUNTRY, "pl TH; uk", ["PL", "TH", "GB"]),
        ("ru", COUNTRY, "PL TH", ["PL", "TH"]),
        ("en", COUNTRY, "PL XX", ["PL XX"]),
        ("en", LANGUAGE, "pl th", ["pl th"]),
        ("en", COUNTRY, " pl ;United   ARAB emirates,", ["PL", "AE"]),
        ("en", COUNTRY, "Curacao; Cote d'Ivoire; Co\N{COMBINING CIRCUMFLEX ACCENT}te d’Ivoire", ["CW", "CI", "CI"]),
        ("en", COUNTRY, "Polnad, Thailand, EU", ["Polnad", "TH", "EU"]),
        ("en", COUNTRY, "Poland,, Thailand", ["PL", "", "TH"]),
        ("en", COUNTRY, "Myanmar (Burma), Myanmar", ["MM", "MM"]),
        ("en", COUNTRY, "", [""]),
        ("en", LANGUAGE, "English, pl, Polish, pt-BR", ["en", "pl", "pl", "pt-BR"]),
        ("en", LANGUAGE, "ga, Ga, Irish", ["ga", "gaa", "ga"]),
        ("en", KIND, "IB, introducing broker, Affiliate", ["ib", "ib", "affiliate"]),
        ("en", STATUS, "Suspended, blocked", ["suspended", "blocked"]),
        ("en", STATUS, "Paused", ["Paused"]),
        ("en", DEAL, "Revenue share, cpa, RevShare", ["revshare", "cpa", "revshare"]),
        ("en", DEAL, "Contest prize", ["Contest prize"]),
        ("en", Field.CURRENCY, "EUR; USD", ["EUR", "USD"]),
        ("ru", COUNTRY, f"польша, {BONAIRE.upper()}; TH", ["PL", "BQ", "TH"]),
        ("ru", COUNTRY, BONAIRE.replace(", ", "; "), ["Бонэйр", "Синт-Эстатиус и Саба"]),
        ("ru", LANGUAGE, "Русский, арабский", ["ru", "ar"]),
        ("ru", STATUS, "Активен", ["active"]),
        ("ru", DEAL, "Доля дохода (RevShare), доля дохода", ["revshare", "revshare"]),
        ("ar", COUNTRY, "بولندا، تايلاند؛ PL", ["PL", "TH", "PL"]),
        ("ar", COUNTRY, "الإمارات العربية المتحدة, الامارات العربية المتحدة", ["AE", "AE"]),
        ("ar", LANGUAGE, "العربية، الروسية", ["ar", "ru"]),
    ],
)
def test_what_is_typed_is_read(spoken: str, field: Field, typed: str, read: list[str]) -> None:
    assert values(spoken).read(field, typed) == read


def test_an_address_of_a_colleague_who_reads_another_language_is_read_too() -> None:
    for spoken in CODES:
        assert values(spoken).read(COUNTRY, f"Польша, {BONAIRE}, TH") == ["PL", "BQ", "TH"]
        assert values(spoken).read(STATUS, "Suspended") == ["suspended"]
        assert values(spoken).read(COUNTRY, "Польша, Polnad")[-1] == "Polnad"


def test_what_would_be_read_as_something_else_stays_as_it_is_kept() -> None:
    known = values("en", "Rivers", "Lake", "Rivers, Lake", "Lake")
    assert known.typed(Field.MANAGER, ["mem_0", ""]) == "Rivers, "
    assert known.typed(Field.MANAGER, ["mem_0", "mem_1"]) == "Rivers, mem_1", "two are called Lake"
    assert known.typed(Field.MANAGER, ["mem_2"]) == "Rivers, Lake"
    known_apart = values("en", "Rivers", "Lake", "Rivers, Lake")
    assert known_apart.typed(Field.MANAGER, ["mem_0", "mem_1"]) == "mem_0, mem_1", "together they are a third one"
    assert known_apart.read(Field.MANAGER, "Rivers; Lake") == ["mem_0", "mem_1"]
    assert known.typed(COUNTRY, ["PL", "EU", "QQ"]) == "Poland, EU, QQ"
    assert known.typed(LANGUAGE, ["pl", "pt-BR"]) == "Polish, pt-BR"
    assert known.typed(Field.CURRENCY, ["EUR", "USD"]) == "EUR, USD"


def test_the_comma_of_another_script_is_a_comma_within_a_name_too() -> None:
    known = values("ar", "Okoro\N{ARABIC COMMA} Ada", " , ")
    assert known.read(Field.MANAGER, "okoro, ada\N{ARABIC COMMA} ") == ["mem_0", ""]
    assert known.read(Field.MANAGER, ", ") == ["", ""], "a name of marks alone is none"


def test_what_several_values_are_called_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"active": "Working (now)", "suspended": "Working (later)", "blocked": "blocked"}
    monkeypatch.setattr(forms, "called", lambda spoken, field, value: named[value])
    known = forms._vocabulary.__wrapped__(STATUS, "en")
    assert known.read("working, WORKING (NOW)") == ["working", "active"]


def test_a_form_has_codes_for_programs_and_words_for_people() -> None:
    data = [{"field": "country", "operator": "is", "values": ["PL", "TH"]},
            {"field": "manager", "operator": "is", "values": ["mem_0", "mem_1"]},
            {"field": "ftd_30", "operator": "at_least", "values": ["3"]}]  # fmt: skip
    for spoken in CODES:
        known, here = values(spoken, "Rivers", "Lake"), language(spoken)
        rows = forms.Rows(forms.as_rows(segment_of("all", data), known), known, 1_000)
        assert [rows[f"value_{row}"] for row in range(3)] == ["PL, TH", "Rivers, Lake", "3"]
        names = here.mark(",").join((here.country("PL"), here.country("TH")))
        assert rows.shown == rows | {"value_0": names}
        assert forms.of_rows("all", rows.shown, known) == forms.of_rows("all", rows, known) == segment_of("all", data)


def test_what_was_typed_in_another_language_or_cannot_be_read_is_shown_too() -> None:
    for typed, shown in (("Польша; TH,", "Poland, Thailand"), ("Polnad, th", "Polnad, Thailand"), ("", "")):
        rows = forms.Rows({"field_3": "country", "value_3": typed, "field_4": "shoes"}, values("en"), 1_000)
        assert rows.shown["value_3"] == shown and rows["value_3"] == typed


def test_a_form_in_words_is_never_too_long_to_be_sent_again() -> None:
    known, countries = values("th"), list(language("th").countries)
    for many, in_words in ((5, True), (250, False)):
        codes = ", ".join(countries[:many])
        rows = forms.Rows({"field_0": "country", "value_0": codes}, known, 2_000)
        assert (rows.shown["value_0"] != codes) is in_words
        assert len(urlencode(rows.shown)) <= 2_000
        assert known.read(COUNTRY, rows.shown["value_0"]) == countries[:many]
