"""What comes of a contest on the desk: who takes part and is set aside, the result and what is objected to it, prizes
and gifts; each as a page, as data and as a file for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import pytest

from introducer.domain.contest import Contest, ContestStatus, Division, Metric, Prize, PrizeKind
from introducer.domain.contest_closing import Cause, Recount, SetAside, batches_of
from introducer.domain.contest_score import Counted
from introducer.domain.events import milliseconds
from introducer.locale import CODES
from introducer.services.contest_steps import by_clock
from introducer.services.object_to_result import object_to_result
from introducer.store.reservations import Beside
from tests.functions.test_portal_desk_contests import COMPLIANCE, DESK, SALES, WHY, error_at, sent, staffed, text
from tests.support.contest_pages import PRIZES, ContestPages, contest_pages
from tests.support.payday import GULF, HARBOUR, HELD, LANTERN, MAKER, MANAGER, NOW, PIPS, SMALL

pytestmark = pytest.mark.in_memory

TWO = (
    Division(name="Small ones", prizes=PRIZES),
    Division(
        name="Large ones", from_size=50, prizes=(Prize(kind=PrizeKind.GIFT, first=1, last=1, gift="=HYPERLINK(1)"),)
    ),
)
"""Two divisions; the gift of the second one is a formula to a spreadsheet."""


@pytest.fixture(scope="module")
def desk() -> Iterator[ContestPages]:
    """Each test makes contests of its own."""
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as world:
        yield staffed(world)


def a_race(desk: ContestPages, name: str) -> Contest:
    """Harbour leads before Pips, Lantern and Gulf; Small scored nothing; Held is alone among the large ones."""
    contest = desk.running(name, divisions=TWO, starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=4))
    for place, partner in enumerate((HARBOUR, PIPS, LANTERN, GULF)):
        desk.enters(contest, partner, f"Rocket {place}")
        desk.scores(contest, partner, ftd=30 - 3 * place)
    desk.enters(contest, SMALL, "@small")
    desk.enters(contest, HELD, division=1)
    desk.scores(contest, HELD, ftd=2)
    return contest


def provisional(desk: ContestPages, name: str) -> Contest:
    """The race, counted from the facts."""
    contest = a_race(desk, name)
    results = desk.contest_books.results
    (batch,) = results.plan(contest.contest, batches_of(()))
    counted = {each.partner: Counted(each.counted, 1) for each in desk.contests.entries(contest.contest)}
    results.keep_recount(Recount(contest=contest.contest, batch=batch.batch, counted=counted, clients=9))
    return desk.counted(contest)


def table(desk: ContestPages, path: str, who: str = MAKER) -> list[dict[str, str]]:
    answer = desk.machine(who, "text/csv").get(path)
    assert answer.status == 200, answer.body
    return list(csv.DictReader(io.StringIO(answer.body)))


# ------------------------------------------------------------------------------------------------------- who takes part


def test_participants_stand_by_score_and_everybody_is_listed_page_by_page(desk: ContestPages) -> None:
    contest = a_race(desk, "Participants")
    there = f"{DESK}/{contest.contest}/participants"
    machine = desk.machine(MAKER)

    rows = machine.get(there).json["items"]

    assert [(row["name"], row["rank"], row["score"], row["shown_as"]) for row in rows[:2]] == [
        (HARBOUR, 1, "30", "Rocket 0"), (PIPS, 2, "27", "Rocket 1"),
    ]  # fmt: skip
    assert (rows[4]["name"], rows[4]["rank"], rows[4]["score"]) == (SMALL, 0, "0")
    (large,) = machine.get(f"{there}?division=2").json["items"]
    assert (large["name"], large["division"], large["rank"]) == (HELD, "Large ones", 1)
    names, cursor = [], ""
    while cursor is not None:
        page = machine.get(f"{there}?show=all&limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        names += [row["name"] for row in page["items"]]
        cursor = page["next"]
    assert sorted(names) == sorted([HARBOUR, PIPS, LANTERN, GULF, SMALL, HELD])
    assert [row["shown_as"] for row in table(desk, there)][-1] == "'@small"
    shown = text(desk.signed_in(MAKER).get(there).body)
    assert "Rocket 0" in shown and GULF in shown and "Set it aside" not in shown
    for wrong in ("division=3", "division=x", "division=0", "show=some"):
        assert machine.get(f"{there}?{wrong}").json["code"] == "bad_filter"


def test_many_participants_are_read_fifty_at_a_time(desk: ContestPages) -> None:
    contest = desk.running("A crowd", starts_at=NOW - timedelta(days=30))
    for number in range(1, 61):
        desk.enters(contest, HARBOUR if number == 1 else f"par_{number:026d}", f"Rival {number}")
        desk.scores(contest, HARBOUR if number == 1 else f"par_{number:026d}", ftd=number)
    machine = desk.machine(MAKER)

    first = machine.get(f"{DESK}/{contest.contest}/participants").json
    second = machine.get(f"{DESK}/{contest.contest}/participants?cursor={first['next']}").json

    assert (len(first["items"]), len(second["items"]), second["next"]) == (50, 10, None)
    assert [row["rank"] for row in second["items"]] == list(range(51, 61))
    assert second["items"][-1]["name"] == HARBOUR


def test_a_participant_is_set_aside_with_a_reason_and_that_is_taken_back(desk: ContestPages) -> None:
    contest = provisional(desk, "Set aside")
    there, partner = f"{DESK}/{contest.contest}", desk.partners[HARBOUR]
    visitor = desk.signed_in(COMPLIANCE)
    page = visitor.get(f"{there}/result")
    form = {"csrf": page.field("csrf")}

    refused = visitor.post(f"{there}/result/{partner}/aside", form | {"why": "x"})
    assert refused.status == 422 and error_at(refused.body, f"why-{partner}") == "Fill this in."
    aside = visitor.post(f"{there}/result/{partner}/aside", form | {"why": "Its clients are one person"})

    assert aside.location == f"{there}/result?done=aside&partner={partner}"
    rows = desk.machine(MAKER).get(f"{there}/result").json["items"]
    assert [(row["name"], row["rank"]) for row in rows] == [
        (PIPS, 1),
        (LANTERN, 2),
        (GULF, 3),
        (HARBOUR, 0),
        (SMALL, 0),
    ]
    assert (rows[0]["amount"]["amount"], rows[0]["gifts"]) == ("1000.00", ["A weekend in Lisbon"])
    assert (rows[3]["unranked"], rows[3]["aside"], rows[3]["aside_by"]) == (
        "set_aside", "Its clients are one person", "staff",
    )  # fmt: skip
    assert "Its clients are one person" in text(visitor.get(aside.location).body)
    again = sent(desk, f"{there}/participants/{partner}/aside", {"why": WHY}, MANAGER)
    assert (again.status, again.json["code"]) == (409, "set_aside_already")
    # and back, once
    back = sent(desk, f"{there}/result/{partner}/back", {"why": "They are twins"}, MANAGER)
    assert back.status == 200
    assert desk.machine(MAKER).get(f"{there}/result").json["items"][0]["name"] == HARBOUR
    twice = sent(desk, f"{there}/participants/{partner}/back", {"why": WHY}, MANAGER)
    assert (twice.status, twice.json["code"]) == (409, "not_set_aside")


def test_who_may_set_aside_whom_and_when(desk: ContestPages) -> None:
    contest = provisional(desk, "Who sets aside")
    there, partner = f"{DESK}/{contest.contest}/participants", desk.partners[PIPS]
    for who in (MAKER, SALES):
        refused = sent(desk, f"{there}/{partner}/aside", {"why": WHY}, who)
        assert (refused.status, refused.json["code"]) == (403, "aside_role")
        assert "/aside" not in desk.signed_in(who).get(there).body
    for stranger in ("par_nobody", f"par_{'9' * 1100}"):
        assert sent(desk, f"{there}/{stranger}/aside", {"why": WHY}).status == 404
    # what the clock found is taken back by doing away with its cause
    aside = SetAside(contest=contest.contest, partner=partner, why=Cause.HOLD.value, by=by_clock(NOW, "").by, at=NOW)
    books, found = desk.contest_books, desk.contests.contest(contest.contest)
    books.contests.move(found, found, None, beside=Beside(puts=(books.results.aside_put(aside),)))
    rows = desk.machine(MAKER).get(there).json["items"]
    assert ("hold", "clock") in [(row["aside"], row["aside_by"]) for row in rows]
    assert "A hold stands on the partner's payouts" in text(desk.signed_in(MAKER).get(there).body)
    caused = sent(desk, f"{there}/{partner}/back", {"why": WHY})
    assert (caused.status, caused.json["code"]) == (409, "aside_has_a_cause")
    # and once the result is final nobody is
    desk.moves(contest, status=ContestStatus.PAYING)
    final = desk.signed_in(MANAGER)
    refused = final.post(f"{there}/{partner}/aside", {"csrf": final.get(there).field("csrf"), "why": WHY})
    assert refused.status == 409
    assert "The result is final: nobody is set aside any more" in text(refused.body)


# ----------------------------------------------------------------------------------------------------------- the result


def test_the_result_is_a_file_that_no_spreadsheet_runs(desk: ContestPages) -> None:
    contest = provisional(desk, "+1")
    there = f"{DESK}/{contest.contest}/result"

    rows = table(desk, there)
    large = table(desk, f"{there}?division=2")

    assert [(row["name"], row["place"], row["score"], row["amount"]) for row in rows[:3]] == [
        (HARBOUR, "1", "30", "1000.00"), (PIPS, "2", "27", "250.00"), (LANTERN, "3", "24", "250.00"),
    ]  # fmt: skip
    assert (rows[4]["shown_as"], rows[4]["place"], rows[4]["not_ranked"]) == ("'@small", "", "below_minimum")
    assert large[0]["gifts"] == "'=HYPERLINK(1)"
    shown = text(desk.signed_in(MAKER).get(there).body)
    for said in ("Is this result right?", "Provisional: participants may object until", "Below the minimum to rank"):
        assert said in shown, said


def test_an_objection_is_answered_once_by_those_who_may(desk: ContestPages) -> None:
    contest = provisional(desk, "Objected to")
    there = f"{DESK}/{contest.contest}"
    object_to_result(
        desk.contest_books, member=desk.people[PIPS], contest=contest.contest, text="Two clients are missing.", now=NOW
    )
    data = desk.machine(MAKER).get(f"{there}/result").json
    ((objection,), partner) = (data["objections"], desk.partners[PIPS])
    assert (objection["name"], objection["text"], data["waiting"], data["may_decide"]) == (
        PIPS, "Two clients are missing.", 1, False,
    )  # fmt: skip
    assert desk.machine(MANAGER).get(there).json["next"] == "decide"
    answer = {"partner": partner, "at": milliseconds(NOW), "verdict": "refuse", "why": "They registered in February"}
    refused = sent(desk, f"{there}/objections", answer, MAKER)
    assert (refused.status, refused.json["code"]) == (403, "objection_role")

    visitor = desk.signed_in(MANAGER)
    page = visitor.get(f"{there}/result")
    form = {name: str(value) for name, value in answer.items()} | {"csrf": page.field("csrf")}
    short = visitor.post(f"{there}/objections", form | {"why": "No"})
    assert short.status == 422 and error_at(short.body, "why-1") == "Fill this in."
    decided = visitor.post(f"{there}/objections", form)

    assert decided.location == f"{there}/result?done=answered#objections"
    (objection,) = desk.machine(MAKER).get(f"{there}/result").json["objections"]
    assert (objection["upheld"], objection["answer"], objection["decided_by"]) == (
        False, "They registered in February", "Sam Okoro",
    )  # fmt: skip
    other = sent(desk, f"{there}/objections", answer | {"verdict": "uphold"})
    assert (other.status, other.json["code"]) == (409, "decided_already")
    assert sent(desk, f"{there}/objections", answer | {"at": 5}).status == 404
    assert sent(desk, f"{there}/objections", answer | {"at": 10**18}).status == 422


# --------------------------------------------------------------------------------------------------------------- prizes


def test_prizes_are_listed_and_gifts_are_sent_and_delivered(desk: ContestPages) -> None:
    contest = a_race(desk, "Gifts")
    desk.paid(desk.counted(contest))
    there = f"{DESK}/{contest.contest}"
    partner = desk.partners[HARBOUR]

    assert desk.machine(MAKER).get(there).json["next"] == "gifts"
    rows = table(desk, f"{there}/awards")
    assert [(row["name"], row["place"], row["amount"], row["gift"], row["status"]) for row in rows[:2]] == [
        (HARBOUR, "1", "1000.00", "", "paid"), (HARBOUR, "1", "0.00", "A weekend in Lisbon", "to_send"),
    ]  # fmt: skip
    assert rows[-1]["gift"] == "'=HYPERLINK(1)"
    said = {"partner": partner, "award": 2, "status": "sent", "note": "Parcel 1Z 999"}
    refused = sent(desk, f"{there}/awards", said, MAKER)
    assert (refused.status, refused.json["code"]) == (403, "gift_role")
    visitor = desk.signed_in(MANAGER)
    page = visitor.get(f"{there}/awards?show=gifts")
    assert "1,000.00" not in page.body and "It was sent" in text(page.body)
    form = {name: str(value) for name, value in said.items()} | {"csrf": page.field("csrf")}
    done = visitor.post(f"{there}/awards", form)

    assert done.location == f"{there}/awards?show=gifts&done={partner}.2"
    shown = text(visitor.get(done.location).body)
    assert "Parcel 1Z 999" in shown and "Noted." in shown
    delivered = sent(desk, f"{there}/awards", said | {"status": "delivered", "note": "Front desk"})
    assert (delivered.status, delivered.json["status"]) == (200, "delivered")
    for wrong, status, code in (
        ({"status": "sent"}, 409, "not_to_send"), ({"award": 1}, 409, "no_gift"), ({"award": 9}, 404, "not_found"),
        ({"note": "x" * 201}, 422, "invalid"), ({"status": "paid"}, 422, "invalid"),
    ):  # fmt: skip
        answer = sent(desk, f"{there}/awards", said | wrong)
        assert (answer.status, answer.json["code"]) == (status, code), wrong
    assert desk.machine(MAKER).get(f"{there}/awards?show=some").json["code"] == "bad_filter"


@pytest.mark.parametrize("code", CODES)
def test_what_comes_of_a_contest_is_said_in_each_language(desk: ContestPages, code: str) -> None:
    contest = a_race(desk, f"In {code}")
    desk.paid(desk.counted(contest))
    money = desk.running(f"Money in {code}", weights=((Metric.DEPOSITS, 1_000),))
    desk.enters(money, HARBOUR)
    visitor = desk.signed_in(MANAGER, accept_language=code)
    there = f"{DESK}/{contest.contest}"
    for path in (
        f"{there}/participants", f"{there}/participants?show=all", f"{there}/result?division=2", f"{there}/awards",
        f"{DESK}/{money.contest}/participants",
    ):  # fmt: skip
        page = visitor.get(path)
        assert (page.status, f'lang="{code}"' in page.body) == (200, True), path
