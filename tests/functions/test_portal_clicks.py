"""A partner sees which clicks count and why others do not, by day and link; staff see the same of their partners."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from introducer.domain.clicks import REASONS
from introducer.store.click_counts import ClickCount, ClickCounts, Span
from introducer.wording.codes import WORDS
from tests.support.payday import HARBOUR, MANAGER, PIPS
from tests.support.promoting import Promoting, a_promoting
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

OTHERS_LINK = "ElsesLink"


@pytest.fixture(scope="module")
def portal() -> Iterator[Promoting]:
    with pytest.MonkeyPatch.context() as patch, a_promoting(patch) as world:
        harbour, pips = world.partners[HARBOUR], world.partners[PIPS]
        link = world.configuration.link(world.codes[HARBOUR]).link_id
        counts = ClickCounts(world.table)
        for number, count in enumerate(
            (
                ClickCount(harbour, "2026-03-02", link, 128, 100, 12, 2, reasons=(("bot", 8), ("prefetch", 4))),
                ClickCount(harbour, "2026-03-02", OTHERS_LINK, 40, 40, 1, reasons=(("hosting", 1),)),
                ClickCount(harbour, "2026-03-30", link, 7, 6, 0),
                ClickCount(harbour, "2026-02-28", link, 1_000, 900, 5, reasons=(("other", 5),)),
                ClickCount(pips, "2026-03-02", "PipsLink", 9, 9, 9, reasons=(("bot", 9),)),
            )
        ):
            assert counts.add(count, {0: Span(f"{number:040d}", f"{number:040d}")})
        yield world


def test_a_month_says_of_each_day_what_counts_and_why_the_rest_does_not(portal: Promoting) -> None:
    found = portal.machine(HARBOUR).get("/clicks?month=2026-03").json
    # then the latest day comes first, links stand together, and the most frequent reason leads
    assert [(row["day"], row["clicks"], row["unique"], row["flagged"]) for row in found["items"]] == [
        ("2026-03-30", 7, 6, 0),
        ("2026-03-02", 168, 140, 13),
    ]
    assert list(found["items"][1]["reasons"].items()) == [("bot", 8), ("prefetch", 4), ("hosting", 1)]
    assert found["whole"] == {
        "came": 188,
        "clicks": 175,
        "unique": 146,
        "flagged": 13,
        "reasons": {"bot": 8, "prefetch": 4, "hosting": 1},
    }
    assert (found["earlier_month"], found["month"]) == ("2026-02", "2026-03")
    # and nobody is led into a month that has not come
    assert portal.machine(HARBOUR).get("/clicks").json["later_month"] is None
    assert portal.machine(HARBOUR).get("/clicks?month=2025-12").json["later_month"] == "2026-01"


def test_one_link_is_seen_alone_and_only_by_its_partner(portal: Promoting) -> None:
    code = portal.codes[HARBOUR]
    found = portal.machine(HARBOUR).get(f"/clicks?month=2026-03&link={code}").json
    assert (found["link"], found["whole"]["came"], found["whole"]["reasons"]) == (code, 147, {"bot": 8, "prefetch": 4})
    for asks, link in ((PIPS, code), (HARBOUR, portal.codes[PIPS]), (HARBOUR, "nobodys")):
        assert portal.machine(asks).get(f"/clicks?link={link}").status == 404


def test_the_page_says_it_in_one_sentence_and_is_reached_by_both_sides(portal: Promoting) -> None:
    code = portal.codes[HARBOUR]
    page = portal.signed_in(HARBOUR).get(f"/clicks?month=2026-03&link={code}", accept="text/html")
    assert "12 of 147 clicks do not count: Robots 8, Read ahead by a browser 4" in text(page.body)
    assert f"/clicks?month=2026-02&amp;link={code}" in page.body
    # and a month in which all count, or nothing came, says so
    quiet = portal.signed_in(HARBOUR).get("/clicks?month=2025-01", accept="text/html")
    assert "No clicks in this month" in text(quiet.body)
    desk = f"/desk/partners/{portal.partners[HARBOUR]}/clicks?month=2026-03"
    staff = portal.signed_in(MANAGER).get(desk, accept="text/html")
    assert "13 of 188 clicks do not count: Robots 8, Read ahead by a browser 4, Data centres 1" in text(staff.body)
    assert f"{HARBOUR} brought" in text(staff.body)
    assert portal.machine(MANAGER).get(desk).json["whole"]["flagged"] == 13


def test_nobody_elses_clicks_are_seen(portal: Promoting) -> None:
    desk = f"/desk/partners/{portal.partners[HARBOUR]}/clicks"
    assert portal.machine(HARBOUR).get(desk).status == 403
    assert portal.machine(MANAGER).get("/desk/partners/par_nobody/clicks").status == 404
    assert portal.machine(MANAGER).get(f"/desk/partners/{'p' * 3000}/clicks").status == 404
    assert portal.machine(PIPS).get("/clicks?month=2026-03").json["whole"]["came"] == 18


@pytest.mark.parametrize(
    ("query", "code"),
    [("month=2026-13", "bad_month"), ("month=March", "bad_month"), (f"link={'x' * 200}", "bad_link")],
)
def test_a_query_that_means_nothing_is_refused_with_what_would(portal: Promoting, query: str, code: str) -> None:
    answer = portal.machine(HARBOUR).get(f"/clicks?{query}")
    assert (answer.status, answer.json["code"]) == (400, code)


def test_the_list_has_a_column_for_each_reason(portal: Promoting) -> None:
    lines = portal.machine(HARBOUR).get("/clicks?month=2026-03", accept="text/csv").body.splitlines()
    rows = [line.split(",") for line in lines]
    assert rows[0] == ["day", "clicks", "unique", "flagged", *REASONS]
    named = dict(zip(rows[0], rows[2], strict=True))
    assert (named["day"], named["flagged"], named["bot"], named["hosting"]) == ("2026-03-02", "13", "8", "1")


def test_each_reason_has_words(portal: Promoting) -> None:
    assert set(WORDS["click_flag"]) == set(REASONS)
