"""Contests through the partner's pages and the API: what runs, where one stands, joining and leaving, the result and
objections to it; and the public page, which knows nobody."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Member, Role
from introducer.domain.contest import Conditions, Contest, ContestStatus, Division, Metric, Prize, PrizeKind
from introducer.domain.contest_rules import default_name, rules_hash
from introducer.domain.money import FINE
from introducer.locale import CODES
from tests.browser.world import Answer
from tests.support.contest_pages import END, HELPER, PRIZES, SPRING, ContestPages, contest_pages
from tests.support.memory import Memory
from tests.support.payday import GULF, HARBOUR, LANTERN, MANAGER, NOW, PIPS

pytestmark = pytest.mark.in_memory

LARGE = Division(
    name="Large",
    from_size=20,
    pool=500_000,
    prizes=(
        Prize(kind=PrizeKind.SHARE, first=1, last=1, share=500_000),
        Prize(kind=PrizeKind.SHARE, first=2, last=3, share=250_000),
        Prize(kind=PrizeKind.THRESHOLD, amount=5_000, threshold=2_500),
    ),
)
SIZES = (Division(name="Small", prizes=PRIZES), LARGE)


@pytest.fixture(scope="module")
def world() -> Iterator[ContestPages]:
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as portal:
        yield portal


@pytest.fixture
def portal(world: ContestPages) -> ContestPages:
    """Other tests' contests may be there too."""
    world.now = NOW
    return world


@pytest.fixture
def alone() -> Iterator[ContestPages]:
    """No contest is there, for what looks at all of them."""
    with pytest.MonkeyPatch.context() as patch, contest_pages(patch) as portal:
        yield portal


def there(contest: Contest, more: str = "") -> str:
    return f"/contests/{contest.contest}{more}"


def public(contest: Contest, more: str = "") -> str:
    return f"/public/contests/{contest.contest}{more}"


def text(page: Answer) -> str:
    shown = html.unescape(re.sub(r"<[^>]+>", " ", page.body))
    return re.sub(r"\s+", " ", shown.replace("\N{THIN SPACE}", " "))


def joined(portal: ContestPages, contest: Contest, who: str = HARBOUR, **wish: str) -> Answer:
    """Joins with the rules as they are, and a name of one's own where one is chosen."""
    now = portal.contests.contest(contest.contest)
    said = {"rules": rules_hash(now)} | wish
    return portal.machine(who).post(there(contest, "/join"), said, as_json=True)


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


# ------------------------------------------------------------------------------------------------------------- the list


