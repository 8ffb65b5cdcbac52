"""A brand whose partners compete, over the tables of a test: clients who register, pay in and trade, the engine that
counts them while they do, and a contest taken as far as a test wants it.

    world = ContestWorld(tables)
    world.partners("par_a", "par_b")
    world.contest(a_contest(...), "par_a", "par_b")
    world.client("c1", "par_a", "2026-11-03", deposit="50.00")
    world.done()

The contest is that of the first half of November 2026. It counts first deposits, and pays a pool, unless it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.configuration import Attribution, Availability, Campaign, Change, Link, Role, Source
from introducer.domain.contest import Contest, ContestStatus, Entry, Prize
from introducer.domain.contest_closing import Recount
from introducer.domain.contest_prizes import Award
from introducer.domain.events import Event, day_of, milliseconds
from introducer.domain.ledger import Journal
from introducer.services.announce_contest import announce_contest
from introducer.services.apply_events import Engine
from introducer.services.archive_contest import archive_contest
from introducer.services.contest_books import ContestBooks
from introducer.services.finish_result import finish_result
from introducer.services.freeze_contest import engine_is_done, freeze_contest
from introducer.services.pay_prizes import Paid, pay_prizes
from introducer.services.publish_result import publish_result
from introducer.services.read_contracts import ContractReader
from introducer.services.recount_contest import recount_batch, recount_batches
from introducer.store import keys
from introducer.store.accruals import Accruals
from introducer.store.contest_windows import ContestWindows
from introducer.store.contests import Joining
from introducer.store.intake_days import IntakeDay
from introducer.store.rates import RateStore
from tests.conftest import Tables
from tests.support import contest_builders
from tests.support.builders import BRAND, CLICK_KEY, SOURCE, a_click, an_event, at, cpa, lot, revshare, terms
from tests.support.payouts import LONG_AGO, SET_UP, Paying, a_member

CONTEST = "ctt_1"
STARTS, ENDS = at("2026-11-01"), at("2026-11-15")
MANAGER = a_member(Role.MANAGER, "mem_manager", BRAND)
COMPLIANCE = a_member(Role.COMPLIANCE, "mem_compliance", BRAND)
FINANCE = a_member(Role.FINANCE, "mem_finance", BRAND)
DEAL = terms(cpa("100.00"), revshare("30"), lot("2.00"), days=30, net_revenue={"commission": "1"})
POOL = 1_000_00


def a_contest(*prizes: Prize, **other: Any) -> Contest:
    """A contest that is approved and runs: half of the pool for the first, 30 and 20 % for the next two."""
    prizes = prizes or (contest_builders.share(1, 50), contest_builders.share(2, 30), contest_builders.share(3, 20))
    given: dict[str, Any] = {
        "contest": CONTEST, "name": "November sprint", "starts_at": STARTS, "ends_at": ENDS, "pool": POOL,
        "status": ContestStatus.RUNNING, "drafted_by": "mem_manager", "approved_by": "mem_finance",
        "approved_at": at("2026-10-02"),
    }  # fmt: skip
    return contest_builders.a_contest(*prizes, **given | other)


class Archive:
    """Stands for the bucket."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str, str], bytes] = {}

    def keep(self, brand: str, contest: str, digest: str, text: bytes) -> None:
        self.texts.setdefault((brand, contest, digest), text)


