"""A receipt in words: what an entry is, the events behind it, the arithmetic line by line, the rates, the deal's rule.

The steps are those that the rules write as `domain.ledger.Line`. A step that is newer than these words, or has other
values than they expect, is shown by its code and its result: a receipt opens whatever it holds. What counts whole
things (trades, days, clients) is a `Plural`, as in a deal's words; the books keep the figure alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from introducer.domain.describe import Clause, Count, Day, Plural
from introducer.domain.ledger import Journal, Line, ReceiptEvent, ReceiptRate
from introducer.domain.money import decimal_string
from introducer.locale import Language
from introducer.wording.codes import N_, WORDS, word
from introducer.wording.sentences import (
    NOTHING,
    Code,
    Exact,
    Figure,
    Moment,
    Month,
    Part,
    Said,
    Text,
    fill,
    joined,
    say,
    shown,
)

WHAT_HAPPENED, HOW_COMPUTED = N_("What happened"), N_("How it was computed")
AT_WHICH_RATE, WHAT_DEAL_SAYS = N_("At which rate"), N_("What the deal says of it")
WHEN, EVENT, NUMBER, SOURCE, BROUGHT = (
    N_("When"),
    N_("Event"),
    N_("Platform's number"),
    N_("Source"),
    N_("Brought"),
)
ENTRY, PARTNER = N_("Entry"), N_("Partner")
LEGS = N_("Legs in the ledger")
"""Headings, for a reader without a page."""

CONTRIBUTION = "contribution"
"""The step that names one of the largest contributions, as evidence beside the arithmetic."""
NO_LONGER_OWED = "no_longer_owed"
"""The step of a key that nothing speaks for any more."""
DISALLOWED = "disallowed"
"""The step of a key that the verdict of a case took everything from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact about an entry, with its label. `name` tells a page which one it is."""

    name: str
    label: str
    value: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """An event that moved the entry."""

    type: str
    when: Said
    event: Said
    source: Said
    value: Said
    """What it brought in the deal's currency; empty where it has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of arithmetic: what was done, and what came out."""

    words: Said
    outcome: Said = NOTHING
    money: Exact | None = None
    """The outcome where it is an amount, for a page that writes amounts its own way."""
    sum: bool = False
    """Whether the lines before add up to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRate:
    """A rate that was used, and who published it when."""

    rate: Said
    published: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An entry of the books with its receipt, in one reader's words."""

    kind: str
    rule: str
    amount: Exact
    facts: tuple[Fact, ...]
    note: Said
    """Why it stands in the books of another month than it was earned for; empty where it does not."""
    over: Said
    """What it is reckoned over, or why it is taken back, where no events tell; empty where they do."""
    events: tuple[ToldEvent, ...]
    more_events: str
    """How many more there were; empty when all are listed."""
    largest: tuple[Step, ...]
    """The largest contributions, where many clients or partners stand behind the amount."""
    steps: tuple[Step, ...]
    rates: tuple[ToldRate, ...]
    deal: tuple[Said, ...]
    """What the deal's version says of this rule."""


def tell(
    language: Language,
    journal: Journal,
    *,
    client: str | None = None,
    below: str | None = None,
    clause: Clause | None = None,
    instead: str | None = None,
) -> Told:
    """A journal as `language` tells it. `client` is a pseudonym, `below` the partner whose activity it is of; `clause`
    is what the deal's version says of the rule, where there is one; `instead` the entry that it made room for."""
    receipt, currency = journal.receipt, journal.key.currency
    late = journal.post_month != journal.key.earn_month
    months: Mapping[str, Part] = {"earned": Month(journal.key.earn_month), "posted": Month(journal.post_month)}
    more = receipt.more_events
    return Told(
        kind=word(language, "kind", journal.kind),
        rule=word(language, "rule" if client else "rule_of_all", receipt.rule_kind),
        amount=_amount(journal.amount, currency, signed=True),
        facts=_facts(language, journal, client, below, instead),
        note=fill(language, _CLOSED, months) if late else NOTHING,
        over=_over(language, journal, client, below),
        events=tuple(_event(language, event, currency) for event in receipt.events),
        more_events=(
            fill(language, Plural("and %(num)s earlier event", "and %(num)s earlier events"), {"num": Count(more)})
            if more
            else ""
        ),
        largest=tuple(step(language, line, currency) for line in receipt.lines if line.step == CONTRIBUTION),
        steps=arithmetic(language, journal),
        rates=tuple(_rate(language, rate) for rate in receipt.rates),
        deal=tuple(say(language, sentence) for sentence in clause.sentences) if clause else (),
    )