def test_what_runs_what_is_to_come_and_what_has_been_stand_apart_with_what_was_won(alone: ContestPages) -> None:
    # given one that runs, one that is planned, one that is over and was won, and a draft
    running = alone.running()
    alone.enters(running, HARBOUR)
    alone.crowd(running, 3)
    alone.scores(running, HARBOUR, ftd=3)
    alone.planned("May race", starts_at=END, ends_at=END + timedelta(days=31), divisions=(LARGE,))
    alone.planned("Secret", status=ContestStatus.DRAFT)
    over = alone.running("Winter", starts_at=NOW - timedelta(days=60), ends_at=NOW - timedelta(days=40))
    for partner, clients in ((HARBOUR, 9), (PIPS, 4)):
        alone.enters(over, partner)
        alone.scores(over, partner, ftd=clients)
    alone.counted(over)
    alone.paid(over)

    data = alone.machine(HARBOUR).get("/contests").json

    assert [(each["name"], each["group"], each["takes_part"], each["may_join"]) for each in data["items"]] == [
        ("May race", "to_come", False, True), (SPRING, "running", True, False), ("Winter", "past", True, False),
    ]  # fmt: skip
    assert [(each["place"], each["score"]) for each in data["items"]] == [(None, None), (3, "3"), (1, "9")]
    assert data["items"][0]["first_prize"]["amount"] == {"amount": "2500.00", "currency": "EUR"}
    assert data["items"][2]["won"] == {"amount": {"amount": "1000.00", "currency": "EUR"}, "gift": ""}
    money, gift = sorted(data["won"], key=lambda each: each["gift"])
    assert (money["place"], money["status"], gift["gift"], gift["status"]) == (
        1, "paid", "A weekend in Lisbon", "to_send",
    )  # fmt: skip
    assert gift["receipt"] is None
    # then the prize leads to how it came about, and that is nobody else's
    receipt = alone.machine(HARBOUR).get(money["receipt"]).json["entry"]
    assert (receipt["kind"], receipt["amount"]["amount"]) == ("prize", "1000.00")
    assert alone.machine(PIPS).get(money["receipt"]).status == 404
    page = alone.signed_in(HARBOUR).get("/contests")
    shown = text(page)
    assert "Secret" not in shown and money["receipt"] in page.body
    order = [shown.index(each) for each in ("Now", SPRING, "To come", "May race", "What you have won", "Past")]
    assert order == sorted(order)
    assert "28 days and 12 hours left" in shown and "Place 3" in shown and "Won: 1,000.00 EUR" in shown
    table = list(csv.DictReader(io.StringIO(alone.machine(HARBOUR, "text/csv").get("/contests").body)))
    assert [(row["name"], row["place"], row["won"], row["currency"]) for row in table][-1] == (
        "Winter", "1", "1000.00", "EUR",
    )  # fmt: skip


def test_a_long_list_goes_on_page_by_page_and_an_empty_one_says_what_comes(alone: ContestPages) -> None:
    assert "No contest is planned for you" in text(alone.signed_in(HARBOUR).get("/contests"))
    for number in range(5):
        alone.planned(f"Number {number}", starts_at=END + timedelta(days=number), ends_at=END + timedelta(days=20))
    machine, names, place = alone.machine(HARBOUR), list[str](), "/contests?limit=2"
    while place:
        page = machine.get(place)
        names += [each["name"] for each in page.json["items"]]
        place = page.json["next"] and f"/contests?limit=2&cursor={page.json['next']}"
    assert names == [f"Number {number}" for number in (4, 3, 2, 1, 0)]
    # then a place in it is one's own
    taken = machine.get("/contests?limit=2").json["next"]
    assert refused(alone.machine(PIPS).get(f"/contests?cursor={taken}")) == (400, "bad_cursor")


# ------------------------------------------------------------------------------------------------------------ the board


def test_the_own_row_is_always_there_with_the_distance_to_the_next_place(portal: ContestPages) -> None:
    # given 60 others, of whom the last ones have 2, 4, 6 and 8 clients
    contest = portal.running()
    portal.enters(contest, HARBOUR)
    portal.crowd(contest, 60)
    portal.scores(contest, HARBOUR, ftd=7)
    machine, browser = portal.machine(HARBOUR), portal.signed_in(HARBOUR)

    first = machine.get(there(contest)).json

    assert (first["participants"], len(first["items"]), first["items"][0]["score"]) == (61, 50, "120")
    assert first["own"] == {
        "shown_as": default_name(contest.contest, portal.partners[HARBOUR]), "division": 0, "place": 58, "of": 61,
        "score": "7", "next_place": 57, "missing": "1", "apart": "below",
    }  # fmt: skip
    page = browser.get(there(contest))
    assert "58 of 61" in text(page) and "Missing to place 57 1" in text(page)
    assert page.body.count('class="fresh"') == 1
    # when it looks where it stands
    second = machine.get(there(contest, f"?cursor={first['own_page']}")).json
    own = [each for each in second["items"] if each["own"]]
    assert [(each["place"], each["score"]) for each in own] == [(58, "7")] and second["own"]["apart"] is None
    assert second["own_page"] is None and second["next"] is None
    page = browser.get(there(contest, f"?cursor={first['next']}"))
    assert page.body.count('class="fresh"') == 1
    # and the table has who is oneself
    rows = list(csv.DictReader(io.StringIO(portal.machine(HARBOUR, "text/csv").get(page_of(contest, first)).body)))
    assert [(row["place"], row["score"]) for row in rows if row["own"]] == [("58", "7")]


