"""Between a contest's end and its prizes, without tables: batches, sums, who is set aside, a prize's journal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.contest import MACHINE, Metric, PrizeKind
from introducer.domain.contest_closing import (
    MOST_BATCHES,
    PARTNERS_AT_ONCE,
    Cause,
    Recount,
    SetAside,
    award_id,
    batches_of,
    by_the_clock,
    contest_and_number,
    edition_of,
    prize_journal,
    sent,
    together,
)
from introducer.domain.contest_prizes import Award, AwardStatus, Standing
from introducer.domain.contest_score import Counted
from introducer.domain.errors import Conflict
from introducer.domain.events import milliseconds
from tests.support.builders import at
from tests.support.contests import CONTEST, a_contest

NOW = at("2026-11-20 09:00")


@given(st.sets(st.text("abcdef", min_size=1, max_size=6), max_size=200), st.text("abcdefz", min_size=1, max_size=6))
def test_each_partner_is_in_one_batch_and_so_is_whoever_registers_later(partners: set[str], later: str) -> None:
    batches = batches_of(partners)
    for partner in {*partners, later}:
        assert sum(batch.has(partner) for batch in batches) == 1
    assert all(sum(batch.has(each) for each in partners) <= PARTNERS_AT_ONCE for batch in batches)


def test_however_many_partners_a_brand_has_the_batches_fit_into_one_answer() -> None:
    batches = batches_of(f"par_{number:06d}" for number in range(60_000))
    assert len(batches) == MOST_BATCHES
    assert (batches_of([]), batches_of(["par_a"])) == ((("0000", "", ""),), (("0000", "", ""),))


def test_what_several_batches_say_of_one_partner_adds_up() -> None:
    one = Recount(contest=CONTEST, batch="0000", counted={"par_a": Counted({Metric.FTD: 2}, 5)}, clients=9)
    other = replace(one, batch="0001", counted={"par_a": Counted({Metric.FTD: 1, Metric.LOTS: 7}, 3)})
    assert together([one, other]) == {"par_a": Counted({Metric.FTD: 3, Metric.LOTS: 7}, 5)}


def test_the_clock_sets_aside_and_takes_back_what_it_set_aside_alone() -> None:
    contest = a_contest()
    by_clock = SetAside(contest=CONTEST, partner="par_a", why="hold", by=MACHINE, at=NOW)
    by_hand = replace(by_clock, partner="par_b", why="Bought its clients", by="mem_1")
    before = {"par_a": by_clock, "par_b": by_hand}
    # when nothing stands against anybody any more
    (gone,) = by_the_clock(contest, before, {}, NOW)
    assert (gone.partner, gone.stands, gone.taken_back_by) == ("par_a", False, MACHINE)
    # when it is another cause, and somebody new
    changed = by_the_clock(contest, before, {"par_a": Cause.BLOCKED, "par_c": Cause.OPEN_CASE}, NOW)
    assert [(each.partner, each.why) for each in changed] == [("par_a", "blocked"), ("par_c", "open_case")]
    # when it is as it was, and when it comes again
    assert by_the_clock(contest, before, {"par_a": Cause.HOLD, "par_b": Cause.HOLD}, NOW) == []
    (again,) = by_the_clock(contest, {"par_a": gone}, {"par_a": Cause.HOLD}, NOW)
    assert again.stands


def test_an_edition_is_named_by_who_is_in_it_and_who_is_set_aside() -> None:
    one = Standing(partner="par_a", division=0, counted=Counted({}, 0))
    other = replace(one, partner="par_b")
    name = edition_of(a_contest(), [one, other])
    assert name == edition_of(a_contest(), [other, replace(one, shown_as="Ann")])
    assert (
        len({name, edition_of(a_contest(), [one]), edition_of(a_contest(), [one, replace(other, aside="hold")])}) == 3
    )


def an_award(**fields: object) -> Award:
    given: dict[str, object] = {
        "contest": CONTEST, "brand": "brd_1", "partner": "par_a", "number": 2, "division": 0, "place": 1, "score": 300,
        "kind": PrizeKind.FIXED, "amount": 10_00, "currency": "EUR",
    }  # fmt: skip
    return Award(**given | fields)  # type: ignore[arg-type]


def test_a_prizes_journal_has_one_id_whoever_pays_it_and_moves_out_of_a_closed_month() -> None:
    contest = replace(a_contest(), finished_at=NOW)
    one = prize_journal(contest, an_award(), milliseconds(NOW), "2026-11-20", None)
    later = prize_journal(contest, an_award(), milliseconds(NOW) + 9, "2026-11-27", "2026-10")
    closed = prize_journal(contest, an_award(), milliseconds(NOW), "2026-11-20", "2026-12")
    assert one.id == later.id and one.id != closed.id
    assert (one.post_month, closed.post_month, closed.key.earn_month) == ("2026-11", "2027-01", "2026-11")
    assert one.id[10:] == closed.id[10:]
    assert sum(leg.amount for leg in one.legs) == 0
    other = prize_journal(contest, an_award(number=1), milliseconds(NOW), "2026-11-20", None)
    assert other.id != one.id and other.key != one.key


def test_a_prizes_name_says_of_which_contest_it_is() -> None:
    assert contest_and_number(award_id(an_award())) == (CONTEST, 2)
    for nonsense in ("", "ctt_1", "ctt_1.", ".1", "ctt_1.x", "ctt_1.²", "ctt_1.1234567"):
        assert contest_and_number(nonsense) is None


@pytest.mark.parametrize("status", [AwardStatus.DUE, AwardStatus.PAID, AwardStatus.TO_SEND])
def test_a_gift_becomes_nothing_but_sent_and_delivered(status: AwardStatus) -> None:
    gift = an_award(kind=PrizeKind.GIFT, amount=0, gift="A watch", status=AwardStatus.TO_SEND)
    with pytest.raises(Conflict):
        sent(gift, status, NOW)