def arithmetic(language: Language, journal: Journal) -> tuple[Step, ...]:
    """The arithmetic line by line, down to the difference that the journal posts. Contributions are no part of it, and
    a rounding that rounds nothing is not told."""
    receipt, currency = journal.receipt, journal.key.currency
    steps, by = [], ""
    for line in _worth_telling(receipt.lines):
        if line.step in ("tier_basis", "goal"):
            by = line.values[0] if line.values else ""
        steps.append(step(language, line, currency, by))
    for message, minor in ((_OWED, receipt.target), (_BEFORE, receipt.before), (_DIFFERENCE, journal.amount)):
        amount = _amount(minor, currency, signed=message == _DIFFERENCE)
        outcome = shown(language, amount)
        steps.append(Step(words=fill(language, message, {}), outcome=outcome, money=amount, sum=message != _BEFORE))
    return tuple(steps)


def _worth_telling(lines: Sequence[Line]) -> Iterator[Line]:
    """The lines without those that only repeat a figure: the sum before a rounding that rounds nothing, and a rounding
    that leaves the line before as it is."""
    executed = [line for line in lines if line.step != CONTRIBUTION]
    before: Line | None = None
    for place, line in enumerate(executed):
        after = executed[place + 1] if place + 1 < len(executed) else None
        if line.step == "uplift" and after is not None and after.step == "rounded" and _same(line, after):
            continue
        if line.step == "rounded" and before is not None and before.step not in _LOOKED_AT and _same(before, line):
            continue
        before = line
        yield line


_LOOKED_AT = ("tier_basis", "goal")
"""Steps whose figures are looked at and not paid."""


def _same(line: Line, other: Line) -> bool:
    """Whether two lines come to the same figure."""
    try:
        return Decimal(line.result) == Decimal(other.result)
    except InvalidOperation:
        return False


def step(language: Language, line: Line, currency: str, by: str = "") -> Step:
    """A receipt's line in words. `by` is what tiers go by, as the line before said it."""
    told = _TOLD.get(line.step)
    saying = told(_Wanted(language, line, currency, by)) if told else None
    if saying is None:
        raw = Text(line.step.replace("_", " "))
        return Step(words=shown(language, raw), outcome=shown(language, Figure(line.result)))
    outcome = saying.outcome
    return Step(
        words=fill(language, saying.message, saying.values),
        outcome=NOTHING if outcome is None else shown(language, outcome),
        money=outcome if isinstance(outcome, Exact) else None,
    )


# ---------------------------------------------------------------------------------------------------------- the facts

_CLOSED = N_("It stands in the books of %(posted)s: %(earned)s was closed when it was posted.")
_OWED, _BEFORE, _DIFFERENCE = N_("Owed in all"), N_("Posted before"), N_("This entry: the difference")


def _facts(
    language: Language, journal: Journal, client: str | None, below: str | None, instead: str | None
) -> tuple[Fact, ...]:
    version = journal.receipt.version
    found: list[tuple[str, str, Said]] = []
    if client is not None:
        found.append(("client", N_("Client"), shown(language, Code(client))))
    if below is not None:
        found.append(("below", N_("Partner below"), shown(language, Code(below))))
    found += [
        ("earned_for", N_("Earned for"), shown(language, Month(journal.key.earn_month))),
        ("posted", N_("Posted"), shown(language, Moment(str(journal.posted_at)))),
        ("books", N_("In the books of"), shown(language, Month(journal.post_month))),
        ("available", N_("Available"), shown(language, Day(journal.key.available_day))),
    ]
    lines = {line.step: line.values for line in journal.receipt.lines}
    if journal.receipt.rule_kind == "prize" and len(lines.get("prize", ())) > 1:
        contest, name, *_ = lines["prize"]
        found.insert(0, ("contest", N_("Contest"), joined(shown(language, Text(name)), shown(language, Code(contest)))))
    if version:
        found.append(
            (
                "deal",
                N_("Deal"),
                joined(
                    fill(language, N_("Version %(version)s"), {"version": Figure(str(version))}),
                    shown(language, Code(journal.key.rule)),
                ),
            )
        )
    if instead is not None:
        found.append(("instead", N_("Posted instead"), shown(language, Code(instead))))
    return tuple(Fact(name=name, label=language.text(label), value=value) for name, label, value in found)