def page_of(contest: Contest, data: Mapping[str, Any]) -> str:
    return there(contest, f"?cursor={data['next']}")


def test_whoever_stands_on_an_earlier_page_sees_its_row_above(portal: ContestPages) -> None:
    contest = portal.running()
    portal.enters(contest, HARBOUR)
    portal.crowd(contest, 60)
    portal.scores(contest, HARBOUR, ftd=500)
    machine = portal.machine(HARBOUR)

    first = machine.get(there(contest)).json
    second = machine.get(page_of(contest, first)).json

    assert (first["own"]["apart"], first["own"]["missing"]) == (None, None)
    assert second["own"]["apart"] == "above"
    assert "Ahead of you nobody" in text(portal.signed_in(HARBOUR).get(there(contest)))


def test_a_board_says_when_nobody_scored_and_what_is_missing_to_rank(portal: ContestPages) -> None:
    contest = portal.running(minimum=500)
    assert "Nobody scored yet" in text(portal.signed_in(HARBOUR).get(there(contest)))
    portal.enters(contest, HARBOUR)
    portal.scores(contest, HARBOUR, ftd=2)
    portal.now = NOW + timedelta(seconds=6)

    data = portal.machine(HARBOUR).get(there(contest)).json

    assert (data["own"]["place"], data["own"]["missing"], data["minimum"]) == (None, "3", "5")
    assert "Not ranked yet" in text(portal.signed_in(HARBOUR).get(there(contest)))


def test_each_division_has_its_own_board_and_prizes(portal: ContestPages) -> None:
    contest = portal.running(divisions=SIZES)
    portal.enters(contest, HARBOUR, division=1)
    portal.scores(contest, HARBOUR, ftd=30)
    portal.crowd(contest, 2)
    machine = portal.machine(HARBOUR)

    own, other = machine.get(there(contest)).json, machine.get(there(contest, "?division=0")).json

    assert (own["division"], own["participants"], own["own"]["place"]) == (1, 1, 1)
    assert [(each["first"], each["last"], each["share"], each["threshold"]) for each in own["prizes"]] == [
        (1, 1, "50", None), (2, 3, "25", None), (0, 0, None, "25"),
    ]  # fmt: skip
    assert (other["division"], other["participants"], other["items"][0]["own"]) == (0, 2, False)
    # then the own place stands above the other board too, and no row in it
    assert (other["own"]["place"], other["own"]["of"], other["own"]["apart"]) == (1, 1, None)
    page = portal.signed_in(HARBOUR).get(there(contest, "?division=0"))
    assert 'class="fresh"' not in page.body and "To your place" in text(page)
    shown = text(portal.signed_in(HARBOUR).get(there(contest)))
    assert "Place 1 50% of 5,000.00 EUR" in shown and "Everybody from 25 on 50.00 EUR" in shown
    assert refused(machine.get(there(contest, "?division=x"))) == (400, "bad_division")
    assert machine.get(there(contest, "?division=7")).status == 404


def test_money_and_lots_are_written_as_the_reader_writes_them(portal: ContestPages) -> None:
    contest = portal.running(weights=((Metric.NET_REVENUE, 1_000),))
    portal.enters(contest, HARBOUR)
    portal.scores(contest, HARBOUR, net_revenue=123_456_789 * FINE)

    assert portal.machine(HARBOUR).get(there(contest)).json["own"]["score"] == "1234567.89"
    assert "1,234,567.89 EUR" in text(portal.signed_in(HARBOUR).get(there(contest)))
    browser = portal.signed_in(HARBOUR)
    browser.cookies["__Host-language"] = "pl"
    assert "1 234 567,89 EUR" in text(browser.get(there(contest))).replace("\N{NO-BREAK SPACE}", " ")


