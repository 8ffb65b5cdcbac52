"""What letters with figures say: the words for metrics, for what changed, and for each suggestion with its reason; and
the chart in words, which is what whoever sees no picture reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from babel.dates import format_skeleton

from introducer.locale import Language
from introducer.wording.codes import N_

METRICS: Mapping[str, str] = {
    "clicks": N_("Clicks"),
    "registrations": N_("Registrations"),
    "ftd": N_("First deposits"),
    "qftd": N_("Qualified clients"),
}
WAITS: Mapping[str, str] = {
    "cases": N_("Open cases"),
    "tasks": N_("Open tasks"),
    "applications": N_("Applications"),
    "messages": N_("Unanswered messages"),
}

CHANGES: Mapping[tuple[str, str], str] = {
    ("rose", "ftd"): N_("More first deposits than before: %(now)s instead of %(before)s."),
    ("fell", "ftd"): N_("Fewer first deposits than before: %(now)s instead of %(before)s."),
    ("rose", "qftd"): N_("More clients qualified than before: %(now)s instead of %(before)s."),
    ("fell", "qftd"): N_("Fewer clients qualified than before: %(now)s instead of %(before)s."),
    ("rose", "registrations"): N_("More visitors registered than before: %(now)s instead of %(before)s."),
    ("fell", "registrations"): N_("Fewer visitors registered than before: %(now)s instead of %(before)s."),
    ("rose", "clicks"): N_("More visitors came than before: %(now)s instead of %(before)s."),
    ("fell", "clicks"): N_("Fewer visitors came than before: %(now)s instead of %(before)s."),
    ("first", "ftd"): N_("First deposits: %(now)s, after none in all the time before that the chart shows."),
    ("quiet", "clicks"): N_("It was quiet: nobody came through your links."),
    ("steady", "ftd"): N_("Little changed. First deposits: %(now)s, the time before: %(before)s."),
    ("steady", "registrations"): N_("Little changed. Registrations: %(now)s, the time before: %(before)s."),
}
"""What changed, by word and metric (`domain.report.what_changed`)."""


class Advice(NamedTuple):
    """A suggestion with its reason, and where it is done."""

    said: str
    action: str
    path: str


_LINKS, _DEAL = (N_("See your links"), "/links"), (N_("Read your deal"), "/deal")
ADVICE: Mapping[str, Advice] = {
    "share_a_link": Advice(
        N_("Without visitors nobody can register: put one of your links where people see it this week."), *_LINKS
    ),
    "look_at_the_page": Advice(
        N_("Many came and nobody registered: open your link on a phone, and look for what stops a visitor."), *_LINKS
    ),
    "explain_the_deposit": Advice(
        N_("Several registered and none made a first deposit: tell your readers how it works."), *_LINKS
    ),
    "find_lost_clicks": Advice(
        N_("You lost many visitors: compare your links, and see which one stands where nobody looks any more."),
        *_LINKS,
    ),
    "read_what_qualifies": Advice(
        N_("Clients deposited and none qualified this time: read in your deal what a client needs for it."), *_DEAL
    ),
    "push_the_best_link": Advice(
        N_("Link %(link)s brought more first deposits than any other: give it the place that most people see."), *_LINKS
    ),
    "make_a_second_link": Advice(
        N_("All came through one link: show another page by a link of its own, and you see which works better."),
        *_LINKS,
    ),
    "compare_links": Advice(
        N_("Several links brought somebody: compare them, and do more of what works."), *_LINKS
    ),
    "use_links": Advice(
        N_("Some came by none of your links, perhaps by your code: links tell you which of your pages brings clients."),
        *_LINKS,
    ),
}  # fmt: skip
"""By the names of `domain.report.SUGGESTIONS`."""

SHARES = N_(
    "Earned here is each event's own share on its day (UTC), before caps, tiers and losses of the month: your balance "
    "says what is owed."
)
"""What amounts of a week are, which the ledger does not know."""

_TITLES: Mapping[tuple[str, str], str] = {
    ("weekly", "ftd"): N_("First deposits by week"),
    ("weekly", "registrations"): N_("Registrations by week"),
    ("weekly", "clicks"): N_("Clicks by week"),
    ("monthly", "ftd"): N_("First deposits by month"),
    ("monthly", "registrations"): N_("Registrations by month"),
    ("monthly", "clicks"): N_("Clicks by month"),
}


class Bar(NamedTuple):
    """A bar with what stands at its top and below it: figures alone, which any font has."""

    number: int
    top: str
    below: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A few bars, the last one the period that the letter is about."""

    title: str
    alt: str
    """All of it in one sentence."""
    bars: tuple[Bar, ...]
    mirrored: bool
    """Whether time goes from right to left."""


def chart(language: Language, cadence: str, metric: str, points: Sequence[Mapping[str, str | int]]) -> Chart | None:
    """The chart of a letter; None without points."""
    title = _TITLES.get((cadence, metric))
    if not points or title is None:
        return None
    monthly = cadence == "monthly"
    said, bars = [], []
    for point in points:
        day, count = str(point["day"]), int(point["count"])
        number = language.number(count)
        said.append(f"{language.month(day[:7]) if monthly else language.short_day(day)}\N{NO-BREAK SPACE}– {number}")
        bars.append(Bar(count, number, _below(language, day, monthly)))
    name = language.text(title)
    return Chart(
        title=name, alt=f"{name}: {', '.join(said)}.", bars=tuple(bars), mirrored=language.direction == "rtl"
    )  # fmt: skip


def _below(language: Language, day: str, monthly: bool) -> str:
    """When a period begins, in figures."""
    text = format_skeleton("yM" if monthly else "Md", date.fromisoformat(day), locale=language.locale)
    # A mark of direction has no picture.
    return "".join(letter for letter in text if letter.isprintable())