# What an entry is reckoned over, where no events tell.

_IN_CONTEST = N_("Won in a contest, by what its final result says.")
_BY_PEOPLE = N_("Two people decided it: one proposed it, another approved it.")
_TAKEN_FROM_CLIENT = N_(
    "Taken back, most often because what it was for now counts for another day or month, was cancelled or charged "
    "back, or the client is another partner's."
)
_TAKEN_FROM_ALL = N_(
    "Taken back, most often because what it was for was cancelled, or now counts for another month or partner."
)
_DISALLOWED = N_("Taken back by the verdict of a case: %(reason)s. The case is %(case)s.")
_OF_BELOW = N_("Reckoned over %(month)s of the partner below, %(partner)s.")
_OF_ALL_IN_DAYS = N_("Reckoned over all clients together, from %(first)s to %(last)s.")
_OF_ALL = N_("Reckoned over all clients together, in %(month)s.")
_BY_PLACES = N_("Reckoned over all clients who qualified in %(month)s: the places of a cap go by who qualified first.")
_NO_EVENTS = N_("No event of this client moved it.")
_PLACES = ("slot", "no_slot")


def _over(language: Language, journal: Journal, client: str | None, below: str | None) -> Said:
    receipt, month = journal.receipt, Month(journal.key.earn_month)
    lines = {line.step: line for line in receipt.lines}
    if NO_LONGER_OWED in lines:
        return fill(language, _TAKEN_FROM_CLIENT if client is not None else _TAKEN_FROM_ALL, {})
    if DISALLOWED in lines and len(lines[DISALLOWED].values) == 2:
        reason, case = lines[DISALLOWED].values
        values: dict[str, Part] = {"reason": Text(word(language, "verdict_reason", reason)), "case": Code(case)}
        return fill(language, _DISALLOWED, values)
    if receipt.events and not lines.keys() & set(_PLACES):
        return NOTHING
    if receipt.rule_kind == "adjustment":
        return fill(language, _BY_PEOPLE, {})
    if receipt.rule_kind == "prize":
        return fill(language, _IN_CONTEST, {})
    if below is not None:
        return fill(language, _OF_BELOW, {"month": month, "partner": Code(below)})
    if client is not None:
        return fill(language, _BY_PLACES if lines.keys() & set(_PLACES) else _NO_EVENTS, {"month": month})
    goal = lines.get("goal")
    if goal is not None and len(goal.values) > 3:
        return fill(language, _OF_ALL_IN_DAYS, {"first": Day(goal.values[2]), "last": Day(goal.values[3])})
    return fill(language, _OF_ALL, {"month": month})


def _event(language: Language, event: ReceiptEvent, currency: str) -> ToldEvent:
    return ToldEvent(
        type=word(language, "event", event.type),
        when=shown(language, Moment(str(event.occurred_at))),
        event=shown(language, Code(event.event_id)),
        source=shown(language, Code(event.source)),
        value=shown(language, Exact(event.value, currency)) if event.value else NOTHING,
    )


def _rate(language: Language, rate: ReceiptRate) -> ToldRate:
    figure = shown(language, Figure(rate.rate))
    return ToldRate(
        rate=shown(language, Code(f"1 {rate.source} = {figure} {rate.target}")),
        published=fill(
            language,
            N_("%(feed)s, published on %(day)s"),
            {"feed": Code(rate.feed.upper()), "day": Day(rate.day)},
        ),
    )


def _amount(minor: int, currency: str, *, signed: bool = False) -> Exact:
    return Exact(decimal_string(minor, currency), currency, signed)


# ---------------------------------------------------------------------------------------------------------- the steps