# ---------------------------------------------------------------------------------------------------- joining, leaving


def test_a_partner_reads_the_rules_joins_under_a_neutral_name_and_takes_another(portal: ContestPages) -> None:
    contest = portal.planned()
    browser, neutral = portal.signed_in(HARBOUR), default_name(contest.contest, portal.partners[HARBOUR])
    shown = browser.get(there(contest))
    assert "Counted are clients who make their first deposit" in text(shown)
    assert shown.field("rules") == rules_hash(contest) and f'value="{neutral}"' in shown.body

    answer = browser.submit(there(contest), there(contest, "/join"), rules=shown.field("rules"), shown_as="")

    assert (answer.status, answer.location) == (303, there(contest, "?joined=1"))
    entry = portal.contests.entry(contest.contest, portal.partners[HARBOUR])
    assert entry is not None
    assert (entry.takes_part, entry.shown_as, entry.rules, entry.joined_by) == (
        True, neutral, rules_hash(contest), portal.people[HARBOUR].member,
    )  # fmt: skip
    assert "You take part" in text(browser.get(answer.location))
    # when it takes another name, and leaves, and comes back
    renamed = browser.submit(there(contest), there(contest, "/name"), shown_as="  Golden   gate ")
    assert renamed.location == there(contest, "?renamed=1")
    assert portal.machine(HARBOUR).get(there(contest)).json["shown_as"] == "Golden gate"
    left = browser.submit(there(contest), there(contest, "/leave"))
    assert left.location == there(contest, "?left=1")
    gone = portal.machine(HARBOUR).get(there(contest)).json
    assert (gone["takes_part"], gone["may_join"], gone["own"]) == (False, True, None)
    portal.now += timedelta(seconds=1)
    assert joined(portal, contest).json["takes_part"] is True


def test_joining_twice_changes_nothing_and_a_program_hears_what_stands(portal: ContestPages) -> None:
    contest = portal.running()

    first, second = (joined(portal, contest, shown_as="Fast fingers") for _ in range(2))

    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json == {
        "contest": contest.contest, "takes_part": True, "shown_as": "Fast fingers", "division": 0,
    }  # fmt: skip
    assert portal.machine(HARBOUR).get(there(contest)).json["participants"] == 1


def test_what_cannot_be_joined_says_why(portal: ContestPages) -> None:
    contest = portal.running()
    portal.enters(contest, PIPS, "Coffee first")
    own, names = portal.machine(HARBOUR), {"rules": rules_hash(contest)}

    def answers(contest: Contest, **wish: str) -> tuple[int, str]:
        return refused(own.post(there(contest, "/join"), names | wish, as_json=True))

    assert answers(contest, rules="0" * 64) == (409, "rules_changed")
    assert answers(contest, shown_as="coffee  FIRST") == (409, "name_taken")
    for name in ("x", "n" * 41, "two\nlines", "turned \u202e round"):
        assert answers(contest, shown_as=name) == (422, "invalid_name"), name
    assert answers(contest, shown_as="n" * 201)[0] == 422
    assert refused(own.post(there(contest, "/name"), {"shown_as": "Anybody"}, as_json=True)) == (409, "not_taking_part")
    assert refused(own.post(there(contest, "/leave"), {}, as_json=True)) == (409, "not_taking_part")
    automatic = portal.running(opt_in=False)
    assert refused(joined(portal, automatic)) == (409, "entered_at_start")
    over = portal.running(ends_at=NOW - timedelta(minutes=1))
    assert refused(joined(portal, over)) == (409, "contest_ended")
    counted = portal.running(status=ContestStatus.COUNTING)
    assert refused(joined(portal, counted)) == (409, "participants_frozen")
    gone = portal.running(status=ContestStatus.CANCELLED)
    assert refused(joined(portal, gone)) == (409, "contest_over")
    # and none of it made a participant
    assert all(portal.contests.entry(each.contest, portal.partners[HARBOUR]) is None for each in (contest, automatic))
    for late, said in ((over, "nobody joins it any more"), (automatic, "its start enters everybody")):
        assert said in text(portal.signed_in(HARBOUR).get(there(late)))


