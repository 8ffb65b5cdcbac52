"""What is announced to a segment, by form and by API: who sees it, who has read it, and what changes nothing of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain.results import ResultLine
from introducer.locale import language
from introducer.store.results import Results
from tests.support.at_once import FOREIGNER, AtOnce, at_once
from tests.support.casework import SALES
from tests.support.payday import ADMIN, HARBOUR, LANTERN, MANAGER, PIPS

pytestmark = pytest.mark.in_memory

NEWS = {"subject_en": "Better terms", "text_en": "Dear {name},\n\nlook at your deal."}
LIVELY = {"name": "Lively <b>ones</b>", "conditions": [{"field": "ftd_30", "operator": "at_least", "values": ["20"]}]}


@pytest.fixture
def portal() -> Iterator[AtOnce]:
    """Harbour brought 21 first deposits in 30 days, Pips 30, the others none."""
    with pytest.MonkeyPatch.context() as patch, at_once(patch) as world:
        brings(world, PIPS, 30)
        yield world


def brings(portal: AtOnce, name: str, ftd: int) -> None:
    line = ResultLine(partner=portal.partners[name], day="2026-04-02", ftd_30=ftd, language="en")
    Results(portal.table).put(portal.brand, line)


def a_segment(portal: AtOnce, who: str = MANAGER, **other: Any) -> dict[str, Any]:
    answer = portal.machine(who).post("/desk/segments", LIVELY | {"shared": True} | other, as_json=True)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def seen_by(portal: AtOnce, name: str) -> list[tuple[str, bool]]:
    found = portal.machine(name).get("/messages").json["announcements"]
    return [(each["title"], each["unread"]) for each in found]


def spread(portal: AtOnce, announcement: str) -> tuple[int, int, int]:
    found = portal.machine(MANAGER).get(f"/desk/announcements/{announcement}").json["spread"]
    return found["partners"], found["have_read"], found["people"]


def test_a_form_announces_to_a_segment_and_its_partners_alone_see_it(portal: AtOnce) -> None:
    # given a segment that stands in the form by its name, which is a text and nothing else
    segment, browser = a_segment(portal)["segment"], portal.signed_in(MANAGER)
    form = browser.get("/desk/announcements").body
    assert f'<option value="{segment}">Lively &lt;b&gt;ones&lt;/b&gt;</option>' in form

    # when it is announced to, and one of the two partners reads it
    done = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, segment=segment)
    assert done.status == 303, done.body
    name = done.location.split("/")[-1].split("?")[0]
    assert seen_by(portal, HARBOUR) == seen_by(portal, PIPS) == [("Better terms", True)]
    assert seen_by(portal, LANTERN) == []
    page = portal.signed_in(HARBOUR).get(f"/messages/announcements/{name}")
    assert page.status == 200 and "look at your deal" in page.body
    portal.machine(HARBOUR).get(f"/messages/announcements/{name}")
    assert portal.machine(LANTERN).get(f"/messages/announcements/{name}").status == 404

    # then staff see how many it is for, who has read it, once, and what the segment asked for
    assert spread(portal, name) == (2, 1, 1)
    assert seen_by(portal, HARBOUR) == [("Better terms", False)]
    shown = browser.get(f"/desk/announcements/{name}").body
    said = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", shown)))
    assert "1 of 2" in said and "Lively <b>ones</b>" in said and "First deposits in 30 days at least 20" in said
    assert "<b>ones</b>" not in shown
    assert [each["read_by"] for each in portal.data(HARBOUR)["announcements"]] == [1]
    assert [each["read_by"] for each in portal.data(PIPS)["announcements"]] == [0]
    assert portal.data(LANTERN)["announcements"] == []


@pytest.mark.parametrize(
    ("spoken", "typed", "shown"),
    [
        ("ru", "германия; Таиланд", "Германия, Таиланд"),
        ("ar", "ألمانيا، تايلاند", "ألمانيا، تايلاند"),
        ("en", "DE th", "Germany, Thailand"),
    ],
)
def test_countries_are_typed_by_their_names(portal: AtOnce, spoken: str, typed: str, shown: str) -> None:
    browser = portal.signed_in(MANAGER, accept_language=spoken)
    browser.cookies["__Host-language"] = spoken
    # when one of them is none, then what was typed stays, and it is said which
    refused = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, countries=f"{typed}; <Polnad>")
    comma = language(spoken).mark(",")
    field = re.search(r'name="countries" value="([^"]*)"', refused.body)
    assert refused.status == 422 and field and html.unescape(field[1]) == f"{shown}{comma}<Polnad>"
    note = re.search(r'id="note-countries">(.*?)</p>', refused.body)
    assert note and "<bdi>&lt;Polnad&gt;</bdi>" in note[1] and refused.body.count("<datalist") == 1
    # when all are, then codes are kept, and names are shown
    done = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, countries=typed)
    assert done.status == 303, done.body
    path = done.location.partition("?")[0]
    assert portal.machine(MANAGER).get(path).json["countries"] == ["DE", "TH"]
    assert shown in browser.get(path).body


def test_sixty_countries_are_announced_to_by_their_names_which_are_longer_than_a_field_of_codes(portal: AtOnce) -> None:
    english = language("en")
    codes = sorted({"DE", *english.countries[:59]})
    browser = portal.signed_in(MANAGER)
    typed = ", ".join(map(english.country, codes))
    done = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, countries=typed)
    assert done.status == 303 and len(typed) > 400, done.body
    assert portal.machine(MANAGER).get(done.location.partition("?")[0]).json["countries"] == codes
    many = ", ".join(map(english.country, english.countries[:61]))
    refused = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, countries=many)
    assert refused.status == 422 and "Name at most 60 countries." in refused.body


def test_what_looks_like_a_code_and_is_none_is_refused_in_a_form(portal: AtOnce) -> None:
    browser, sent = portal.signed_in(MANAGER), portal.machine(MANAGER)
    refused = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, countries="UK, EU")
    note = re.search(r'id="note-countries">(.*?)</p>', refused.body)
    assert refused.status == 422 and note and "“<bdi>EU</bdi>” is no country" in note[1]
    assert 'name="countries" value="United Kingdom, EU"' in refused.body
    # what a program names stays as it was: nobody is there
    assert sent.post("/desk/announcements", NEWS | {"countries": "EU"}, as_json=True).json["code"] == "nobody_reached"


def test_a_program_names_countries_by_codes_alone(portal: AtOnce) -> None:
    answer = portal.machine(MANAGER).post("/desk/announcements", NEWS | {"countries": "Germany"}, as_json=True)
    assert (answer.status, answer.json["code"]) == (422, "invalid_country")


def test_a_program_announces_once_and_a_segment_narrows_the_other_conditions(portal: AtOnce) -> None:
    segment, staff = a_segment(portal)["segment"], portal.machine(MANAGER)
    wish = NEWS | {"segment": segment, "kinds": ["affiliate"], "countries": "de"}
    made, again = (staff.post("/desk/announcements", wish, as_json=True, idempotency_key="k") for _ in range(2))
    assert (made.status, again.json) == (201, made.json)
    assert made.json["segment"] == LIVELY["name"] and made.json["asks"]["conditions"] == LIVELY["conditions"]
    assert spread(portal, made.json["announcement"]) == (2, 0, 0)
    nobody = staff.post("/desk/announcements", wish | {"countries": "PL"}, as_json=True)
    assert (nobody.status, nobody.json["code"]) == (422, "nobody_reached")
    assert len(staff.get("/desk/announcements").json["items"]) == 1


def test_who_is_meant_is_looked_up_each_time_by_the_segment_as_it_was(portal: AtOnce) -> None:
    # given an announcement to a segment
    saved, staff = a_segment(portal), portal.machine(MANAGER)
    path = f"/desk/segments/{saved['segment']}"
    made = staff.post("/desk/announcements", NEWS | {"segment": saved["segment"]}, as_json=True).json["announcement"]

    # when another partner comes to bring as much, it sees it too, and whoever brings less does not any more
    brings(portal, LANTERN, 20)
    brings(portal, PIPS, 19)
    assert (seen_by(portal, LANTERN), seen_by(portal, PIPS)) == ([("Better terms", True)], [])

    # then neither changing the saved segment nor deleting it changes whom the announcement is for
    now = {"conditions": [{"field": "ftd_30", "operator": "at_least", "values": ["1000"]}]}
    version = staff.get(path).json["version"]
    changed = staff.post(path, LIVELY | now | {"version": version}, as_json=True)
    assert changed.status == 200, changed.body
    assert staff.post(f"{path}/delete", {"version": staff.get(path).json["version"]}, as_json=True).status == 200
    assert seen_by(portal, LANTERN) == seen_by(portal, HARBOUR) == [("Better terms", True)]
    assert spread(portal, made) == (2, 0, 0)


def test_a_segment_of_somebody_elses_is_none(portal: AtOnce) -> None:
    own = a_segment(portal, ADMIN, shared=False)["segment"]
    foreign = a_segment(portal, FOREIGNER)["segment"]
    deleted = a_segment(portal)
    gone = {"version": portal.machine(MANAGER).get(f"/desk/segments/{deleted['segment']}").json["version"]}
    portal.machine(MANAGER).post(f"/desk/segments/{deleted['segment']}/delete", gone, as_json=True)
    for segment in (own, foreign, deleted["segment"], "seg_1", "#", "\N{THAI CHARACTER KO KAI}" * 400):
        refused = portal.machine(MANAGER).post("/desk/announcements", NEWS | {"segment": segment}, as_json=True)
        assert (refused.status, refused.json["code"]) == (422, "no_such_segment"), segment
    browser = portal.signed_in(MANAGER)
    shown = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, segment=own)
    assert shown.status == 422 and "There is no such segment any more" in shown.body
    assert "look at your deal" in shown.body, "what was typed stays"
    assert own not in browser.get("/desk/announcements").body
    by_sales = portal.machine(SALES).post("/desk/announcements", NEWS, as_json=True)
    assert (by_sales.status, by_sales.json["code"]) == (403, "not_your_role")
