"""A contest's rules in words, made from the very settings that it is counted and paid by.

Short sentences under short headings: they are read on a phone, and accepted on joining. Each figure of the settings
stands in exactly one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from introducer.domain.configuration import PartnerKind
from introducer.domain.contest import WEIGHT_ONE, Contest, Division, Every, Metric, Prize, PrizeKind, Tie
from introducer.domain.contest_prizes import show_score
from introducer.domain.contest_rules import local_start
from introducer.domain.deal import show_percent
from introducer.domain.describe import Count, Countries, Kinds, Number, Plural
from introducer.domain.money import Money, decimals
from introducer.locale import Language
from introducer.wording.codes import N_, word
from introducer.wording.sentences import Code, Exact, Part, Said, Text, fill, shown

COUNTS, WHEN, WHO, PLACES, PRIZES, PAYING, CHANGES = (
    N_("What counts"),
    N_("When"),
    N_("Who takes part"),
    N_("Places and ties"),
    N_("Prizes"),
    N_("How prizes are paid"),
    N_("What may change"),
)
"""Headings."""

MONTH, WEEK = N_("It comes again every month."), N_("It comes again every week.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What the rules say under one heading."""

    name: str
    """For a page to tell them apart: `counts`, `when`, `who`, `places`, `prizes.0` of the first
    division, `paying`, `changes`."""
    heading: str
    """In the reader's language; a division's own name, where there are several."""
    sentences: tuple[Said, ...]


def rules(language: Language, contest: Contest) -> tuple[Chapter, ...]:
    """All rules of a contest, in one reader's words."""
    teller = _Teller(language, contest)
    chapters = [
        teller.chapter("counts", COUNTS, teller.counts()),
        teller.chapter("when", WHEN, teller.when()),
        teller.chapter("who", WHO, teller.who()),
        teller.chapter("places", PLACES, teller.places()),
    ]
    for number, division in enumerate(contest.divisions):
        heading = teller.plain(N_("Prizes: %(division)s"), division=Text(division.name)) if division.name else PRIZES
        chapters.append(teller.chapter(f"prizes.{number}", heading, teller.prizes(division)))
    if any(division.prizes for division in contest.divisions):
        chapters.append(teller.chapter("paying", PAYING, teller.paying()))
    return (*chapters, teller.chapter("changes", CHANGES, teller.changes()))


def score(language: Language, contest: Contest, hundredths: int) -> Said:
    """A score with what it counts: money in its currency, else a figure and the word for it."""
    return shown(language, _score(language, contest, hundredths))


def _score(language: Language, contest: Contest, hundredths: int) -> Exact | Text:
    text = show_score(hundredths)
    if not contest.is_weighted:
        ((metric, _),) = contest.weights
        if metric.is_money:
            whole, _, part = text.partition(".")
            places = decimals(contest.currency)
            return Exact(f"{whole}.{part.ljust(places, '0')}" if part or places else whole, contest.currency)
        return Text(f"{language.exact(text)} ({word(language, 'activity', metric)})")
    return Text(f"{language.exact(text)} ({language.text(N_('points'))})")