def test_a_refused_form_keeps_what_was_typed_and_says_what_to_do(portal: ContestPages) -> None:
    contest = portal.running()
    portal.enters(contest, PIPS, "Coffee first")
    browser = portal.signed_in(HARBOUR)

    page = browser.submit(there(contest), there(contest, "/join"), rules=rules_hash(contest), shown_as="Coffee first")

    assert page.status == 409 and "Somebody else has this name" in text(page) and 'value="Coffee first"' in page.body
    page = browser.submit(there(contest), there(contest, "/join"), rules="old", shown_as="Mine")
    assert page.status == 409 and "The rules changed while you read them" in text(page)
    assert page.field("rules") == rules_hash(contest)


def test_rules_that_change_before_the_start_are_accepted_again(portal: ContestPages) -> None:
    contest = portal.planned(starts_at=END, ends_at=END + timedelta(days=10))
    joined(portal, contest, shown_as="Early bird")
    changed = portal.moves(contest, minimum=300)
    portal.now = NOW + timedelta(seconds=10)

    page = portal.signed_in(HARBOUR).get(there(contest))

    assert "The rules changed since you joined" in text(page) and page.field("rules") == rules_hash(changed)
    assert 'value="Early bird"' in page.body
    assert joined(portal, contest, shown_as="Early bird").status == 201
    assert portal.machine(HARBOUR).get(there(contest)).json["must_accept"] is False


# ----------------------------------------------------------------------------------------------------------- the result


def test_a_page_says_how_far_the_contest_is(portal: ContestPages) -> None:
    contest = portal.running(public=True)
    portal.enters(contest, HARBOUR)
    portal.scores(contest, HARBOUR, ftd=3)
    steps: list[tuple[Any, dict[str, Any], str, str]] = [
        (timedelta(), {}, "running", "28 days and 12 hours left"),
        (END - NOW + timedelta(hours=1), {}, "late", "late reports count for 23 hours more"),
        (END - NOW + timedelta(days=2), {"status": ContestStatus.COUNTING}, "counting", "It is counted once more"),
    ]
    for later, changes, phase, said in steps:
        portal.now = NOW + later
        if changes:
            portal.moves(contest, **changes)
        assert portal.machine(HARBOUR).get(there(contest)).json["phase"] == phase
        for page in (portal.signed_in(HARBOUR).get(there(contest)), portal.visitor().get(public(contest))):
            assert said in text(page), phase
    # A board lasts a few seconds.
    portal.now += timedelta(seconds=5)
    portal.counted(contest)
    assert "Objections: 3 days left" in text(portal.signed_in(HARBOUR).get(there(contest)))
    portal.now += timedelta(days=4)
    assert "Objections are being answered" in text(portal.signed_in(HARBOUR).get(there(contest)))
    portal.now += timedelta(seconds=5)
    portal.paid(contest)
    page = portal.signed_in(HARBOUR).get(there(contest))
    assert "The result is final" in text(page) and "What you have won" in text(page) and "Missing" not in text(page)


def test_a_cancelled_contest_says_why_and_promises_nothing(portal: ContestPages) -> None:
    contest = portal.running(public=True)
    portal.enters(contest, HARBOUR)
    portal.moves(contest, status=ContestStatus.CANCELLED, why_over="The platform was down")

    shown = text(portal.signed_in(HARBOUR).get(there(contest)))

    assert "nothing is paid for it. The platform was down" in shown and "What can be won" not in shown
    assert "The platform was down" not in portal.visitor().get(public(contest)).body


