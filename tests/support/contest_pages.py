"""A brand's contests, all in this process: a payday's partners, contests at any stage, many who take part, and the
portal in front. Counts are set as the engine sets them; results and prizes are reckoned as the close reckons them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Change, Member, Role
from introducer.domain.contest import (
    Contest,
    ContestStatus,
    Division,
    Entry,
    Metric,
    Prize,
    PrizeKind,
)
from introducer.domain.contest_closing import SetAside, standings
from introducer.domain.contest_prizes import Award, concluded
from introducer.domain.contest_rules import default_name
from introducer.domain.contest_score import Counted
from introducer.domain.ids import derived_id
from introducer.services.contest_books import ContestBooks
from introducer.services.pay_prizes import pay_prizes
from introducer.store.configuration import Configuration
from introducer.store.contest_results import ContestResults
from introducer.store.contests import Contests, Joining, entry_key
from introducer.store.reservations import Beside
from tests.support.payday import HARBOUR, MANAGER, NOW, Payday, a_payday

HELPER = "helper@harbour"
"""A login of Harbour's that is not its owner."""
SPRING = "The spring cup"
START, END = datetime(2026, 3, 31, 22, 0, tzinfo=UTC), datetime(2026, 4, 30, 22, 0, tzinfo=UTC)
"""April, in Berlin."""
PRIZES = (
    Prize(kind=PrizeKind.FIXED, first=1, last=1, amount=100_000),
    Prize(kind=PrizeKind.FIXED, first=2, last=3, amount=25_000),
    Prize(kind=PrizeKind.GIFT, first=1, last=1, gift="A weekend in Lisbon"),
)
_CHANGE = Change(by="system:test", at=NOW, why="set up", origin="test")


class ContestPages(Payday):
    """The portal, and the contests behind it."""

    @property
    def contest_books(self) -> ContestBooks:
        books: ContestBooks = self.wiring.contest_books
        return books

    @property
    def contests(self) -> Contests:
        return Contests(self.table)

    def planned(self, name: str = SPRING, **settings: Any) -> Contest:
        """A contest that was approved: clients with a first deposit, in April, opt-in."""
        contest = Contest(
            contest=derived_id("ctt", name, secrets.token_hex(8)),
            name=name,
            **{
                "brand": self.brand,
                "weights": ((Metric.FTD, 1_000),),
                "currency": "EUR",
                "time_zone": "Europe/Berlin",
                "starts_at": START,
                "ends_at": END,
                "divisions": (Division(name="", prizes=PRIZES),),
                "status": ContestStatus.PLANNED,
                "drafted_by": "mem_3",
                "drafted_at": NOW - timedelta(days=20),
                "approved_by": "mem_0",
                "approved_at": NOW - timedelta(days=19),
            }
            | settings,
        )
        made = self.contests.move(None, contest, None)
        assert made is not None
        return made

    def moves(self, contest: Contest, **changes: Any) -> Contest:
        """The contest goes on, or is changed by staff."""
        before = self.contests.contest(contest.contest)
        after = self.contests.move(before, replace(before, **changes), None)
        assert after is not None
        return after

    def running(self, name: str = SPRING, **settings: Any) -> Contest:
        return self.planned(name, **{"status": ContestStatus.RUNNING} | settings)

    def enters(self, contest: Contest, partner: str, shown_as: str = "", division: int = 0) -> None:
        """A partner takes part, by its name or, for one that is nothing but an entry, by its id."""
        partner = self.partners.get(partner, partner)
        entry = Entry(
            contest=contest.contest, partner=partner, joined_at=contest.starts_at, division=division,
            shown_as=shown_as or default_name(contest.contest, partner), joined_by="system:test",
        )  # fmt: skip
        now = self.contests.contest(contest.contest)
        assert self.contests.enter(now, Joining(entry=entry), _CHANGE, "join_contest")

    def scores(self, contest: Contest, partner: str, **counted: int) -> None:
        """What the engine counted of a partner in all."""
        key = entry_key(contest.contest, self.partners.get(partner, partner))
        names = {f"#{place}": name for place, name in enumerate(counted)}
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            UpdateExpression="SET " + ", ".join(f"{sign} = :{name}" for sign, name in names.items()),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": {"N": str(value)} for name, value in counted.items()},
        )

    def crowd(self, contest: Contest, many: int, *, division: int = 0, metric: Metric = Metric.FTD) -> None:
        """Others take part, who scored 2, 4, 6 …"""
        for number in range(1, many + 1):
            partner = f"par_crowd{division}{number:03d}"
            self.enters(contest, partner, f"Rival {number}", division)
            self.scores(contest, partner, **{metric.value: 2 * number})

    def counted(self, contest: Contest, asides: Mapping[str, str] | None = None, **changes: Any) -> Contest:
        """It was counted from the facts, which say what the engine said; participants may object for three days."""
        results = concluded(
            contest,
            [
                replace(each, aside=(asides or {}).get(each.partner, ""))
                for each in standings(self._entries(contest), self._counts(contest), ())
            ],
        ).results
        ContestResults(self.table).keep_results("edn_1", results)
        provisional = {
            "status": ContestStatus.PROVISIONAL, "frozen_at": contest.counts_until, "edition": "edn_1",
            "objections_until": self.now + timedelta(days=3),
        }  # fmt: skip
        return self.moves(contest, **provisional | changes)

    def paid(self, contest: Contest) -> list[Award]:
        """The result is final, its prizes were paid, and gifts wait to be sent."""
        self.moves(contest, status=ContestStatus.PAYING, finished_at=self.now)
        assert (
            pay_prizes(self.contest_books, contest=contest.contest, now=self.now, pause=lambda attempt: None).left == 0
        )
        self.moves(contest, status=ContestStatus.DONE)
        won = ContestResults(self.table).awards_of_contest(contest.contest)
        return list(won.items)

    def sets_aside(self, contest: Contest, partner: str, why: str) -> None:
        aside = SetAside(
            contest=contest.contest, partner=self.partners[partner], why=why, by=self.people[MANAGER].member, at=NOW
        )
        put = ContestResults(self.table).aside_put(aside)
        before = self.contests.contest(contest.contest)
        assert self.contests.move(before, before, None, beside=Beside(puts=[put]))

    def answers(self, contest: Contest, partner: str, *, upheld: bool, why: str) -> None:
        """Staff answer the partner's objection."""
        results, before = ContestResults(self.table), self.contests.contest(contest.contest)
        (objection,) = results.objections(contest.contest, self.partners[partner])
        member = self.people[MANAGER].member
        answered = replace(objection, decided_by=member, decided_at=self.now, upheld=upheld, why=why)
        assert self.contests.move(before, before, None, beside=Beside(puts=[results.objection_put(answered)]))

    def _entries(self, contest: Contest) -> list[Entry]:
        return list(self.contests.entries(contest.contest))

    def _counts(self, contest: Contest) -> dict[str, Counted]:
        return {each.partner: Counted(each.counted, 1) for each in self._entries(contest)}


@contextmanager
def contest_pages(patch: pytest.MonkeyPatch) -> Iterator[ContestPages]:
    """There is no contest yet."""
    with a_payday(patch) as payday:
        payday.__class__ = ContestPages
        portal: Any = payday
        portal.people[HELPER] = Member(
            member=f"mem_{secrets.token_hex(4)}", partner=portal.partners[HARBOUR], brand=portal.brand,
            role=Role.MEMBER, name="Hedy Helper", language="en",
        )  # fmt: skip
        Configuration(portal.table).add_member(portal.people[HELPER], _CHANGE)
        yield portal
