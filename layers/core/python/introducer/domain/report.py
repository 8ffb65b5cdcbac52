"""What a partner's own letter says of a week or a month: the figures against the period before, what changed, and one
suggestion with its reason. Pure; all figures are sums of counters by UTC day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from introducer.domain.client import code_of
from introducer.domain.mail import Audience, Mail, MailTemplate, Value, amount, mail_id, new_mail
from introducer.domain.money import Money, round_fine
from introducer.domain.payout import RELEASED_IN, UNSETTLED, PayoutStatus, Run

MORNING = 8
"""The hour by the reader's clocks at which letters come."""
COUNTED_BY = timedelta(hours=1)
"""How long after the end of a UTC day its counters are whole: earlier no letter is written, whatever the time zone."""
_FIRST_MORNING, _LAST_MORNING = "Etc/GMT-14", "Etc/GMT+12"
"""Where a day begins first, and last."""
SHOWN = {"weekly": 8, "monthly": 6}
"""How many periods the chart shows, with the one that the letter is about."""
METRICS = ("ftd", "qftd", "registrations", "clicks")
"""What is counted, what matters most first."""
_DAY = timedelta(days=1)


class Cadence(StrEnum):
    """How often a partner wants its letter. Whoever wants none switches the topic `reports` off."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportChoice:
    """A partner's. Who never chose gets a letter every Monday, in the morning of its brand's time zone."""

    partner: str
    cadence: Cadence = Cadence.WEEKLY
    time_zone: str = ""
    """IANA; empty: the brand's."""
    version: int = 0


class Period(NamedTuple):
    """Whole UTC days, both included."""

    cadence: Cadence
    first: date
    last: date

    @property
    def name(self) -> str:
        """`2026-W48` or `2026-11`."""
        if self.cadence is Cadence.MONTHLY:
            return f"{self.first:%Y-%m}"
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}"

    def before(self) -> Period:
        return _ending(self.cadence, self.first - _DAY)


def last_period(cadence: Cadence, today: date) -> Period:
    """The last period that is over on this day."""
    if cadence is Cadence.MONTHLY:
        return _ending(cadence, today.replace(day=1) - _DAY)
    return _ending(cadence, today - timedelta(days=today.weekday() + 1))


def due_at(period: Period, time_zone: str) -> datetime:
    """When the letter about a period is written: on the morning after it, once its counters are whole."""
    after = period.last + _DAY
    there = datetime.combine(after, time(MORNING), ZoneInfo(time_zone)).astimezone(UTC)
    return max(there, datetime.combine(after, time(), UTC) + COUNTED_BY)


def due(cadence: Cadence, time_zone: str, after: datetime, through: datetime) -> Period | None:
    """The period whose letter is to be written between two moments, which are less than a week apart."""
    period = last_period(cadence, through.astimezone(UTC).date())
    return period if after < due_at(period, time_zone) <= through else None


def may_be_due(after: datetime, through: datetime) -> bool:
    """Whether any letter can be due between two moments, whatever the time zone of its reader."""
    for cadence in Cadence:
        period = last_period(cadence, through.astimezone(UTC).date())
        if after < due_at(period, _LAST_MORNING) and due_at(period, _FIRST_MORNING) <= through:
            return True
    return False


def periods_until(period: Period, number: int) -> list[Period]:
    """So many periods, the oldest first, up to this one."""
    found = [period]
    while len(found) < number:
        found.append(found[-1].before())
    return found[::-1]


def _ending(cadence: Cadence, last: date) -> Period:
    first = last.replace(day=1) if cadence is Cadence.MONTHLY else last - timedelta(days=6)
    return Period(cadence, first, last)


# ------------------------------------------------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """What one link brought on one UTC day."""

    day: str
    link: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """By metric."""
    earned: Mapping[str, int] = field(default_factory=dict)
    """Fine units by currency: each event's own share."""


class Figures(NamedTuple):
    """What a period brought."""

    counts: Mapping[str, int]
    """By metric, all of them."""
    earned: tuple[Money, ...]
    """By currency, those with any."""


class Point(NamedTuple):
    """A period of the chart."""

    first: str
    number: int