def test_whoever_is_set_aside_is_told_why_and_nobody_else_is(portal: ContestPages) -> None:
    contest = portal.running(public=True)
    for partner, clients in ((HARBOUR, 5), (PIPS, 4)):
        portal.enters(contest, partner)
        portal.scores(contest, partner, ftd=clients)
    portal.sets_aside(contest, HARBOUR, "Two clients are the same person")
    portal.counted(contest, {portal.partners[HARBOUR]: "Two clients are the same person"})

    assert "Two clients are the same person" in text(portal.signed_in(HARBOUR).get(there(contest)))
    for answer in (
        portal.machine(PIPS).get(there(contest)), portal.signed_in(PIPS).get(there(contest)),
        portal.visitor().get(public(contest)),
    ):  # fmt: skip
        assert answer.status == 200 and "same person" not in answer.body
    assert portal.machine(PIPS).get(there(contest)).json["own"]["place"] == 1


def test_a_participant_objects_and_reads_the_answer(portal: ContestPages) -> None:
    contest = portal.running()
    for partner in (HARBOUR, PIPS):
        portal.enters(contest, partner)
        portal.scores(contest, partner, ftd=1)
    portal.counted(contest)
    browser = portal.signed_in(HARBOUR)

    answer = browser.submit(there(contest), there(contest, "/objections"), text="Client 4711 is missing")

    assert (answer.status, answer.location) == (303, there(contest, "?objected=1#objection"))
    shown = text(browser.get(there(contest, "?objected=1")))
    assert "Client 4711 is missing" in shown and "Somebody looks at it" in shown and "We have your objection" in shown
    assert "4711" not in portal.machine(PIPS).get(there(contest)).body
    portal.answers(contest, HARBOUR, upheld=False, why="It deposited in May")
    data = portal.machine(HARBOUR).get(there(contest))
    assert [(each["upheld"], each["answer"]) for each in data.json["objections"]] == [(False, "It deposited in May")]
    assert portal.people[MANAGER].member not in data.body
    assert "It deposited in May" in text(browser.get(there(contest)))


def test_nobody_objects_too_late_too_often_or_without_taking_part(portal: ContestPages) -> None:
    contest = portal.running()
    portal.enters(contest, HARBOUR)
    portal.scores(contest, HARBOUR, ftd=1)

    def objects(who: str, said: str = "Count it again") -> Answer:
        return portal.machine(who).post(there(contest, "/objections"), {"text": said}, as_json=True)

    assert refused(objects(HARBOUR)) == (409, "not_provisional")
    portal.counted(contest)
    assert refused(objects(PIPS)) == (409, "not_a_participant")
    assert objects(HARBOUR, "no").status == 422
    for number in range(5):
        portal.now += timedelta(seconds=1)
        assert objects(HARBOUR, f"Count it again, {number}").status == 201
    assert refused(objects(HARBOUR)) == (409, "objected_often")
    assert portal.machine(HARBOUR).get(there(contest)).json["may_object"] is False
    portal.now += timedelta(days=4)
    assert refused(objects(HARBOUR)) == (409, "objections_over")


# -------------------------------------------------------------------------------------------------------- who sees what


def test_a_contest_for_others_is_none(portal: ContestPages) -> None:
    """Invariant 16."""
    invited = portal.running(conditions=Conditions(partners=frozenset({portal.partners[PIPS]})))
    draft = portal.planned(status=ContestStatus.DRAFT)
    portal.people["theirs"] = Member(
        member="mem_theirs", partner=portal.partners[PIPS], brand="brd_other", role=Role.OWNER, name="T", language="en"
    )
    for who, contest in ((HARBOUR, invited), (HARBOUR, draft), ("theirs", invited)):
        machine = portal.machine(who)
        assert machine.get(there(contest)).status == 404
        for step, said in (
            ("/join", {"rules": rules_hash(contest)}), ("/name", {"shown_as": "Me"}), ("/leave", {}),
            ("/objections", {"text": "Let me in"}),
        ):  # fmt: skip
            assert machine.post(there(contest, step), said, as_json=True).status == 404, (who, step)
    assert portal.machine(HARBOUR).get(f"/contests/ctt_{'9' * 1100}").status == 404
    assert portal.machine(PIPS).get(there(invited)).status == 200
    # and staff have pages of their own
    assert refused(portal.machine(MANAGER).get("/contests")) == (403, "partners_only")
    assert refused(portal.machine(MANAGER).get(there(invited))) == (403, "partners_only")