class ContestWorld(Paying):
    """A brand with partners, an engine that counts contests, and the services of one contest."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, BRAND)
        self.now = STARTS + timedelta(days=5)
        self.change_ = Change(by="mem_manager", at=LONG_AGO, why="set up", origin="test")
        self.configuration.register_source(
            Source(source=SOURCE, brand=BRAND, dialect="introducer", status=Availability.ACTIVE), SET_UP
        )
        self.configuration.create_campaign(
            Campaign(
                campaign="cmp_1", brand=BRAND, name="cmp_1", landing_url="https://www.example/live",
                hosts=("www.example",), click_parameter="click_id", window_days=30,
                attribution=Attribution.LAST_CLICK, countries=(), status=Availability.ACTIVE, created=LONG_AGO,
            ),
            SET_UP,
        )  # fmt: skip
        self.links: dict[str, str] = {}
        self.archive = Archive()
        self.renew()

    def renew(self) -> None:
        """All of it in new containers."""
        books, facts = self.tables.books, self.tables.facts
        self.books = ContestBooks.of(facts, books, elapsed=self._elapsed, today=lambda: day_of(self.now))
        self.reader = ContractReader(
            self.configuration, RateStore(books), lambda: {0: CLICK_KEY}, self._elapsed,
            lambda: day_of(self.now), windows=ContestWindows(books).of_brand,
        )  # fmt: skip
        self.engine = Engine(
            facts=self.books.facts, clients=self.books.clients, ledger=self.ledger,
            accruals=Accruals(facts, books), contracts=self.reader, now_ms=lambda: milliseconds(self.now),
            pause=lambda attempt: None, report=lambda event, error: None,
        )  # fmt: skip

    def _elapsed(self) -> float:
        return self.now.timestamp()

    # ------------------------------------------------------------------------------------------------------- given

    def partners(self, *partners: str, deal: Mapping[str, Any] = DEAL) -> None:
        """Partners with a deal and a link each."""
        for partner in partners:
            self.partner(partner, accepted=False, verified=False, profile=None)
            self.accepts(partner, deal)
            code = f"LINK{len(self.links):04d}"
            self.links[partner] = code
            self.configuration.create_link(
                Link(
                    code=code, link_id=code, partner=partner, brand=BRAND, campaign="cmp_1",
                    landing_url="https://www.example/live", hosts=("www.example",), click_parameter="click_id",
                    fallback_url="https://brand.example/", status=Availability.ACTIVE, shard_exponent=0,
                    created=LONG_AGO,
                ),
                SET_UP,
            )  # fmt: skip

    def contest(self, contest: Contest, *joined: str) -> Contest:
        """A contest, and who takes part in it."""
        written = self.books.contests.move(None, contest, None, window=True)
        assert written is not None
        for partner in joined:
            self.joins(written, partner)
        return written

    def joins(self, contest: Contest, partner: str, division: int = 0, shown_as: str = "") -> None:
        """A partner takes part."""
        entry = Entry(
            contest=contest.contest, partner=partner, joined_at=at("2026-10-20"), division=division,
            shown_as=shown_as or f"Partner {partner[-1]}",
        )  # fmt: skip
        assert self.books.contests.enter(contest, Joining(entry=entry), self.change_, "join_contest")

    def client(
        self, client: str, partner: str, day: str, *, deposit: str = "50.00", hour: int = 10, accepted: Any = None
    ) -> list[Event]:
        """A client who registers on a day and pays in an hour later; applied at once, unless it is accepted later."""
        when = at(day) + timedelta(hours=hour)
        events = [
            an_event(
                "registration", when, client=client, event_id=f"{client}-registered",
                click_id=a_click(when - timedelta(hours=1), self.links[partner]), accepted_at=accepted or when,
            ),
            an_event(
                "deposit", when + timedelta(hours=1), client=client, event_id=f"{client}-first", amount=deposit,
                accepted_at=accepted or when + timedelta(hours=1),
            ),
        ]  # fmt: skip
        self.accepts_events(*events)
        if accepted is None:
            self.applies(*events)
        return events

    def accepts_events(self, *events: Event) -> None:
        """Events come in, and are not applied yet."""
        for event in events:
            if self.books.facts.put_event(event) is None:
                self._counts(event, IntakeDay("", "", accepted=1))

    def applies(self, *events: Event) -> None:
        """The engine applies them, as the stream brings them."""
        outcome = self.engine.apply(events)
        assert (outcome.quarantined, outcome.failed) == (0, ())
        for event in events:
            self._counts(event, IntakeDay("", "", applied=1))

    def comes(self, *events: Event) -> None:
        """Events come in and are applied."""
        self.accepts_events(*events)
        self.applies(*events)

    def _counts(self, event: Event, more: IntakeDay) -> None:
        seen = self.books.intake.get(event.source, day_of(event.accepted_at or event.occurred_at))
        assert self.books.intake.add(seen, replace(more, marks=f"{seen.accepted} {seen.applied}"))

    # -------------------------------------------------------------------------------------------------------- when

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    def until(self, moment: datetime) -> datetime:
        """It is this moment, or it was before."""
        self.now = max(self.now, moment)
        return self.now

    @property
    def found(self) -> Contest:
        return self.books.contests.contest(CONTEST)

    def freezes(self) -> Contest:
        self.until(self.found.counts_until)
        return freeze_contest(self.books, contest=CONTEST, now=self.now)

    def is_done(self) -> bool:
        return engine_is_done(self.books, contest=CONTEST, now=self.now)

    def recounts(self) -> list[Recount]:
        for batch in recount_batches(self.books, contest=CONTEST):
            recount_batch(self.books, contest=CONTEST, batch=batch)
        return list(self.books.results.recounts(CONTEST))

    def publishes(self) -> Contest:
        return publish_result(self.books, contest=CONTEST, now=self.now)

    def published(self) -> Contest:
        """Frozen, counted, and published."""
        self.freezes()
        self.later(minutes=5)
        self.recounts()
        return self.publishes()

    def finishes(self) -> Contest:
        objections_until = self.found.objections_until
        assert objections_until is not None
        self.until(objections_until)
        return finish_result(self.books, contest=CONTEST, now=self.now)

    def pays_prizes(self) -> Paid:
        return pay_prizes(self.books, contest=CONTEST, now=self.now, pause=lambda attempt: None)

    def announces(self) -> Contest:
        return announce_contest(self.books, contest=CONTEST, now=self.now)

    def archives(self) -> Contest:
        return archive_contest(self.books, self.archive, contest=CONTEST, now=self.now)  # type: ignore[arg-type]

    def done(self) -> Contest:
        """Taken from where it runs to its end."""
        self.published()
        self.finishes()
        while self.pays_prizes().left:
            pass
        self.announces()
        return self.archives()

    # -------------------------------------------------------------------------------------------------------- then

    def awards(self, *partners: str) -> list[Award]:
        """What these partners won, or all who have a link."""
        those = partners or sorted(self.links)
        return [award for partner in those for award in self.books.results.awards_of_partner(partner)]

    def prizes(self) -> dict[str, int]:
        """What prizes the journals pay, by partner."""
        sums: dict[str, int] = {}
        for journal in self.prize_journals():
            sums[journal.key.partner] = sums.get(journal.key.partner, 0) + journal.amount
        return sums

    def prize_journals(self) -> list[Journal]:
        """The journals of prizes, of all partners and months."""
        found: list[Journal] = []
        partitions = {item[keys.PK]["S"] for item in self.tables.items(self.tables.books)}
        for partner in sorted(self.links):
            begins = keys.partition("journal", partner=partner, month="")
            for pk in sorted(pk for pk in partitions if pk.startswith(begins)):
                month = pk.removeprefix(begins)
                if month.isdigit():
                    found += [
                        each
                        for each in self.ledger.all_journals(partner, f"{month[:4]}-{month[4:]}")
                        if each.kind == "prize"
                    ]
        return found


def ranks(world: ContestWorld) -> Sequence[tuple[int, str, int]]:
    """Rank, partner and score of the result that stands, in its order."""
    return [(each.rank, each.partner, each.score) for each in world.books.results.all_results(world.found)]


Act = Callable[[], object]
