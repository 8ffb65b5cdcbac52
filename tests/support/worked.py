"""The worked examples of docs/deals-by-example.md, read from the page as people read it: deals, what happened, what is
owed. What the page says nowhere is not assumed here, save what its introduction says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from introducer.domain.events import Event
from introducer.domain.ledger import Key
from introducer.domain.money import Money, minor_units
from tests.support.builders import CLICK_KEY, World, a_click, an_event, at
from tests.support.reference import Reference

PAGE = Path(__file__).parents[2] / "docs" / "deals-by-example.md"
EVER = "2020-01-01"
FIELDS = ("spread", "commission", "swap", "pnl")


@dataclass(frozen=True)
class Close:
    """A month of the books is closed at this point of the page."""

    month: str


@dataclass(frozen=True)
class Payout:
    """All that is available on a day is paid; the page says how much that is."""

    day: str
    minor: int
    currency: str
    pays: Money | None = None
    """What it comes to in another currency, where the page says it."""


Step = Event | Close | Payout


@dataclass(frozen=True)
class Owed:
    """A line of what is owed; None where the page does not say (only one partner, one rule, any day)."""

    month: str
    minor: int
    currency: str
    partner: str | None = None
    rule: str | None = None
    scope: str | None = None
    available: str | None = None

    def covers(self, key: Key) -> bool:
        wanted = (self.partner, self.rule, self.scope, self.month, self.currency, self.available)
        return all(want in (None, value) for want, value in zip(wanted, key, strict=True))


@dataclass
class Example:
    """One example, or one variant of it: a world, what happens in the order of the page, what comes out."""

    title: str
    deals: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    standings: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    parents: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    rates: dict[str, dict[str, str]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    posted: list[str] | None = None
    owed: list[Owed] = field(default_factory=list)
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> list[Event]:
        return [step for step in self.steps if isinstance(step, Event)]

    def world(self) -> World:
        """The configuration, as the engine reads it. A partner's link carries its name."""
        world = World(rates=self.rates)
        for partner, versions in self.deals.items():
            (since, first), *later = versions
            world.partner(partner, first, link_of(partner), since)
            for since, terms in later:
                world.version(partner, terms, since)
        for partner, decided in self.standings.items():
            for since, blocked in decided:
                world.decides(partner, since, blocked=blocked)
        for partner, above in self.parents.items():
            for month, parent in above:
                world.under(partner, parent, month)
        return world

    def reference(self) -> dict[Key, int]:
        """What the naive reading of the same deals owes."""
        links = self.world().links
        naive = Reference(self.deals, links, self.rates, {0: CLICK_KEY}, self.standings, self.parents)
        return naive.owed(self.events)


def link_of(partner: str) -> str:
    return f"LINK{partner:_>4}"