class _Wanted(NamedTuple):
    """A line that is to be said, and all that saying it depends on."""

    language: Language
    line: Line
    currency: str
    by: str

    def value(self, place: int) -> str:
        """A value of the line; empty where it has none."""
        return self.line.values[place] if place < len(self.line.values) else ""

    def money(self, place: int, currency: str = "") -> Exact:
        return Exact(self.value(place), currency or self.currency)

    def result(self, currency: str = "") -> Exact:
        return Exact(self.line.result, currency or self.currency)

    def measured(self, text: str, by: str) -> Part:
        """A figure of what is counted by `by`: an amount for net revenue, else a number."""
        return Exact(text, self.currency) if by == "net_revenue" else Figure(text)

    def said(self, group: str, code: str) -> Text:
        return Text(word(self.language, group, code))


class _Saying(NamedTuple):
    """A message with its values, and the outcome beside it."""

    message: str | Plural
    outcome: Part | None = None
    values: Mapping[str, Part] = {}


_Words = Callable[[_Wanted], _Saying | None]
"""How a line is said; None where its values are not those that the words expect."""
_MOST_DIGITS = 15
"""Of what is counted; what has more is no count of ours."""


def _money(message: str) -> _Words:
    """Words without values, and an amount."""
    return lambda wanted: _Saying(message, wanted.result())


def _moment(message: str) -> _Words:
    return lambda wanted: _Saying(message, Moment(wanted.line.result))


def _numbered(message: str) -> _Words:
    """Words with a number that counts nothing (a percentage), and an amount."""
    return lambda wanted: _Saying(message, wanted.result(), {"number": Figure(wanted.value(0))})


def _counting(message: Plural) -> _Words:
    """Words that count whole things, and an amount."""
    return lambda wanted: _counted(message, wanted.value(0), wanted.result())


def _counted(
    message: Plural, number: str, outcome: Part | None, values: Mapping[str, Part] | None = None
) -> _Saying | None:
    """A saying about so many; None where that is no number of things."""
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
        return None
    return _Saying(message, outcome, {"num": Count(int(number)), **(values or {})})


def _whole_or_part(whole: Plural, part: str, number: str, outcome: Part) -> _Saying:
    """A saying about a decimal: languages have forms for whole numbers alone."""
    return _counted(whole, number, outcome) or _Saying(part, outcome, {"number": Figure(number)})


def _deposited(wanted: _Wanted) -> _Saying | None:
    values: dict[str, Part] = {"minimum": wanted.money(0)}
    if wanted.value(1) in ("", "0"):
        return _Saying(N_("First deposit, at least %(minimum)s"), wanted.result(), values)
    message = Plural(
        "Deposited within %(num)s hour of the first deposit, at least %(minimum)s",
        "Deposited within %(num)s hours of the first deposit, at least %(minimum)s",
    )
    return _counted(message, wanted.value(1), wanted.result(), values)


def _reached(wanted: _Wanted) -> _Saying | None:
    day, minimum = Day(wanted.line.result), wanted.value(0)
    match wanted.line.step:
        case "reached_lots":
            whole = Plural("Traded %(num)s lot by", "Traded %(num)s lots by")
            return _whole_or_part(whole, N_("Traded %(number)s lots by"), minimum, day)
        case "reached_trades":
            return _counted(Plural("Made %(num)s trade by", "Made %(num)s trades by"), minimum, day)
        case _:
            return _Saying(N_("Brought net revenue of %(minimum)s by"), day, {"minimum": wanted.money(0)})


def _country(wanted: _Wanted) -> _Saying:
    return _Saying(N_("Country is one the deal names"), Text(wanted.language.country(wanted.line.result)))


def _within_days(wanted: _Wanted) -> _Saying | None:
    message = Plural("All of it within %(num)s day of registration", "All of it within %(num)s days of registration")
    return _counted(message, wanted.line.result, None)


def _carry_capped(wanted: _Wanted) -> _Saying:
    whole = Plural(
        "Below zero: at most %(num)s average month is carried into the next month",
        "Below zero: at most %(num)s average months are carried into the next month",
    )
    part = N_("Below zero: at most %(number)s average months are carried into the next month")
    return _whole_or_part(whole, part, wanted.value(0), wanted.result())


def _for_country(wanted: _Wanted) -> _Saying:
    country = wanted.value(0)
    if not country:
        return _Saying(N_("Amount"), wanted.result())
    return _Saying(N_("Amount for %(country)s"), wanted.result(), {"country": Text(wanted.language.country(country))})


# Caps: the places of a cap on clients go by (moment of qualification, client).