class Series(NamedTuple):
    """What the chart shows; no points where there is nothing to show."""

    metric: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a letter says."""

    period: Period
    current: Figures
    before: Figures
    series: Series
    change: Change
    suggestion: str
    """The name of one of `SUGGESTIONS`."""
    link: str
    """The code of the link that brought more first deposits than any other; empty where none did."""


def figures(days: Iterable[DayCount], period: Period) -> Figures:
    """The sums of a period. Earnings are rounded once, at the end."""
    first, last = period.first.isoformat(), period.last.isoformat()
    counts, earned = dict.fromkeys(METRICS, 0), dict[str, int]()
    for each in days:
        if first <= each.day <= last:
            for metric in METRICS:
                counts[metric] += each.counts.get(metric, 0)
            for currency, fine in each.earned.items():
                earned[currency] = earned.get(currency, 0) + fine
    money = (Money(round_fine(fine), currency) for currency, fine in sorted(earned.items()))
    return Figures(counts, tuple(each for each in money if each.minor))


def report(
    days: Sequence[DayCount],
    period: Period,
    earned: tuple[Sequence[Money], Sequence[Money]] | None = None,
) -> Report:
    """The report of a period. `earned` is what the ledger says of this period and the one before, where it knows
    (whole months); else the counters' shares stand."""
    periods = periods_until(period, SHOWN[period.cadence.value])
    all_figures = [figures(days, each) for each in periods]
    now, before = all_figures[-1], all_figures[-2]
    if earned is not None:
        now, before = (
            each._replace(earned=tuple(money for money in said if money.minor))
            for each, said in zip((now, before), earned, strict=True)
        )
    series = _series(periods, all_figures)
    link = _best_link(days, period)
    sources = _sources(days, periods)
    links = {source for source in sources if source and not code_of(source)}
    seen = Seen(
        now.counts,
        before.counts,
        links=len(links),
        direct=sources != links,
        link=link,
        qualifies=any(each.counts["qftd"] for each in all_figures),
    )
    known = any(each.counts["ftd"] for each in all_figures[:-1])
    return Report(
        period=period,
        current=now,
        before=before,
        series=series,
        change=what_changed(now.counts, before.counts, known=known),
        suggestion=next(each.name for each in SUGGESTIONS if each.when(seen)),
        link=link,
    )


def is_silent(said: Report) -> bool:
    """Whether there is nothing to tell: nothing was counted in the time of the chart, and nothing earned."""
    return not said.series.points and not said.current.earned and not said.before.earned


def _series(periods: Sequence[Period], found: Sequence[Figures]) -> Series:
    for metric in ("ftd", "registrations", "clicks"):
        if any(each.counts[metric] for each in found):
            points = zip(periods, found, strict=True)
            return Series(metric, tuple(Point(p.first.isoformat(), each.counts[metric]) for p, each in points))
    return Series("ftd", ())


def _sources(days: Iterable[DayCount], periods: Sequence[Period]) -> set[str]:
    """The links and promo codes that brought anything in these periods; an empty one for what came by neither."""
    first, last = periods[0].first.isoformat(), periods[-1].last.isoformat()
    return {each.link for each in days if first <= each.day <= last and any(each.counts.values())}


def _best_link(days: Iterable[DayCount], period: Period) -> str:
    """The one that brought more first deposits than any other, and than came by a promo code or by neither; empty
    where two are equal."""
    first, last = period.first.isoformat(), period.last.isoformat()
    brought: dict[str, int] = {}
    for each in days:
        if first <= each.day <= last:
            brought[each.link] = brought.get(each.link, 0) + each.counts.get("ftd", 0)
    most = max(brought.values(), default=0)
    best = [link for link, number in brought.items() if number == most]
    return best[0] if most > 0 and len(best) == 1 and not code_of(best[0]) else ""


# ------------------------------------------------------------------------------------------------------- what changed


class Change(NamedTuple):
    """What changed, in a word, and of which metric."""

    word: str
    """`quiet` (nothing in either period), `first` (first deposits after none in all the time of the chart), `rose`,
    `fell` or `steady`."""
    metric: str


PERCENT, LEAST = 20, {"ftd": 2, "qftd": 2, "registrations": 5, "clicks": 30}
"""A difference is one from so many percent of the larger of both numbers on, and so many more or fewer."""