class _Teller:
    """Tells one contest's rules in one language."""

    def __init__(self, language: Language, contest: Contest) -> None:
        self.language = language
        self.contest = contest
        self.zone = ZoneInfo(contest.time_zone)

    def chapter(self, name: str, heading: str, sentences: Iterator[Said]) -> Chapter:
        return Chapter(name=name, heading=self.language.text(heading), sentences=tuple(sentences))

    def say(self, message: str, **values: Part) -> Said:
        return fill(self.language, message, values)

    def counted(self, message: Plural, number: int) -> Said:
        return fill(self.language, message, {"num": Count(number)})

    def plain(self, message: str, **values: Part) -> str:
        return str(self.say(message, **values))

    # ------------------------------------------------------------------------------------------------- what counts

    def counts(self) -> Iterator[Said]:
        contest = self.contest
        if contest.is_weighted:
            yield self.say(N_("Points are counted. What gives points:"))
            for metric, weight in contest.weights:
                yield self._points(metric, weight)
        for metric, _ in contest.weights:
            yield self.say(_METRICS[metric])
        if any(metric.is_money for metric in contest.metrics):
            yield self.say(
                N_(
                    "Money counts in %(currency)s. Other currencies are converted at the European Central Bank's last"
                    " rate published before the event's day."
                ),
                currency=Code(contest.currency),
            )
        yield self.say(N_("Each event counts for the partner whose client it was at that moment."))
        yield self.say(N_("Clients who are disallowed, and what is cancelled, do not count."))
        if contest.is_weighted or not contest.metrics <= {Metric.FTD, Metric.QFTD}:
            yield self.say(N_("The sum is rounded down once, to two decimals."))

    def _points(self, metric: Metric, weight: int) -> Said:
        number = Number(_thousandths(weight))
        if metric.is_money:
            message = {
                Metric.NET_REVENUE: N_("%(currency)s of net revenue, each: %(number)s."),
                Metric.DEPOSITS: N_("%(currency)s of deposits, each: %(number)s."),
            }[metric]
            return self.say(message, number=number, currency=Code(self.contest.currency))
        message = {
            Metric.FTD: N_("A client's first deposit: %(number)s."),
            Metric.QFTD: N_("A qualified client: %(number)s."),
            Metric.LOTS: N_("A lot: %(number)s."),
        }[metric]
        return self.say(message, number=number)

    # -------------------------------------------------------------------------------------------------------- when

    def when(self) -> Iterator[Said]:
        contest = self.contest
        first, last = self._days()
        if first and last:
            yield self.say(
                N_("From %(first)s to %(last)s, both days included, by the clocks of %(zone)s."),
                first=Text(first),
                last=Text(last),
                zone=Code(contest.time_zone),
            )
        else:
            yield self.say(
                N_("From %(first)s to %(last)s, by the clocks of %(zone)s."),
                first=self._moment(contest.starts_at),
                last=self._moment(contest.ends_at),
                zone=Code(contest.time_zone),
            )
        yield self.say(N_("The time of the event itself decides, and not when it was reported."))
        if contest.grace_hours:
            yield self.counted(
                Plural(
                    "For %(num)s hour after the end late reports still count.",
                    "For %(num)s hours after the end late reports still count.",
                ),
                contest.grace_hours,
            )
        yield self.say(
            N_(
                "Then everything is counted once more, from the reports. What is reported or charged back later changes"
                " nothing any more."
            )
        )
        yield self.counted(
            Plural(
                "For %(num)s hour after the result participants may object to it.",
                "For %(num)s hours after the result participants may object to it.",
            ),
            contest.objection_hours,
        )
        if contest.series is not None:
            yield self.say(MONTH if contest.series.every is Every.MONTH else WEEK)
            if contest.series.until:
                yield self.say(
                    N_("This is number %(number)s, and the last one is number %(last)s."),
                    number=Number(str(contest.series.number)),
                    last=Number(str(contest.series.until)),
                )
            elif contest.series.number > 1:
                yield self.say(N_("This is number %(number)s."), number=Number(str(contest.series.number)))

    def _days(self) -> tuple[str, str]:
        """The first and the last day, where the contest begins and ends with one; else nothing."""
        starts, ends = (each.astimezone(self.zone) for each in (self.contest.starts_at, self.contest.ends_at))
        if starts != local_start(starts.date(), self.zone) or ends != local_start(ends.date(), self.zone):
            return "", ""
        return self.language.day(starts.date()), self.language.day(ends.date() - timedelta(days=1))

    def _moment(self, moment: datetime) -> Text:
        there = moment.astimezone(self.zone)
        clock = f"{there:%H:%M:%S}" if there.second else f"{there:%H:%M}"
        return Text(f"{self.language.day(there.date())} {clock}")

    # --------------------------------------------------------------------------------------------------------- who

    def who(self) -> Iterator[Said]:
        contest, conditions = self.contest, self.contest.conditions
        if contest.opt_in:
            yield self.say(N_("Partners take part who join before the end and accept these rules."))
            yield self.say(N_("Joining late loses nothing: what scored since the start counts."))
        else:
            yield self.say(N_("All partners take part who may do so when it starts."))
        if conditions.partners:
            yield self.counted(
                Plural("Only for the partner who was invited.", "Only for the %(num)s partners who were invited."),
                len(conditions.partners),
            )
        for kind in sorted(conditions.kinds):
            if len(conditions.kinds) == 1:
                yield self.say(_ONLY_KIND[kind])
        if conditions.deals:
            yield self.say(
                N_("Only for partners whose deal at the start has one of these: %(kinds)s."),
                kinds=Kinds(tuple(sorted(conditions.deals))),
            )
        if conditions.countries:
            yield self.say(
                N_("Only for partners from: %(countries)s."), countries=Countries(tuple(sorted(conditions.countries)))
            )
        if conditions.managers:
            yield self.say(N_("Only for partners whom certain managers look after."))
        yield self.say(N_("A blocked partner takes part in nothing."))
        yield from self._divisions()
        yield from self._seen()

    def _divisions(self) -> Iterator[Said]:
        contest = self.contest
        if len(contest.divisions) == 1:
            return
        yield self.counted(
            {
                Metric.FTD: Plural(
                    "Partners of like size are ranked among themselves. Size is the number of clients whose first"
                    " deposit was made in the day before the start, or before joining if that is earlier.",
                    "Partners of like size are ranked among themselves. Size is the number of clients whose first"
                    " deposit was made in the %(num)s days before the start, or before joining if that is earlier.",
                ),
                Metric.QFTD: Plural(
                    "Partners of like size are ranked among themselves. Size is the number of clients who qualified"
                    " in the day before the start, or before joining if that is earlier.",
                    "Partners of like size are ranked among themselves. Size is the number of clients who qualified"
                    " in the %(num)s days before the start, or before joining if that is earlier.",
                ),
            }[contest.size_by],
            contest.size_days,
        )
        for division in contest.divisions:
            yield self.say(
                N_("%(division)s: from size %(number)s on."),
                division=Text(division.name),
                number=Number(str(division.from_size)),
            )

    def _seen(self) -> Iterator[Said]:
        contest = self.contest
        if contest.opt_in:
            yield self.say(N_("Others see a partner under the name that it chooses, or else a neutral one."))
        else:
            yield self.say(N_("Others see a partner under a neutral name, until it chooses another."))
        if contest.shown:
            yield self.counted(
                Plural(
                    "The first place is shown to all. Everybody sees their own place.",
                    "The first %(num)s places are shown to all. Everybody sees their own place.",
                ),
                contest.shown,
            )
        else:
            yield self.say(N_("All places are shown."))
        if contest.public:
            yield self.say(N_("Anybody may see the places and names, without signing in."))

    # ------------------------------------------------------------------------------------------------------ places

    def places(self) -> Iterator[Said]:
        contest = self.contest
        if contest.minimum:
            yield self.say(
                N_("To rank, this much is needed: %(score)s."),
                score=_score(self.language, contest, contest.minimum),
            )
        else:
            yield self.say(N_("Whoever scored more than nothing ranks."))
        if contest.tie is Tie.SPLIT:
            yield self.say(
                N_(
                    "Those with equal scores share a place: the money of the places that they take is added up and"
                    " divided equally. A gift goes to whoever reached the score first."
                )
            )
        else:
            yield self.say(N_("Of equal scores, the one that was reached first stands higher."))
        yield self.say(
            N_(
                "Not ranked, and told why: partners whose case is open or whose money is held when the result is made"
                " final, who are suspended or blocked then, and who were disqualified. The others move up."
            )
        )

    # ------------------------------------------------------------------------------------------------------ prizes

    def prizes(self, division: Division) -> Iterator[Said]:
        contest = self.contest
        if not division.prizes:
            yield self.say(N_("There are no prizes."))
            return
        placed = sorted(
            (each for each in division.prizes if each.kind.is_placed),
            key=lambda each: (each.first, each.kind is PrizeKind.GIFT),
        )
        for prize in placed:
            yield self._placed(prize)
        for prize in sorted(division.prizes, key=lambda each: each.threshold):
            if prize.kind is PrizeKind.THRESHOLD:
                yield self.say(
                    N_("Everybody who reaches %(score)s: %(amount)s."),
                    score=_score(self.language, contest, prize.threshold),
                    amount=Money(prize.amount, contest.currency),
                )
        if sum(1 for each in division.prizes if each.kind is PrizeKind.THRESHOLD) > 1:
            yield self.say(N_("Whoever reaches several of these wins each of them."))
        if any(each.kind is PrizeKind.SHARE for each in division.prizes):
            yield self.say(
                N_(
                    "The pool: %(amount)s. All of it is paid if anybody ranks: what nobody stands for goes to those who"
                    " rank, in proportion to their shares."
                ),
                amount=Money(division.pool, contest.currency),
            )

    def paying(self) -> Iterator[Said]:
        days = self.contest.prize_hold_days
        kinds = {each.kind for division in self.contest.divisions for each in division.prizes}
        if kinds <= {PrizeKind.GIFT}:
            pass
        elif days:
            yield self.counted(
                Plural(
                    "Money is paid into the balance when the result is final, and is available %(num)s day later.",
                    "Money is paid into the balance when the result is final, and is available %(num)s days later.",
                ),
                days,
            )
        else:
            yield self.say(N_("Money is paid into the balance when the result is final, and is available at once."))
        if PrizeKind.GIFT in kinds:
            yield self.say(N_("Gifts are sent when the result is final."))
        yield self.say(N_("Each prize is won once, and says how it came about."))

    def _placed(self, prize: Prize) -> Said:
        values: dict[str, Part] = {"first": Number(str(prize.first)), "last": Number(str(prize.last))}
        several = prize.last > prize.first
        match prize.kind:
            case PrizeKind.FIXED:
                values["amount"] = Money(prize.amount, self.contest.currency)
                one, each = N_("Place %(first)s: %(amount)s."), N_("Places %(first)s to %(last)s, each: %(amount)s.")
            case PrizeKind.SHARE:
                values["number"] = Number(show_percent(prize.share))
                one = N_("Place %(first)s: %(number)s%% of the pool.")
                each = N_("Places %(first)s to %(last)s, each: %(number)s%% of the pool.")
            case _:
                values["gift"] = Text(prize.gift)
                one, each = N_("Place %(first)s: %(gift)s."), N_("Places %(first)s to %(last)s, each: %(gift)s.")
        return self.say(each if several else one, **values)

    # ---------------------------------------------------------------------------------------------- what may change

    def changes(self) -> Iterator[Said]:
        yield self.say(
            N_(
                "What counts, who may take part, places and prizes stay as they are from the start on. If they change"
                " before, whoever joined already is asked again."
            )
            if self.contest.opt_in
            else N_("What counts, who may take part, places and prizes stay as they are from the start on.")
        )
        yield self.say(
            N_("We may end it earlier or later, or cancel it, and say why. If it is cancelled, nothing is won.")
        )


_METRICS = {
    Metric.FTD: N_(
        "Counted are clients who make their first deposit in this time. What counts as one, the partner's deal says."
    ),
    Metric.QFTD: N_("Counted are clients who qualify in this time. What for, the partner's deal says."),
    Metric.NET_REVENUE: N_(
        "Counted is the net revenue that clients bring in this time. What that is, the partner's deal says. It can fall"
        " again."
    ),
    Metric.LOTS: N_("Counted are the lots of trades that clients close in this time."),
    Metric.DEPOSITS: N_(
        "Counted is what clients pay in during this time, less what is charged back or refunded until the count."
    ),
}
_ONLY_KIND = {
    PartnerKind.AFFILIATE: N_("Only for affiliates."),
    PartnerKind.IB: N_("Only for introducing brokers."),
}


def _thousandths(weight: int) -> str:
    whole, part = divmod(weight, WEIGHT_ONE)
    return f"{whole}.{part:03d}".rstrip("0").rstrip(".") if part else str(whole)