def test_nobody_learns_who_another_is_or_what_it_won(portal: ContestPages) -> None:
    contest = portal.running(public=True)
    for partner, clients in ((HARBOUR, 5), (PIPS, 4)):
        portal.enters(contest, partner)
        portal.scores(contest, partner, ftd=clients)
    portal.counted(contest)
    portal.paid(contest)
    for answer in (
        portal.machine(PIPS).get(there(contest)), portal.signed_in(PIPS).get(there(contest)),
        portal.machine(PIPS).get("/contests"), portal.visitor().get(public(contest)),
        portal.visitor(accept="application/json").get(public(contest)),
    ):  # fmt: skip
        assert answer.status == 200
        for hidden in (portal.partners[HARBOUR], HARBOUR, portal.people[HARBOUR].member, portal.partners[PIPS]):
            assert hidden not in answer.body, hidden
    assert [each["place"] for each in portal.machine(PIPS).get(there(contest)).json["won"]] == [2]


def test_any_login_of_a_partner_acts_for_it(portal: ContestPages) -> None:
    contest = portal.running()

    assert joined(portal, contest, HELPER, shown_as="From the helper").status == 201
    assert portal.machine(HARBOUR).get(there(contest)).json["shown_as"] == "From the helper"


def test_only_as_many_places_are_shown_as_the_contest_says(portal: ContestPages) -> None:
    contest = portal.running(shown=3, public=True)
    portal.enters(contest, HARBOUR)
    portal.crowd(contest, 6)
    portal.scores(contest, HARBOUR, ftd=1)

    data = portal.machine(HARBOUR).get(there(contest)).json

    assert ([each["place"] for each in data["items"]], data["own"]["place"], data["own"]["apart"]) == (
        [1, 2, 3], 7, "below",
    )  # fmt: skip
    assert data["own_page"] is None
    strangers = portal.visitor(accept="application/json").get(public(contest)).json
    assert [each["place"] for each in strangers["items"]] == [1, 2, 3]


@pytest.mark.parametrize("code", CODES)
def test_the_pages_of_contests_speak_each_language(portal: ContestPages, code: str) -> None:
    contest = portal.running(public=True, divisions=SIZES)
    portal.enters(contest, HARBOUR)
    portal.scores(contest, HARBOUR, ftd=3)
    browser = portal.signed_in(HARBOUR, accept_language=code)
    browser.cookies["__Host-language"] = code
    strangers = portal.visitor().get(public(contest, f"?language={code}"))
    for page in (browser.get("/contests"), browser.get(there(contest)), strangers):
        assert (page.status, f'lang="{code}"' in page.body) == (200, True)


# ------------------------------------------------------------------------------------------------------ the public page


def test_the_public_page_knows_nobody_and_may_be_kept_on_the_way(portal: ContestPages) -> None:
    contest = portal.running(public=True, divisions=SIZES)
    portal.enters(contest, HARBOUR, "Fast fingers")
    portal.scores(contest, HARBOUR, ftd=3)

    stranger, member = portal.visitor().get(public(contest)), portal.signed_in(HARBOUR).get(public(contest))

    assert stranger.body == member.body
    assert "Northgate FX" in stranger.body and "Fast fingers" in stranger.body and "<form" not in stranger.body
    assert (stranger.headers["cache-control"], stranger.cookies) == ("public, max-age=5", [])
    assert stranger.headers["vary"] == "Accept, Accept-Language, Authorization, Accept-Encoding"
    data = portal.visitor(accept="application/json").get(public(contest, "?division=1")).json
    assert (data["division"], data["items"], data["participants"]) == (1, [], 0)
    assert set(data) & {"own", "won", "objections", "why_over", "may_join"} == set()