def what_changed(now: Mapping[str, int], before: Mapping[str, int], *, known: bool) -> Change:
    """The change that matters most: of first deposits before that of registrations, and so on. `known` says whether
    there was a first deposit before."""
    if not any(now.values()) and not any(before.values()):
        return Change("quiet", "clicks")
    if now["ftd"] and not known:
        return Change("first", "ftd")
    for metric in METRICS:
        difference, larger = now[metric] - before[metric], max(now[metric], before[metric])
        if abs(difference) >= LEAST[metric] and abs(difference) * 100 >= PERCENT * larger:
            return Change("rose" if difference > 0 else "fell", metric)
    return Change("steady", "ftd" if now["ftd"] or before["ftd"] else "registrations")


# ---------------------------------------------------------------------------------------------------------- suggestion


class Seen(NamedTuple):
    """What a suggestion looks at."""

    current: Mapping[str, int]
    before: Mapping[str, int]
    links: int
    """How many links brought anything in the periods of the chart."""
    link: str
    """The one that brought more first deposits than any other in the current period; empty for none."""
    direct: bool = False
    """Whether anything came by no link (by a promo code, say) in the periods of the chart."""
    qualifies: bool = False
    """Whether any client qualified in the periods of the chart: under a deal without qualification none ever does."""


class Suggestion(NamedTuple):
    """One thing to do; its words stand in `wording.mails`, with the reason."""

    name: str
    when: Callable[[Seen], bool]


SUGGESTIONS: tuple[Suggestion, ...] = (
    Suggestion("share_a_link", lambda seen: not seen.current["clicks"] and not seen.current["registrations"]),
    Suggestion("look_at_the_page", lambda seen: seen.current["clicks"] >= 50 and not seen.current["registrations"]),
    Suggestion("explain_the_deposit", lambda seen: seen.current["registrations"] >= 5 and not seen.current["ftd"]),
    Suggestion(
        "find_lost_clicks",
        lambda seen: seen.before["clicks"] >= 50 and seen.current["clicks"] * 10 <= seen.before["clicks"] * 7,
    ),
    Suggestion(
        "read_what_qualifies",
        lambda seen: seen.qualifies and seen.current["ftd"] >= 3 and not seen.current["qftd"],
    ),
    Suggestion("push_the_best_link", lambda seen: seen.current["ftd"] >= 3 and seen.links >= 2 and bool(seen.link)),
    Suggestion("make_a_second_link", lambda seen: seen.links == 1 and not seen.direct),
    Suggestion("compare_links", lambda seen: seen.links >= 2),
    # Whatever came by no link: where nothing came at all, the first one fits.
    Suggestion("use_links", lambda seen: True),
)
"""The first that fits is made; the last always does."""


# --------------------------------------------------------------------------------------------------------------- mails


_TOLD = ("clicks", "registrations", "ftd", "qftd")
"""The metrics in the order of the way that a client goes."""


def counts_of(now: Mapping[str, int], before: Mapping[str, int]) -> list[dict[str, str | int]]:
    """Counts as a value of a mail."""
    return [{"name": metric, "now": now[metric], "before": before[metric]} for metric in _TOLD]


def report_values(said: Report) -> dict[str, Value]:
    """A report as the values of its mail."""
    return {
        "cadence": said.period.cadence.value,
        "first": said.period.first.isoformat(),
        "last": said.period.last.isoformat(),
        "counts": counts_of(said.current.counts, said.before.counts),
        "earned": [amount(each.minor, each.currency) for each in said.current.earned],
        "earned_before": [amount(each.minor, each.currency) for each in said.before.earned],
        "metric": said.series.metric,
        "points": [{"day": each.first, "count": each.number} for each in said.series.points],
        "change": said.change.word,
        "changed": said.change.metric,
        "suggestion": said.suggestion,
        "link": said.link,
    }


def _what(of: str, period: Period) -> str:
    return f"{of} report {period.name}"


def report_mail_id(brand: str, partner: str, period: Period) -> str:
    """The id of a partner's letter, known before it is written."""
    return mail_id(brand, _what(partner, period), Audience.OWNERS, partner, "")


def report_mail(brand: str, partner: str, said: Report, at: datetime) -> Mail:
    """A partner's letter about a period, to its owners: one for ever."""
    values = report_values(said)
    what = _what(partner, said.period)
    return new_mail(what, MailTemplate.PARTNER_REPORT, values, brand=brand, partner=partner, at=at)


# -------------------------------------------------------------------------------------------------------------- digest

LISTED = 5
"""How many partners a part of the digest names; the rest are a number."""


