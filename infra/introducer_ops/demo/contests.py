"""The demo world's contests, and a goal of one partner's own, from their planning to what they pay.

The sprint is joined: partners accept its rules under a name of their choice, and compete for first deposits in
divisions by size. The race takes everybody, for lots, and anybody may see its board. Both last two weeks, until the
trading day. Whoever cheats takes part as well, with much that counts: its case is open when the result is made, so it
is set aside.

All of it over HTTP: the desk's pages, those of the partners, and the public one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from introducer.domain.configuration import Role
from introducer.domain.money import minor_units
from introducer.store.contests import Contests as ContestStore
from introducer_ops.demo.building import World
from introducer_ops.demo.desk import Desk
from introducer_ops.demo.payees import ON_HOLD
from introducer_ops.demo.plan import MADE_UP, PARTNERS, STAR
from introducer_ops.demo.script import Slot
from introducer_ops.demo.waiting import NotSettled
from introducer_ops.localcloud import Stack

DAYS = 14
"""How long the contests last, the trading day included."""
NAMES = {
    STAR: "Northern Lights",
    1: "The Early Bird",
    2: "",
    3: "Two Monitors",
    4: "Blue Harbour",
    5: "Señor Pip",
    6: "Café Candlestick",
}
"""Who joins the sprint, by their numbers in the plan, and under which names; an empty one is the neutral name."""
CHEATS_AS = "Honest Joe"
_GIFT = "A stand at the traders' fair in Vienna"
_ZONE = "Europe/Berlin"
_STEP = timedelta(minutes=1)
_PATIENCE = 90.0
_LOOK_EVERY = 0.1
_MOST = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """The contests and the goal, by their ids."""

    sprint: str
    race: str
    goal: str

    @property
    def contests(self) -> tuple[str, str]:
        return self.sprint, self.race


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a contest, as the desk's pages told it. Amounts are decimal texts."""

    contest: str
    name: str
    status: str
    execution: str
    currency: str
    archive: str
    pool: int
    """Minor units, of all divisions in which somebody ranks."""
    live: Mapping[str, str]
    """What each participant had scored on the board when the last event was in the books."""
    results: tuple[Mapping[str, Any], ...]
    awards: tuple[Mapping[str, Any], ...]
    shown: tuple[tuple[Any, ...], ...]
    """Place, name and score of who ranks, as the board showed them in the end, by division."""
    receipts: Mapping[str, Mapping[str, str]]
    """What the receipt of each prize's entry comes to, as its partner read it; by the entry."""
    objections: int

    @property
    def money(self) -> list[Mapping[str, Any]]:
        """The prizes that are entries of the books."""
        return [each for each in self.awards if each["kind"] != "gift"]

    @property
    def gifts(self) -> list[Mapping[str, Any]]:
        return [each for each in self.awards if each["kind"] == "gift"]

    @property
    def paid(self) -> int:
        """Minor units of all prizes that are money."""
        return sum(map(_minor, self.money))

    @property
    def shares(self) -> int:
        """Minor units of all prizes that are a part of a pool."""
        return sum(_minor(each) for each in self.money if each["kind"] == "share")

    @property
    def aside(self) -> list[Mapping[str, Any]]:
        """Who is set aside."""
        return [each for each in self.results if each["unranked"] == "set_aside"]

    @property
    def verified(self) -> int:
        """Prizes whose receipt comes to what the desk says."""
        return sum(self.receipts.get(each["journal"]) == each["amount"] for each in self.money)

    @property
    def board_is_result(self) -> bool:
        """Whether everybody scored by the facts what the board showed, and the board shows the result now."""
        ranked = [(each["rank"], each["shown_as"], each["score"]) for each in self.results if each["rank"]]
        # Who stands level stands in no order.
        return {each["partner"]: each["score"] for each in self.results} == self.live and sorted(ranked) == sorted(
            self.shown
        )