def _slot(wanted: _Wanted) -> _Saying:
    messages = {
        "day": N_("Place on %(day)s (cap of the day: %(limit)s)"),
        "month": N_("Place in %(month)s (cap of the month: %(limit)s)"),
        "total": N_("Place in all (cap: %(limit)s)"),
    }
    return _capped(wanted, messages, Figure(wanted.line.result))


def _no_slot(wanted: _Wanted) -> _Saying:
    messages = {
        "day": N_("No place left on %(day)s (cap of the day: %(limit)s)"),
        "month": N_("No place left in %(month)s (cap of the month: %(limit)s)"),
        "total": N_("No place left (cap: %(limit)s)"),
    }
    return _capped(wanted, messages, wanted.result())


def _capped(wanted: _Wanted, messages: Mapping[str, str], outcome: Part) -> _Saying:
    values: dict[str, Part] = {
        "limit": Figure(wanted.value(1)),
        "day": Day(wanted.value(2)),
        "month": Month(wanted.value(2)),
    }
    return _Saying(messages.get(wanted.value(0), messages["total"]), outcome, values)


def _money_cap(wanted: _Wanted) -> _Saying:
    return _Saying(N_("The month's cap of %(amount)s leaves"), wanted.result(), {"amount": wanted.money(0)})


# Tiers: what the partner's month reached, and what its bands give.


def _tier_basis(wanted: _Wanted) -> _Saying:
    by = wanted.value(0)
    messages = {
        "qftd": N_("For the tiers: qualified clients of the month"),
        "lots": N_("For the tiers: lots of the month"),
        "net_revenue": N_("For the tiers: net revenue of the month"),
    }
    other = N_("For the tiers: %(activity)s of the month")
    outcome = wanted.measured(wanted.line.result, by)
    return _Saying(messages.get(by, other), outcome, {"activity": wanted.said("activity", by)})


def _tier(wanted: _Wanted) -> _Saying:
    marginal, what = wanted.value(2) == "marginal", wanted.value(3)
    rate: Part = wanted.money(1) if what == "add" else Figure(wanted.value(1))
    match what, marginal:
        case "percent", True:
            message = N_("Of the part from %(from)s on: %(rate)s%%")
        case "percent", False:
            message = N_("The tier from %(from)s on is reached: %(rate)s%% of all")
        case "add", True:
            message = N_("For each from %(from)s on: %(rate)s more")
        case "add", False:
            message = N_("The tier from %(from)s on is reached: %(rate)s more for each")
        case "add_percent", True:
            message = N_("For each from %(from)s on: %(rate)s%% more")
        case "add_percent", False:
            message = N_("The tier from %(from)s on is reached: %(rate)s%% more for each")
        case _:
            message = N_("The tier from %(from)s on: %(rate)s")
    return _Saying(message, wanted.result(), {"from": wanted.measured(wanted.value(0), wanted.by), "rate": rate})


# Lots: the engine adds commissions up, not lots, whose price may be another for each symbol.


def _commission(wanted: _Wanted) -> _Saying:
    if not wanted.value(0):
        return _Saying(N_("Commission on lots"), wanted.result())
    message = N_("Commission on lots under version %(version)s")
    return _Saying(message, wanted.result(), {"version": Figure(wanted.value(0))})


# Pools.


def _pooled(wanted: _Wanted) -> _Saying | None:
    message = Plural(
        "Net revenue of %(num)s client, under version %(version)s",
        "Net revenue of %(num)s clients together, under version %(version)s",
    )
    return _counted(message, wanted.value(1), wanted.result(), {"version": Figure(wanted.value(0))})


def _fenced(wanted: _Wanted) -> _Saying | None:
    message = Plural(
        "Left out: what %(num)s client lost beyond the fence of %(fence)s; it stays with the client",
        "Left out: what %(num)s clients lost beyond the fence of %(fence)s; it stays with them",
    )
    return _counted(message, wanted.value(0), wanted.result(), {"fence": wanted.money(1)})


def _promotion(wanted: _Wanted) -> _Saying:
    message = N_("Of it %(number)s%% at the promotion's rate, %(first)s to %(last)s")
    values: dict[str, Part] = {
        "number": Figure(wanted.value(0)),
        "first": Day(wanted.value(1)),
        "last": Day(wanted.value(2)),
    }
    return _Saying(message, wanted.result(), values)