class Told(NamedTuple):
    """A partner in a digest, with its first deposits."""

    partner: str
    name: str
    current: int
    before: int
    is_new: bool = False


class Digest(NamedTuple):
    """What a manager reads on Monday of its partners."""

    partners: int
    current: Mapping[str, int]
    before: Mapping[str, int]
    rose: tuple[Told, ...]
    fell: tuple[Told, ...]
    new: tuple[Told, ...]
    waits: Mapping[str, int]
    """What waits for somebody, by what it is."""


def digest(partners: Sequence[tuple[Told, Mapping[str, int], Mapping[str, int]]], waits: Mapping[str, int]) -> Digest:
    """Each partner with its counts of this period and the one before. Who rose or fell is said by first deposits, the
    largest difference first; one or two make no trend."""
    now, before = dict.fromkeys(METRICS, 0), dict.fromkeys(METRICS, 0)
    for _, these, those in partners:
        for metric in METRICS:
            now[metric] += these[metric]
            before[metric] += those[metric]
    told = [each for each, _, _ in partners]

    def moved(sign: int) -> tuple[Told, ...]:
        some = [
            each
            for each in told
            if not each.is_new
            and sign * (each.current - each.before) >= LEAST["ftd"]
            and abs(each.current - each.before) * 100 >= PERCENT * max(each.current, each.before)
        ]
        return tuple(sorted(some, key=lambda each: (-abs(each.current - each.before), each.name, each.partner)))

    new = tuple(sorted((each for each in told if each.is_new), key=lambda each: (each.name, each.partner)))
    return Digest(len(told), now, before, moved(1), moved(-1), new, {k: n for k, n in waits.items() if n})


def digest_mail_id(brand: str, manager: str, period: Period) -> str:
    """The id of a manager's digest."""
    return mail_id(brand, _what(manager, period), Audience.MEMBER, "", manager)


def digest_mail(brand: str, manager: str, period: Period, said: Digest, at: datetime) -> Mail:
    """A manager's digest of a week: one for ever."""

    def named(some: Sequence[Told]) -> list[dict[str, str | int]]:
        return [{"of": e.partner, "name": e.name, "now": e.current, "before": e.before} for e in some[:LISTED]]

    values: dict[str, Value] = {
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "partners": said.partners,
        "counts": counts_of(said.current, said.before),
        "rose": named(said.rose),
        "fell": named(said.fell),
        "new": named(said.new),
        "more_rose": max(0, len(said.rose) - LISTED),
        "more_fell": max(0, len(said.fell) - LISTED),
        "more_new": max(0, len(said.new) - LISTED),
        "waits": [{"name": name, "now": count, "before": 0} for name, count in said.waits.items()],
    }
    what = _what(manager, period)
    return new_mail(what, MailTemplate.MANAGER_DIGEST, values, brand=brand, member=manager, at=at)


# --------------------------------------------------------------------------------------------------------- run summary

NOT_PAID = RELEASED_IN | {PayoutStatus.RETURNED}
"""Statuses of payouts whose money stands in the balance again."""


def run_summary_mail(run: Run, at: datetime) -> Mail:
    """Tells a brand's approvers what a run came to when it was closed: once."""

    def of(statuses: frozenset[PayoutStatus]) -> tuple[int, list[Mapping[str, str | int]]]:
        some, pays = [each for each in run.sums if each.status in statuses], dict[str, int]()
        for each in some:
            pays[each.pay_currency] = pays.get(each.pay_currency, 0) + each.pays
        return sum(each.count for each in some), [amount(minor, code) for code, minor in sorted(pays.items())]

    paid, sums = of(frozenset({PayoutStatus.PAID}))
    unsettled, unsettled_sums = of(UNSETTLED)
    not_paid, not_paid_sums = of(NOT_PAID)
    values: dict[str, Value] = {
        "run": run.run,
        "first": run.first,
        "through": run.through,
        "status": run.status.value,
        "paid": paid,
        "sums": sums,
        "unsettled": unsettled,
        "unsettled_sums": unsettled_sums,
        "not_paid": not_paid,
        "not_paid_sums": not_paid_sums,
        "left_out": sum(run.left_out.values()),
    }
    return new_mail(f"{run.run} summary", MailTemplate.RUN_SUMMARY, values, brand=run.brand, at=at)