def examples(page: str | None = None) -> Iterator[Example]:
    """Every example of the page, and every variant of it."""
    for part in re.split(r"^### ", page or PAGE.read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = re.split(r"^## ", part, flags=re.MULTILINE)[0].partition("\n")
        yield from _read(title.strip(), body)


def _read(title: str, body: str) -> Iterator[Example]:
    base = Example(title)
    for name, since, text in re.findall(
        r"^Deal of \*\*(\w)\*\*(?: from (\S+))?:\n\n```json\n(.*?)```", body, re.MULTILINE | re.DOTALL
    ):
        base.deals.setdefault(name, []).append((since or EVER, json.loads(text)))
    _read_configuration(base, re.sub(r"```.*?```", "", body, flags=re.DOTALL))
    told = re.search(r"^Posted in this order: ([-\d., ]*\d)\.", body, re.MULTILINE)
    base.posted = told[1].split(", ") if told else None
    current, found = base, False
    for heading, table in _tables(body):
        names, *rows = table
        if names[0] == "published":
            base.rates |= {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in rows}
        elif names[0] == "when":
            base.steps = [_step(number, *row) for number, row in enumerate(rows, 1)]
        elif names[0] == "month":
            if found:
                yield current
            found, current = True, _variant(base, heading)
            current.owed = [_owed(dict(zip(names, row, strict=True))) for row in rows]
        elif names[0] == "statement":
            current.statements = {row[0]: row[1] for row in rows}
        else:
            raise ValueError(f"{title}: a table that begins with {names[0]!r} is not one of an example")
    if not found:
        raise ValueError(f"{title}: nothing is said about what is owed")
    yield current


def _tables(body: str) -> Iterator[tuple[str, list[list[str]]]]:
    """The tables, each with the last line of text before it."""
    heading, table = "", []
    for line in [*body.splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not set("".join(cells)) <= set("-"):
                table.append(cells)
        elif table:
            yield heading, table
            heading, table = "", []
        if line and not line.startswith("|"):
            heading = line


def _read_configuration(example: Example, text: str) -> None:
    for below, above, until, then in re.findall(
        r"\*\*(\w)\*\*(?: stands)? below \*\*(\w)\*\*(?: until (\S+), then below \*\*(\w)\*\*)?", text
    ):
        example.parents[below] = [("", above), *([(until, then)] if until else [])]
    for partner, since, until in re.findall(r"\*\*(\w)\*\* is blocked from (\S+(?: \d\d:\d\d)?) until (\S+)\.", text):
        example.standings[partner] = [(since, True), (until, False)]


def _variant(base: Example, heading: str) -> Example:
    """The example as it stands, or with one thing changed, as the line before a table of what is owed says."""
    if changed := re.fullmatch(r"With `(\{.*\})`:", heading):
        partner = next(iter(base.deals))
        (since, terms), *later = base.deals[partner]
        first, *rules = terms["rules"]
        first = {name: value for name, value in (first | json.loads(changed[1])).items() if value is not None}
        deals = base.deals | {partner: [(since, terms | {"rules": [first, *rules]}), *later]}
        return replace(base, title=f"{base.title}, with {changed[1]}", deals=deals, posted=None)
    if added := re.fullmatch(r"And on (\S+) `(\w+) (.*)`:", heading):
        step = _step(len(base.steps) + 1, *added.groups())
        return replace(base, title=f"{base.title}, and {added[2]} {added[3]}", steps=[*base.steps, step])
    return replace(base)


def _owed(row: Mapping[str, str]) -> Owed:
    amount, currency = row["owed"].split()
    scope = row.get("for")
    return Owed(
        row["month"], minor_units(amount, currency), currency, row.get("partner"), row.get("rule"),
        "" if scope == "all" else scope, row.get("available"),
    )  # fmt: skip


def _step(number: int, when: str, who: str, what: str) -> Step:
    """A row of what happened."""
    moment = at(when)
    word, _, rest = what.partition(" ")
    if word == "close":
        return Close(rest.removeprefix("of "))
    if word == "payout":
        held, _, pays = rest.removeprefix("of ").partition(", in ")
        amount, currency = held.split()
        paid_in = Money.parse(*reversed(pays.split())) if pays else None
        return Payout(when[:10], minor_units(amount, currency), currency, paid_in)
    fields: dict[str, Any] = {"client": who, "event_id": f"e{number}"}
    if named := re.search(r" \((\w+)\)$", what):
        fields["event_id"], what = named[1], what[: named.start()]
    for pattern, reader in _WORDS.items():
        if found := re.fullmatch(pattern, what):
            return reader(moment, found, fields)
    raise ValueError(f"row {number}: {what!r} is not something that an example can say")


def _registers(when: datetime, found: re.Match[str], fields: dict[str, Any]) -> Event:
    click = a_click(when - timedelta(hours=1), link_of(found[1]))
    return an_event("registration", when, country=found[2], click_id=click, **fields)


def _money(when: datetime, found: re.Match[str], fields: dict[str, Any]) -> Event:
    return an_event(found[1], when, amount=found[2], currency=found[3], ref=found[4], **fields)


def _move(when: datetime, found: re.Match[str], fields: dict[str, Any]) -> Event:
    starts_at = at(found[2]) if found[2] else None
    return an_event("move", when, source="staff", partner=found[1], starts_at=starts_at, **fields)


def _trade(when: datetime, found: re.Match[str], fields: dict[str, Any]) -> Event:
    fields["currency"] = "EUR"
    for part in found[1].split(", ")[1:]:
        match part.split():
            case [name, amount, currency] if name in FIELDS:
                fields[name], fields["currency"] = amount, currency
            case [size, "lots", *symbol]:
                fields["lots"] = size
                fields["symbol"] = symbol[0] if symbol else None
            case ["held", seconds, "s"]:
                fields |= {"opened_at": when - timedelta(seconds=int(seconds)), "closed_at": when}
            case [kind, "account"]:
                fields["account_type"] = kind
            case _:
                raise ValueError(f"{part!r} is not something that a trade can have")
    return an_event("trade", when, **fields)


_WORDS = {
    r"registers with (\w)(?:, from (\w\w))?": _registers,
    r"kyc (approved)": lambda when, found, fields: an_event("kyc", when, **fields),
    r"(deposit|withdrawal|credit|chargeback) (-?[\d.]+) (\w{3})(?: of (\w+))?": _money,
    r"(trade.*)": _trade,
    r"cancel of (\w+)": lambda when, found, fields: an_event("cancel", when, ref=found[1], **fields),
    r"moves to (\w)(?: from (.+))?": _move,
}