# Goals.


def _goal(wanted: _Wanted) -> _Saying:
    by = wanted.value(0)
    messages = {
        "ftd": N_("First deposits from %(first)s to %(last)s; the goal is %(goal)s"),
        "qftd": N_("Qualified clients from %(first)s to %(last)s; the goal is %(goal)s"),
        "lots": N_("Lots from %(first)s to %(last)s; the goal is %(goal)s"),
        "net_revenue": N_("Net revenue from %(first)s to %(last)s; the goal is %(goal)s"),
    }
    other = N_("%(activity)s from %(first)s to %(last)s; the goal is %(goal)s")
    values: dict[str, Part] = {
        "activity": wanted.said("activity", by),
        "goal": wanted.measured(wanted.value(1), by),
        "first": Day(wanted.value(2)),
        "last": Day(wanted.value(3)),
    }
    return _Saying(messages.get(by, other), wanted.measured(wanted.line.result, by), values)


# Overrides: what a partner below did, in its own currency until a line converts it.


def _descendant(wanted: _Wanted) -> _Saying:
    message = N_("Activity of partner %(partner)s, level %(level)s below")
    return _Saying(message, None, {"partner": Code(wanted.value(0)), "level": Figure(wanted.line.result)})


def _descendant_earned(wanted: _Wanted) -> _Saying:
    message = N_("That partner earned: %(kind)s")
    return _Saying(message, wanted.result(wanted.value(1)), {"kind": wanted.said("rule", wanted.value(0))})


def _descendant_net_revenue(wanted: _Wanted) -> _Saying:
    return _Saying(N_("Net revenue of that partner's clients"), wanted.result(wanted.value(0)))


def _descendant_clients(wanted: _Wanted) -> _Saying:
    return _Saying(N_("Qualified clients of that partner"), Figure(wanted.line.result))


def _converted(wanted: _Wanted) -> _Saying:
    message = N_("%(amount)s converted at %(rate)s, the rate of %(day)s")
    values: dict[str, Part] = {
        "amount": wanted.money(0, wanted.value(1)),
        "rate": Figure(wanted.value(2)),
        "day": Day(wanted.value(3)),
    }
    return _Saying(message, wanted.result(), values)


def _override_cash(wanted: _Wanted) -> _Saying | None:
    message = Plural("%(amount)s for %(num)s client", "%(amount)s for each of %(num)s clients")
    return _counted(message, wanted.value(1), wanted.result(), {"amount": wanted.money(0)})


def _contribution(wanted: _Wanted) -> _Saying:
    what, group = wanted.value(1), "activity"
    if what not in WORDS["activity"]:
        group = "rule"
    outcome: Part = Figure(wanted.line.result) if what in _COUNTED else wanted.result()
    values: dict[str, Part] = {"who": Code(wanted.value(0)), "what": wanted.said(group, what)}
    return _Saying(N_("Among the largest: %(who)s, %(what)s"), outcome, values)


_COUNTED = {"ftd", "qftd", "lots"}
"""Activities whose figures are no amounts."""


# What people decide.


def _adjusted(wanted: _Wanted) -> _Saying:
    message = N_("Manual correction: %(reason)s (proposed by %(proposer)s, approved by %(approver)s)")
    values: dict[str, Part] = {
        "reason": Text(wanted.value(0)),
        "proposer": Text(wanted.value(1)),
        "approver": Text(wanted.value(2)),
    }
    return _Saying(message, wanted.result(), values)


def _reversed(wanted: _Wanted) -> _Saying:
    message = N_("Takes back the entry %(entry)s: %(reason)s")
    return _Saying(message, wanted.result(), {"entry": Code(wanted.value(0)), "reason": Text(wanted.value(1))})


# What contests pay.


def _prize(wanted: _Wanted) -> _Saying:
    values: dict[str, Part] = {"place": Figure(wanted.value(3)), "score": Figure(wanted.value(4))}
    if wanted.value(2):
        message = N_("Place %(place)s in the division %(division)s, with a score of %(score)s")
        return _Saying(message, None, values | {"division": Text(wanted.value(2))})
    return _Saying(N_("Place %(place)s, with a score of %(score)s"), None, values)