@dataclass(frozen=True, slots=True)
class Contests:
    """What the contests and the goal came to."""

    ended: tuple[Ended, ...]
    stopped: frozenset[str]
    """Partners about whom a case is open, or whom a hold stops: they are to be set aside wherever they take part."""
    goal: Mapping[str, Any]
    """As its partner reads it."""

    @property
    def sums(self) -> dict[str, int]:
        """What was won in money, minor units by currency."""
        found: Counter[str] = Counter()
        for each in self.ended:
            found[each.currency] += each.paid
        return dict(found)

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be, in words."""
        found = []
        for each in self.ended:
            if each.status != "done" or len(each.archive) != 64:
                found.append(f"{each.name} is {each.status}, and not over.")
            if each.shares != each.pool:
                found.append(f"{each.name} paid {each.shares} of its pools, and {each.pool} is in them.")
            if not each.board_is_result:
                found.append(f"The board of {each.name} is another than its result.")
            if each.verified != len(each.money):
                found.append(
                    f"{each.name} has {len(each.money)} prizes, and {each.verified} receipts that say the same."
                )
            aside = {row["partner"] for row in each.aside}
            if aside != self.stopped & {row["partner"] for row in each.results}:
                found.append(f"{each.name} set aside {', '.join(sorted(aside)) or 'nobody'}.")
            if any(gift["status"] != "delivered" for gift in each.gifts):
                found.append(f"A gift of {each.name} was not delivered.")
        reached, due = self.goal["counted"] >= self.goal["clients"], self.goal["amount"]
        if reached != (self.goal["phase"] == "paid" and self.goal["paid"] == due):
            found.append(
                f"The goal counts {self.goal['counted']} of {self.goal['clients']}, and is {self.goal['phase']}."
            )
        return found


class Scene:
    """Contests from their planning to their end. The world's clock is what moves them on."""

    def __init__(self, stack: Stack, world: World, day: date) -> None:
        self._stack, self._world, self._day = stack, world, day
        self._desks: dict[str, Desk] = {}
        """Of owners who signed in."""
        self._contests = ContestStore(stack.outputs["BooksTableName"])
        self._waiting: dict[str, str] = {}
        self._starts_at: datetime | None = None
        """When both start; None once they have."""
        self._joined = False

    # ------------------------------------------------------------------------------------------------------- before

    def plan(self) -> None:
        """A manager designs both contests and offers a goal; finance approves the contests, the partner accepts the
        goal. All before the first click: the engine then knows of them from the first event on."""
        star = self._world.partners[STAR]
        with self._as(Role.MANAGER) as manager, self._as(Role.FINANCE) as finance:
            planned = [manager.post(f"{_DESK}/new", settings) for settings in (self._sprint(), self._race())]
            for each in planned:
                finance.post(f"{_DESK}/{each['contest']}/approval", {"version": each["version"]})
            wish = {
                "by": "ftd",
                "clients": 3,
                "first": self._first.isoformat(),
                "last": self._day.isoformat(),
                "amount": "300.00",
                "currency": star.currency,
                "note": "For the banner that you put on your front page",
            }
            goal = manager.post(f"/desk/partners/{star.partner}/goals", wish)["goal"]
        owner = self._owner(star.partner)
        [offer] = [each for each in owner.get("/goals")["items"] if each["goal"] == goal]
        owner.post(f"/goals/{goal}/accept", {"terms_hash": offer["acceptance"]["terms_hash"]})
        sprint, race = (each["contest"] for each in planned)
        self.planned = Planned(sprint, race, goal)
        self._starts_at = self._contests.contest(sprint).starts_at
        self._waiting = self._executions_wait({})

    def before(self, slot: Slot) -> None:
        """What is due before the clock comes to a slot: the start, and joining, as the trading day begins."""
        if self._starts_at is not None and slot.at > self._starts_at:
            # How long an execution waits it reckons from the clock as it is then: it stands until both run.
            self._stack.clock.set_to(self._starts_at + _STEP)
            self._waiting = self._executions_wait(self._waiting)
            self._starts_at = None
        if slot.busy and not self._joined:
            self._stack.clock.set_to(slot.at)
            self._join()
            self._joined = True

    def _executions_wait(self, before: Mapping[str, str]) -> dict[str, str]:
        """Waits until each execution waits for the clock anew; by what they are woken."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            tokens = {contest: self._contests.contest(contest).token for contest in self.planned.contests}
            if all(token and token != before.get(contest) for contest, token in tokens.items()):
                return tokens
            if time.monotonic() > deadline:
                raise NotSettled(f"After {_PATIENCE:.0f} seconds the executions of the contests do not wait.")
            time.sleep(_LOOK_EVERY)

    def _join(self) -> None:
        """Partners join the sprint while it runs: what they scored since the start counts."""
        for number, name in (NAMES | {self._cheat: CHEATS_AS}).items():
            owner, where = self._owner(self._world.partners[number].partner), f"/contests/{self.planned.sprint}"
            rules = owner.get(where)["rules_hash"]
            owner.post(f"{where}/join", {"rules": rules, "shown_as": name})

    # -------------------------------------------------------------------------------------------------------- after

    def end(self, say: Callable[[str], None]) -> Contests:
        """What happens after the last day: late reports, the count, an objection, the prizes. Raises `NotSettled`."""
        with self._as(Role.MANAGER) as manager:
            live = {contest: self._scores(manager, contest) for contest in self.planned.contests}
            say("waiting for late reports")
            self._until(manager, "counts_until", "provisional")
            say("hearing who objects")
            self._object(manager)
            self._until(manager, "objections_until", "done")
            say("reading receipts")
            ended = tuple(self._ended(manager, contest, live[contest]) for contest in self.planned.contests)
        star = self._world.partners[STAR].partner
        goal = next(each for each in self._owner(star).get("/goals")["items"] if each["goal"] == self.planned.goal)
        stopped = {
            made.partner
            for number, made in enumerate(self._world.partners)
            if self._world.plan.partners[number].attack or number - PARTNERS == ON_HOLD
        }
        self.close()
        return Contests(ended, frozenset(stopped), goal)

    def _until(self, manager: Desk, moment: str, status: str) -> None:
        """The clock goes on to a moment of both contests, and then by the minute until both stand so."""
        due = [manager.get(f"{_DESK}/{contest}")[moment] for contest in self.planned.contests]
        self._stack.clock.set_to(max(map(datetime.fromisoformat, due)) + _STEP)
        deadline = time.monotonic() + _PATIENCE
        while waits := [each for each in self.planned.contests if manager.get(f"{_DESK}/{each}")["status"] != status]:
            if time.monotonic() > deadline:
                raise NotSettled(f"After {_PATIENCE:.0f} seconds {' and '.join(waits)} are not {status}.")
            time.sleep(_LOOK_EVERY)
            self._stack.clock.advance(_STEP.total_seconds())

    def _object(self, manager: Desk) -> None:
        """Whoever made clients up is set aside in the sprint, and says something against it."""
        contest, partner = self.planned.sprint, self._world.partners[self._cheat].partner
        said = {"text": "All of our clients are real. We want our prize."}
        self._owner(partner).post(f"/contests/{contest}/objections", said)
        [objection] = manager.get(f"{_DESK}/{contest}/result")["objections"]
        answer = {
            "partner": objection["partner"],
            "at": objection["at_ms"],
            "verdict": "refuse",
            "why": "The case about these clients is open. Please answer what we asked you there",
        }
        manager.post(f"{_DESK}/{contest}/objections", answer)

    def _ended(self, manager: Desk, contest: str, live: Mapping[str, str]) -> Ended:
        where = f"{_DESK}/{contest}"
        for gift in _items(manager, f"{where}/awards?show=gifts"):
            for status, note in (("sent", "By courier, in the second week"), ("delivered", "Thanks came by mail")):
                said = {"partner": gift["partner"], "award": gift["number"], "status": status, "note": note}
                manager.post(f"{where}/awards", said)
        found = manager.get(where)
        divisions = range(len(found["settings"]["divisions"]))
        by_division = [list(_items(manager, f"{where}/result?division={number + 1}")) for number in divisions]
        awards = tuple(_items(manager, f"{where}/awards"))
        read = {each["journal"]: self._receipt(each) for each in awards if each["kind"] != "gift"}
        return Ended(
            contest=contest,
            name=found["name"],
            status=found["status"],
            execution=found["execution"],
            currency=found["currency"],
            archive=found["archive"],
            pool=sum(
                minor_units(division["pool"], found["currency"])
                for division, rows in zip(found["settings"]["divisions"], by_division, strict=True)
                if any(row["rank"] for row in rows)
            ),
            live=live,
            results=tuple(row for rows in by_division for row in rows),
            awards=awards,
            shown=tuple(row for number in divisions for row in self._shown(contest, number)),
            receipts=read,
            objections=len(manager.get(f"{where}/result")["objections"]),
        )

    def _receipt(self, award: Mapping[str, Any]) -> Mapping[str, str]:
        """What the entry of a prize comes to, as its partner reads it."""
        read = self._owner(award["partner"]).get(f"/earnings/{award['journal']}")
        amount: Mapping[str, str] = read["entry"]["amount"]
        return amount

    def _shown(self, contest: str, division: int) -> Iterator[tuple[Any, ...]]:
        """Who ranks, as the partners' board shows it."""
        owner = self._owner(self._world.partners[STAR].partner)
        for row in _items(owner, f"/contests/{contest}?division={division}"):
            if row["place"]:
                yield row["place"], row["shown_as"], row["score"]

    def _scores(self, manager: Desk, contest: str) -> dict[str, str]:
        """What everybody who takes part has scored, as the engine counts."""
        where = f"{_DESK}/{contest}/participants"
        divisions = len(manager.get(f"{_DESK}/{contest}")["settings"]["divisions"])
        rows = (row for number in range(divisions) for row in _items(manager, f"{where}?division={number + 1}"))
        return {row["partner"]: row["score"] for row in rows}

    # ----------------------------------------------------------------------------------------------------- settings

    @property
    def _first(self) -> date:
        return self._day - timedelta(days=DAYS - 1)

    @property
    def _cheat(self) -> int:
        """The number of the partner whose clients are nobody."""
        return next(number for number, each in enumerate(self._world.plan.partners) if each.attack == MADE_UP)

    def _window(self) -> dict[str, Any]:
        return {
            "currency": "EUR",
            "time_zone": _ZONE,
            "first_day": self._first.isoformat(),
            "last_day": self._day.isoformat(),
            "grace_hours": 24,
            "objection_hours": 24,
            "minimum": "1",
        }

    def _sprint(self) -> dict[str, Any]:
        shares = [
            {"kind": "share", "first": place, "share": share} for place, share in enumerate(("50", "30", "20"), 1)
        ]
        small = {"name": "Rising", "pool": "1000.00", "prizes": [*shares, {"kind": "gift", "first": 1, "gift": _GIFT}]}
        amounts = [
            {"kind": "fixed", "first": 1, "amount": "400.00"},
            {"kind": "fixed", "first": 2, "amount": "200.00"},
            {"kind": "threshold", "threshold": "3", "amount": "75.00"},
        ]
        return self._window() | {
            "name": f"{self._day:%B} sprint",
            "description": "Whoever brings most new traders in two weeks.",
            "weights": {"ftd": "1"},
            "size_by": "ftd",
            "divisions": [small, {"name": "Grown", "from_size": 4, "prizes": amounts}],
        }

    def _race(self) -> dict[str, Any]:
        shares = [{"kind": "share", "first": place, "share": share} for place, share in enumerate(("60", "40"), 1)]
        return self._window() | {
            "name": "Lots for everybody",
            "weights": {"lots": "1"},
            "opt_in": False,
            "public": True,
            "tie": "first",
            "divisions": [{"pool": "500.00", "prizes": shares}],
        }

    # ------------------------------------------------------------------------------------------------------- people

    def close(self) -> None:
        """Nobody signs in any more."""
        for desk in self._desks.values():
            desk.close()
        self._desks.clear()

    def _as(self, role: Role) -> Desk:
        return Desk(self._stack, self._world.login(role))

    def _owner(self, partner: str) -> Desk:
        """A partner's owner at the portal, who signs in once."""
        if partner not in self._desks:
            self._desks[partner] = Desk(self._stack, self._world.owners[partner])
        return self._desks[partner]


_DESK = "/desk/contests"


def _items(desk: Desk, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list, page after page."""
    cursor = ""
    while True:
        page = desk.get(f"{path}{'&' if '?' in path else '?'}limit={_MOST}{cursor}")
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


def _minor(award: Mapping[str, Any]) -> int:
    return minor_units(award["amount"]["amount"], award["amount"]["currency"])