def test_a_contest_that_is_not_public_is_none_for_strangers(portal: ContestPages) -> None:
    for contest in (portal.running(), portal.planned(public=True, status=ContestStatus.DRAFT)):
        answer = portal.visitor().get(public(contest))
        assert answer.status == 404 and answer.headers["cache-control"] == "private, no-store"
    assert portal.visitor(accept="application/json").get(f"/public/contests/{'9' * 1100}").status == 404
    assert portal.visitor(accept="application/json").get(public(contest, "?division=-1")).status == 400


def test_however_many_strangers_look_the_books_are_asked_once_in_five_seconds(
    portal: ContestPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest, private = portal.running(public=True), portal.running()
    portal.enters(contest, HARBOUR, "Fast fingers")
    portal.scores(contest, HARBOUR, ftd=3)
    calls: Counter[str] = Counter()
    call = Memory.call

    def counted(memory: Memory, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        calls[operation] += 1
        return call(memory, operation, arguments)

    monkeypatch.setattr(Memory, "call", counted)
    for kind in ("text/html", "application/json", "text/csv"):
        for code in CODES:
            assert portal.visitor(accept=kind).get(public(contest, f"?language={code}")).status == 200
    first = calls.total()
    for _ in range(20):
        portal.visitor().get(public(contest))
        portal.visitor().get(public(private))
    # what there is not is known for as long
    assert calls.total() - first <= 2
    portal.scores(contest, HARBOUR, ftd=4)
    portal.now = NOW + timedelta(seconds=6)
    seen = portal.visitor(accept="application/json").get(public(contest)).json
    assert [each["score"] for each in seen["items"]] == ["4"]


def test_a_private_contest_of_yesterday_can_be_made_public(portal: ContestPages) -> None:
    contest = portal.running()
    assert portal.visitor().get(public(contest)).status == 404
    portal.moves(contest, public=True)
    portal.now = NOW + timedelta(seconds=6)

    assert portal.visitor().get(public(contest)).status == 200


def test_a_name_is_text_and_nothing_else(portal: ContestPages) -> None:
    contest = portal.running(public=True, name="<b>Cup</b>")
    joined(portal, contest, shown_as="<script>alert(1)</script>")
    joined(portal, contest, GULF, shown_as="=1+1")

    for page in (portal.signed_in(LANTERN).get(there(contest)), portal.visitor().get(public(contest))):
        assert "<script>alert" not in page.body and "<b>Cup" not in page.body
    rows = csv.DictReader(io.StringIO(portal.visitor(accept="text/csv").get(public(contest)).body))
    assert {row["name"] for row in rows} == {"<script>alert(1)</script>", "'=1+1"}


def test_whoever_joined_a_division_that_there_is_no_more_sees_the_first_until_the_start(alone: ContestPages) -> None:
    # given a participant of the second division
    contest = alone.planned(divisions=SIZES)
    alone.enters(contest, HARBOUR, division=1)
    alone.scores(contest, HARBOUR, ftd=3)
    # when it is one division before the start
    alone.moves(contest, divisions=(Division(name="", prizes=PRIZES),))
    alone.now += timedelta(seconds=10)
    # then the list and the contest are there
    mine = alone.machine(HARBOUR)
    [row] = mine.get("/contests").json["items"]
    assert (row["takes_part"], row["first_prize"]["amount"]["amount"]) == (True, "1000.00")
    one = mine.get(there(contest)).json
    assert (one["division"], one["takes_part"], one["own"], one["may_leave"]) == (0, True, None, True)
    assert refused(mine.get(there(contest, "?division=1"))) == (404, "not_found")
    assert alone.machine(HARBOUR, "text/html").get(there(contest)).status == 200