def _prize_places(wanted: _Wanted) -> _Saying:
    first, last = wanted.value(0), wanted.value(1)
    if first == last:
        return _Saying(N_("What place %(place)s wins"), wanted.result(), {"place": Figure(first)})
    values: dict[str, Part] = {"first": Figure(first), "last": Figure(last)}
    return _Saying(N_("What places %(first)s to %(last)s win together"), wanted.result(), values)


def _prize_share(wanted: _Wanted) -> _Saying:
    first, last = wanted.value(0), wanted.value(1)
    values: dict[str, Part] = {"percent": Figure(wanted.value(2))}
    if first == last:
        message = N_("Of it for place %(place)s, whose share is %(percent)s%%")
        return _Saying(message, wanted.result(), values | {"place": Figure(first)})
    message = N_("Of it for places %(first)s to %(last)s together, whose share is %(percent)s%%")
    return _Saying(message, wanted.result(), values | {"first": Figure(first), "last": Figure(last)})


def _prize_pool(wanted: _Wanted) -> _Saying:
    if wanted.value(0) == "100":
        return _Saying(N_("The pool"), wanted.result())
    message = N_("The pool: places with %(percent)s%% of it are taken, and all of it goes to them")
    return _Saying(message, wanted.result(), {"percent": Figure(wanted.value(0))})


def _prize_threshold(wanted: _Wanted) -> _Saying:
    message = N_("For a score of %(threshold)s and more")
    return _Saying(message, wanted.result(), {"threshold": Figure(wanted.value(0))})


_TOLD: dict[str, _Words] = {
    "registered": _moment(N_("Registered")),
    "country": _country,
    "kyc": _moment(N_("Identity confirmed")),
    "deposited": _deposited,
    "reached_lots": _reached,
    "reached_trades": _reached,
    "reached_net_revenue": _reached,
    "within_days": _within_days,
    "qualified": _moment(N_("Qualified")),
    "amount_for_country": _for_country,
    "net_revenue": _money(N_("Net revenue of the month")),
    "share": _numbered(N_("Of it %(number)s%%")),
    "carried_in": _money(N_("Loss carried over from earlier months")),
    "carried_out": _money(N_("Below zero: carried into the next month")),
    "carry_capped": _carry_capped,
    "loss_forgotten": _money(N_("Below zero: counts as nothing, and is forgotten")),
    "lot_commission": _commission,
    "rounded": _money(N_("Rounded once, a half to the even unit")),
    NO_LONGER_OWED: _money(N_("Nothing is owed for this any more")),
    DISALLOWED: _money(N_("Nothing is owed for this client, by the verdict of a case")),
    "slot": _slot,
    "no_slot": _no_slot,
    "clients_paid": _counting(
        Plural("Sum over %(num)s client who qualified", "Sum over %(num)s clients who qualified")
    ),
    "money_cap": _money_cap,
    "tier_basis": _tier_basis,
    "tier": _tier,
    "uplift": _money(N_("More by the tiers in the month, before rounding")),
    "pooled_net_revenue": _pooled,
    "fenced": _fenced,
    "fence_carry": _counting(
        Plural(
            "Set off against earlier losses of %(num)s fenced client",
            "Set off against earlier losses of %(num)s fenced clients",
        )
    ),
    "promotion_share": _promotion,
    "own_share": _numbered(N_("Of it %(number)s%% at the partner's own rate")),
    "goal": _goal,
    "goal_paid": _money(N_("The goal is reached: bonus")),
    "goal_missed": _money(N_("The goal is not reached: no bonus")),
    "descendant": _descendant,
    "descendant_earned": _descendant_earned,
    "descendant_net_revenue": _descendant_net_revenue,
    "descendant_clients": _descendant_clients,
    "converted": _converted,
    "override_share": _numbered(N_("Of it %(number)s%%")),
    "override_cash": _override_cash,
    CONTRIBUTION: _contribution,
    "prize": _prize,
    "prize_places": _prize_places,
    "prize_pool": _prize_pool,
    "prize_share": _prize_share,
    "prize_split": _counting(
        Plural("Shared among %(num)s partner with the same score", "Shared among %(num)s partners with the same score")
    ),
    "prize_threshold": _prize_threshold,
    "adjusted": _adjusted,
    "reversed": _reversed,
}
"""How each step of the rules is said."""

STEPS = frozenset(_TOLD)
"""The steps that have words."""
