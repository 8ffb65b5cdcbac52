"""Segments through their form: nothing that was asked for is lost on the way, and people write names."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from introducer.domain.configuration import Change, Member, Role, Standing, Status
from introducer.domain.segment import MOST_CONDITIONS
from introducer.locale import language
from tests.support.form_fields import fields_of
from tests.support.payday import HARBOUR, MANAGER, PIPS, Payday, a_payday
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

PATH = "/desk/segments"
MANY = [{"field": "country", "operator": "is_not", "values": [f"X{letter}"]} for letter in "ABCDEFGHIJKLMNOPQRST"]


@pytest.fixture
def desk() -> Iterator[Payday]:
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        yield world


def saved(desk: Payday, **body: Any) -> str:
    answer = desk.machine(MANAGER).post(PATH, {"name": "Ours"} | body, as_json=True)
    assert answer.status == 201, answer.body
    return f"{PATH}/{answer.json['segment']}"


def conditions(desk: Payday, path: str) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = desk.machine(MANAGER).get(path).json["chosen"]["conditions"]
    return chosen


def test_a_segment_with_as_many_conditions_as_may_be_keeps_them_when_it_is_renamed_in_a_browser(desk: Payday) -> None:
    # given one that a program saved
    assert len(MANY) == MOST_CONDITIONS
    path = saved(desk, conditions=MANY)
    browser = desk.signed_in(MANAGER)
    page = browser.get(path)
    # when a browser sends its form back under another name
    fields = fields_of(page.body, "change") | {"name": "Renamed"}
    answer = browser.post(path, fields)
    # then it means the same partners
    assert (answer.status, answer.location) == (303, f"{path}?done=saved"), answer.body
    assert conditions(desk, path) == MANY


def test_there_is_always_room_for_more_conditions_and_never_for_too_many(desk: Payday) -> None:
    browser = desk.signed_in(MANAGER)
    asked = "&".join(f"field_{row}=ftd_30&operator_{row}=at_least&value_{row}=0" for row in range(19))
    for query, rows in (("", 3), ("?field_0=ftd_30&operator_0=at_least&value_0=1", 3), (f"?{asked}", 20)):
        assert len(re.findall(r'id="field-operator_\d+"', browser.get(PATH + query).body)) == rows


def test_managers_are_written_and_read_by_their_names(desk: Payday) -> None:
    # given a choice of those that somebody looks after, or nobody does
    configuration, sam = desk.wiring.configuration, desk.people[MANAGER]
    members = {each.name: each.member for each in configuration.staff_of_brand(desk.brand).items}
    path = saved(desk, field_0="manager", operator_0="is", value_0=f"{sam.name.upper()}, ")
    # then the choice keeps the id, and shows the name, also in its form
    assert sam.role is Role.MANAGER and members[sam.name] == sam.member
    assert conditions(desk, path) == [{"field": "manager", "operator": "is", "values": [sam.member, ""]}]
    page = desk.signed_in(MANAGER).get(path).body
    assert f'value="{sam.name}, "' in html.unescape(page) and sam.member not in page
    assert desk.machine(MANAGER).get(path).json["chosen"]["said"] == [[sam.name, ""]]
    # and somebody who is not there is told so in words
    wrong = desk.signed_in(MANAGER).get(f"{PATH}?field_0=manager&operator_0=is&value_0=No%20Body!")
    assert (wrong.status, "is no manager here: write a name" in wrong.body) == (200, True)


@pytest.mark.parametrize("who", ["Sam Okroo", "mem_nobody", "Sam Okoro, Sam"])
def test_a_manager_whom_nobody_knows_is_refused_and_never_means_everybody(desk: Payday, who: str) -> None:
    machine = desk.machine(MANAGER)
    asked = {"field_0": "manager", "operator_0": "is_not", "value_0": who}
    as_data = {"conditions": [{"field": "manager", "operator": "is_not", "values": [who]}]}
    draft = {"name": "x", "subject_en": "News", "text_en": "There is news."}
    answers = [
        machine.post(PATH, {"name": "x"} | asked, as_json=True),
        machine.post(PATH, {"name": "x"} | as_data, as_json=True),
        machine.post("/desk/broadcasts", draft | as_data, as_json=True),
        machine.get(f"{PATH}?{urlencode(asked)}"),
    ]
    assert [(each.status, each.json["code"]) for each in answers] == [(422, "segment_value")] * 4
    assert [each.json["field"] for each in answers] == ["manager"] * 4


def joins(desk: Payday, member: str, name: str) -> None:
    desk.wiring.configuration.add_member(
        Member(member=member, partner=None, brand=desk.brand, role=Role.MANAGER, name=name, language="en"),
        Change(by="mem_admin", at=desk.now, why="joined", origin="test"),
    )


def test_a_name_with_a_comma_is_one_name_also_when_its_form_is_sent_again(desk: Payday) -> None:
    # given colleagues of whom one is called as two others are together
    named = {"mem_1st": "Okoro, Ada", "mem_2nd": "Rivers", "mem_3rd": "Lake", "mem_4th": "Rivers, Lake"}
    for member, name in named.items():
        joins(desk, member, name)
    for typed, ids in {
        "okoro,  ADA, Rivers": ["mem_1st", "mem_2nd"],
        "Rivers, Lake": ["mem_4th"],
        "Rivers; Lake": ["mem_2nd", "mem_3rd"],
        "mem_2nd, mem_3rd, ": ["mem_2nd", "mem_3rd", ""],
    }.items():
        path = saved(desk, name=typed, field_0="manager", operator_0="is", value_0=typed)
        chosen = conditions(desk, path)
        assert chosen[0]["values"] == ids
        # when a browser sends it back
        browser = desk.signed_in(MANAGER)
        answer = browser.post(path, fields_of(browser.get(path).body, "change") | {"name": "Renamed"})
        # then it means the same people
        assert (answer.status, conditions(desk, path)) == (303, chosen)


def test_a_refused_name_is_told_beside_it_and_what_was_chosen_stays(desk: Payday) -> None:
    # given a choice that was counted
    browser = desk.signed_in(MANAGER)
    query = "match=any&field_0=ftd_30&operator_0=at_most&value_0=7"
    for shared in ({}, {"shared": "true"}):
        counted = browser.get(f"{PATH}?{query}")
        # when it is to be saved under a name that is too long
        answer = browser.post(PATH, fields_of(counted.body, "save") | {"name": "x" * 81} | shared)
        # then that is said, and what is sent next is the same choice
        assert (answer.status, "Give it a name of 1 to 80 characters." in answer.body) == (422, True)
        again = fields_of(answer.body, "save")
        kept = ("name", "shared", "match", "field_0", "operator_0", "value_0")
        assert {each: again[each] for each in kept if each in again} == {
            "name": "x" * 81, "match": "any", "field_0": "ftd_30", "operator_0": "at_most", "value_0": "7"
        } | shared  # fmt: skip
        saves = browser.post(PATH, again | {"name": f"Quiet {len(shared)}"})
        assert saves.status == 303


@pytest.mark.parametrize("shared", [True, False])
def test_a_refused_change_keeps_whether_colleagues_may_use_it(desk: Payday, shared: bool) -> None:
    path = saved(desk, conditions=MANY[:1], shared=not shared)
    browser = desk.signed_in(MANAGER)
    fields = {name: each for name, each in fields_of(browser.get(path).body, "change").items() if name != "shared"}
    answer = browser.post(path, fields | {"name": ""} | ({"shared": "true"} if shared else {}))
    assert (answer.status, "shared" in fields_of(answer.body, "change")) == (422, shared)


def test_the_staff_are_read_once_for_a_page(desk: Payday, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, every = list[str](), desk.wiring.configuration.every_colleague
    monkeypatch.setattr(desk.wiring.configuration, "every_colleague", lambda brand: reads.append(brand) or every(brand))
    path = saved(desk, field_0="manager", operator_0="is", value_0="Sam Okoro")
    assert len(reads) == 1
    for url in (path, f"{PATH}?field_0=manager&operator_0=is&value_0=Sam%20Okoro"):
        reads.clear()
        assert desk.machine(MANAGER).get(url).status == 200
        assert len(reads) == 1


def test_a_choice_is_told_in_words_and_not_in_codes(desk: Payday) -> None:
    path = saved(
        desk, field_0="status", operator_0="is", value_0="active", field_1="country", operator_1="is", value_1="PL, TH",
        field_2="kind", operator_2="is", value_2="ib",
    )  # fmt: skip
    said = text(desk.signed_in(MANAGER).get(path).body).replace(" ,", ",")
    assert "Status is one of Active" in said and "Country is one of Poland, Thailand" in said
    assert "Kind of partner is one of Introducing broker" in said
    path = saved(
        desk, name="x", field_0="language", operator_0="is", value_0="pl",
        field_1="deal_kind", operator_1="is", value_1="lot",
    )  # fmt: skip
    said = text(desk.signed_in(MANAGER).get(path).body)
    assert "Language is one of Polish" in said and "Rule in the deal is one of Per lot" in said


IN_WORDS = {
    "ru": {"country": "польша; Таиланд", "language": "Английский, польский", "kind": "Аффилиат", "status": "активен, "},
    "en": {"country": "Poland, Thailand", "language": "English, POLISH", "kind": "Affiliate", "status": "active"},
    "ar": {"country": "بولندا، تايلاند", "language": "الإنجليزية، البولندية"},
}
IN_CODES = {"country": ["PL", "TH"], "language": ["en", "pl"], "kind": ["affiliate"], "status": ["active"]}


@pytest.mark.parametrize("spoken", IN_WORDS)
def test_a_form_is_filled_in_with_words_and_shows_them_again(desk: Payday, spoken: str) -> None:
    # given a manager who reads a language
    browser, typed = desk.signed_in(MANAGER, accept_language=spoken), IN_WORDS[spoken]
    desk.people[MANAGER] = replace(desk.people[MANAGER], language=spoken)
    rows = {
        f"{part}_{row}": value
        for row, (field, words) in enumerate(typed.items())
        for part, value in (("field", field), ("operator", "is"), ("value", words))
    }
    # when words are counted, and the choice is saved
    counted = browser.get(f"{PATH}?{urlencode(rows)}")
    assert 'role="alert"' not in counted.body
    answer = browser.post(PATH, fields_of(counted.body, "save") | {"name": "Words"})
    assert answer.status == 303, answer.body
    path = answer.location.partition("?")[0]
    # then the segment has codes
    meant = [{"field": field, "operator": "is", "values": IN_CODES[field]} for field in typed]
    assert conditions(desk, path) == meant
    # and its form shows words, which mean the same when they are sent back
    fields = fields_of(browser.get(path).body, "change")
    mark = "\N{ARABIC COMMA} " if spoken == "ar" else ", "
    names = [language(spoken).country(code) for code in ("PL", "TH")]
    assert fields["value_0"] == mark.join(names)
    assert browser.post(path, fields | {"name": "Renamed"}).status == 303
    assert conditions(desk, path) == meant
    # while a program reads and writes codes
    told = desk.machine(MANAGER).get(path).json
    assert [told["rows"][f"value_{row}"] for row in range(len(typed))] == [", ".join(IN_CODES[each]) for each in typed]


def test_a_form_offers_what_fits_the_fields_that_are_chosen_and_each_list_once(desk: Payday) -> None:
    path = saved(
        desk, field_0="country", operator_0="is", value_0="PL", field_1="country", operator_1="is_not", value_1="TH",
        field_2="status", operator_2="is", value_2="active", field_3="ftd_30", operator_3="at_least", value_3="1",
    )  # fmt: skip
    page = html.unescape(desk.signed_in(MANAGER).get(path).body)
    assert re.findall(r'<datalist id="([^"]+)"', page) == ["offered-country", "offered-status"]
    assert re.findall(r'name="value_\d"[^>]* list="([^"]+)"', page) == [
        "offered-country", "offered-country", "offered-status",
    ]  # fmt: skip
    assert all(f'<option value="{name}">' in page for name in ("Poland", "Thailand", "Suspended"))
    # what was typed into a form that is refused counts, not what is saved
    fields = fields_of(page, "change") | {"name": "", "field_0": "kind", "field_1": "", "field_2": "", "value_0": "ib"}
    again = desk.signed_in(MANAGER).post(path, fields)
    assert (again.status, re.findall(r'<datalist id="([^"]+)"', again.body)) == (422, ["offered-kind"])
    # and what a page without a choice begins with
    assert re.findall(r'<datalist id="([^"]+)"', desk.signed_in(MANAGER).get(PATH).body) == ["offered-status"]


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("country", "Poland, <Polnad>", "“ <Polnad> ” is no country: write countries by their names, such as Poland, "),
        ("language", "Klingonese", "“ Klingonese ” is no language: write languages by their names, such as English, "),
        ("kind", "Broker 100%", "“ Broker 100% ” is no kind of partner. There are: Affiliate, Introducing broker."),
        ("status", "Paused", "“ Paused ” is no status of a partner. There are: Active, Suspended, Blocked."),
        ("country", "UK, EU", "“ EU ” is no country: write countries by their names, such as Poland, "),
        ("country", "Polska, x", "“ x ” is no country: write countries by their names, such as Poland, "),
        ("deal_kind", "CPX", "“ CPX ” is no rule of a deal. There are: CPA,"),
        ("currency", "euro", "“ euro ” is no currency: write its three letters, such as EUR, USD."),
        ("partner", "Harbour", "“ Harbour ” is no partner of yours: write its number."),
        ("country", "", "Nothing stands beside “Country”: write what you mean."),
        ("country", ", ".join(["XA"] * 251), "A condition cannot be read: choose a field, how it is compared,"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_was_typed_and_says_what_fits(desk: Payday, field: str, typed: str, told: str) -> None:
    # given a row that is right before the one in question
    rows = {"field_0": "ftd_30", "operator_0": "at_least", "value_0": "0", "field_2": field, "operator_2": "is",
            "value_2": typed}  # fmt: skip
    browser = desk.signed_in(MANAGER)
    fields = fields_of(browser.get(f"{PATH}?field_0=ftd_30&operator_0=at_least&value_0=0").body, "save")
    for page in (browser.get(f"{PATH}?{urlencode(rows)}"), browser.post(PATH, fields | {"name": "x"} | rows)):
        assert told in text(page.body) and "<Polnad>" not in page.body
    # and programs get the code, with the condition and its field
    answer = desk.machine(MANAGER).get(f"{PATH}?{urlencode(rows)}")
    assert (answer.status, answer.json["code"], answer.json["field"]) == (422, "segment_value", field)


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("ftd_30", "many", "“ many ” does not fit “First deposits in 30 days”: write one whole number, such as 10."),
        ("net_revenue_30", "1000", "“ 1000 ” is no amount: write one with its currency, such as 1000.00 EUR."),
    ],
)
def test_a_wrong_figure_is_named(desk: Payday, field: str, typed: str, told: str) -> None:
    asked = urlencode({"field_0": field, "operator_0": "at_least", "value_0": typed})
    assert told in text(desk.signed_in(MANAGER).get(f"{PATH}?{asked}").body)


def test_what_is_compared_the_wrong_way_is_told_how(desk: Payday) -> None:
    page = desk.signed_in(MANAGER).get(f"{PATH}?field_0=ftd_30&operator_0=is&value_0=3").body
    assert "Numbers and amounts are compared by at least or at most" in html.unescape(page)


def test_what_a_count_shows_is_not_all_of_it_when_there_are_more(desk: Payday, monkeypatch: pytest.MonkeyPatch) -> None:
    page = desk.signed_in(MANAGER).get(f"{PATH}?field_0=ftd_30&operator_0=at_most&value_0=0").body
    assert HARBOUR in html.unescape(page) and PIPS in html.unescape(page) and "Some of them" not in page
    monkeypatch.setattr("introducer.services.count_segment.SHOWN", 1)
    page = desk.signed_in(MANAGER).get(f"{PATH}?field_0=ftd_30&operator_0=at_most&value_0=0").body
    assert "Some of them" in page


def blocks(desk: Payday, name: str, since: datetime) -> None:
    standing = Standing(partner=desk.partners[name], standing=f"std_{name[:4]}", since=since, status=Status.BLOCKED,
                        reason="spam", decided_at=desk.now)  # fmt: skip
    desk.wiring.configuration.set_standing(
        standing, Status.ACTIVE, Change(by="mem_manager", at=desk.now, why="spam", origin="test")
    )


def test_who_is_blocked_is_meant_only_where_the_status_is_asked_for(desk: Payday) -> None:
    # given a partner who was blocked yesterday, and one who will be tomorrow
    blocks(desk, PIPS, desk.now - timedelta(days=1))
    blocks(desk, HARBOUR, desk.now + timedelta(days=1))
    everybody, blocked = "field_0=ftd_30&operator_0=at_most&value_0=0", "field_0=status&operator_0=is&value_0=blocked"
    machine, browser = desk.machine(MANAGER), desk.signed_in(MANAGER)
    counted = [machine.get(f"{PATH}?{asked}").json["counted"] for asked in (everybody, blocked)]
    assert [each["not_active"] for each in counted] == [0, 1]
    assert [each["partners"] for each in counted] == [counted[0]["of"] - 1, 1]
    assert "1 of them is suspended or blocked" in browser.get(f"{PATH}?{blocked}").body
    assert "suspended or blocked: ask" not in browser.get(f"{PATH}?{everybody}").body
