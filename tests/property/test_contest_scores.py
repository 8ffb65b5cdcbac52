"""What scores in contests: the same in every order, under windows that are moved meanwhile, and as the counters say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import event, given
from hypothesis import strategies as st

from introducer.domain.calendar import DAY_MS, day_at
from introducer.domain.client import ClientState
from introducer.domain.contest import Metric
from introducer.domain.contest_counting import counted_of_client
from introducer.domain.contest_score import Window
from introducer.domain.contracts import Contracts
from introducer.domain.counts import CountKey, ScoreKey, without_zeros
from introducer.domain.earnings import HistoryNeeded, Transition, accrue, happened
from introducer.domain.events import Event, EventType, milliseconds
from tests.property.test_orders import (
    DAYS,
    START,
    THOROUGH,
    VERSIONS,
    Tables,
    days_of,
    deliveries,
    one_fold,
    programs,
    snapshot,
)
from tests.support.builders import BRAND

FIRST = milliseconds(START)
CURRENCIES = {partner: versions[0][1]["currency"] for partner, versions in VERSIONS.items()}


def with_windows(days: Iterable[str], windows: tuple[Window, ...], seen: Mapping[str, int] | None = None) -> Contracts:
    return replace(snapshot(days, seen), windows={BRAND: windows})


@dataclass
class Scoring(Tables):
    """As the engine keeps a client, with the contests that its container knows of."""

    windows: tuple[Window, ...] = ()
    history: list[Event] = field(default_factory=list)

    def _fold(self, new: list[Event], seen: Mapping[str, int] | None) -> Transition:
        state = self.state or ClientState(BRAND, self.client)
        kept = {day_at(each.at) for each in [*state.deposits.values(), *state.chargebacks.values()]}
        try:
            return accrue(state, new, with_windows(days_of(new) | kept, self.windows, seen))
        except HistoryNeeded:
            self.refolds += 1
            history = list(self.applied.values())
            return accrue(state, new, with_windows(days_of([*history, *new]) | kept, self.windows, seen), history)

    def scores(self) -> dict[ScoreKey, dict[str, int]]:
        return {key: each for key, each in without_zeros(self.counts).items() if isinstance(key, ScoreKey)}


@st.composite
def windows(draw: st.DrawFn, contest: str = "ctt_1", *, whole_days: bool = False) -> Window:
    unit = DAY_MS if whole_days else DAY_MS // 24
    start = draw(st.integers(0, 20 * DAY_MS // unit) | st.integers(0, DAYS * DAY_MS // unit))
    long = draw(st.integers(10 * DAY_MS // unit, 60 * DAY_MS // unit) | st.integers(1, 10 * DAY_MS // unit))
    grace = draw(st.integers(0, 3 * DAY_MS // unit))
    at = FIRST - FIRST % DAY_MS
    return Window(
        contest,
        at + start * unit,
        at + (start + long) * unit,
        at + (start + long + grace) * unit,
        frozenset(draw(st.sets(st.sampled_from(list(Metric)), min_size=2))),
        draw(st.sampled_from(["EUR", "USD", "KWD", "JPY"])),
    )


def recount(program: Iterable[Event], window: Window) -> dict[ScoreKey, dict[str, int]]:
    events = list(program)
    counted = counted_of_client(BRAND, "client-1", events, snapshot(days_of(events)), window)
    found = {ScoreKey(partner, window.contest): dict(each.counted) for partner, each in counted.items()}
    return {key: {str(metric): value for metric, value in each.items()} for key, each in found.items()}


@THOROUGH
@given(st.data(), programs(), st.lists(windows(), min_size=1, max_size=2))
def test_in_any_order_the_score_is_what_the_recount_says(data: st.DataObject, program: list[Event], each: list[Window]):
    # given a contest or two, the second one under its own name
    contests = tuple(window._replace(contest=f"ctt_{number}") for number, window in enumerate(each))
    tables = Scoring(windows=contests)
    # when the client's events come in some order, split and repeated
    for batch in data.draw(deliveries(program)):
        tables.deliver(batch)
    # then what the engine counted is the recount, contest by contest
    expected: dict[ScoreKey, dict[str, int]] = {}
    for window in contests:
        expected |= recount(program, window)
    assert tables.scores() == expected
    event("scored" if expected else "nothing scored")


@THOROUGH
@given(st.data(), programs(), st.lists(windows(), min_size=2, max_size=4))
def test_a_window_that_is_moved_meanwhile_counts_as_if_it_had_always_been_so(
    data: st.DataObject, program: list[Event], moved: list[Window]
):
    # given a contest whose window is another for each container, or that one does not know yet; metrics never change
    last = moved[-1]
    batches = data.draw(deliveries(program))
    final = {each.key: each for each in batches[-1]}
    tables = Scoring()
    for batch in batches[:-1]:
        known = data.draw(st.sampled_from([None, *moved]))
        tables.windows = (
            (known._replace(metrics=last.metrics, currency=last.currency),) if known is not None else tables.windows
        )
        # The last batch must bring something: a window alone wakes nobody.
        tables.deliver([each for each in batch if each.key not in final])
    # when the last batch knows the window that holds
    tables.windows = (last,)
    tables.deliver(batches[-1])
    # then
    assert tables.scores() == recount(program, last)
    event("refolded" if tables.refolds else "never refolded")


@THOROUGH
@given(programs(), windows(whole_days=True), st.sampled_from(sorted(CURRENCIES)))
def test_over_whole_days_the_score_is_the_sum_of_the_days_counters(program: list[Event], window: Window, partner: str):
    # given a contest in the currency of a partner's deal, over whole UTC days
    window = window._replace(metrics=frozenset(Metric), currency=CURRENCIES[partner])
    # when
    found = recount(program, window).get(ScoreKey(partner, window.contest), {})
    # then its clients and net revenue are those of the days' counters
    books = one_fold(program)
    sums: dict[str, int] = defaultdict(int)
    for key, values in books.counts.items():
        if not isinstance(key, CountKey) or key.partner != partner:
            continue
        if day_at(window.start) <= key.day <= day_at(window.end - 1):
            for name, value in values.items():
                sums[name.partition(".")[0]] += value
    for metric in (Metric.FTD, Metric.QFTD, Metric.NET_REVENUE):
        assert found.get(metric, 0) == sums[metric], metric
    # and its lots and deposits are those of the events, read one by one
    assert books.state is not None
    lots = deposits = 0
    rates = snapshot(days_of(program)).rates
    for each in program:
        at = milliseconds(each.occurred_at)
        segment = books.state.segment_at(at)
        contracts = snapshot([])
        if not happened(each, books.state.cancelled) or segment is None or segment.partner != partner:
            continue
        if contracts.version_at(partner, at) is None:
            continue
        if each.type is EventType.TRADE and window.holds(at):
            lots += each.lots or 0
        elif each.type is EventType.DEPOSIT and window.holds(at):
            deposits += rates.fine(each.amount or 0, each.currency or "", window.currency, day_at(at))
        elif each.type is EventType.CHARGEBACK and window.takes_back(at):
            deposits -= rates.fine(each.amount or 0, each.currency or "", window.currency, day_at(at))
    assert (found.get(Metric.LOTS, 0), found.get(Metric.DEPOSITS, 0)) == (lots, deposits)
    event("scored" if found else "nothing scored")


@THOROUGH
@given(st.data(), programs(), windows())
def test_what_was_counted_for_good_is_not_written_again(data: st.DataObject, program: list[Event], window: Window):
    # given a contest that is frozen between two batches
    batches = data.draw(deliveries(program))
    cut = data.draw(st.integers(0, len(batches)))
    tables = Scoring(windows=(window,))
    for batch in batches[:cut]:
        tables.deliver(batch)
    before = tables.scores()
    # when more comes
    tables.windows = (window._replace(frozen=True),)
    for batch in batches[cut:]:
        tables.deliver(batch)
    # then the score stands
    assert tables.scores() == before


@THOROUGH
@given(st.data(), programs(), windows(), st.integers(2, 4))
def test_scores_that_did_not_fit_follow_like_counters(
    data: st.DataObject, program: list[Event], window: Window, room: int
):
    tables = Scoring(windows=(window,))
    for batch in data.draw(deliveries(program)):
        tables.deliver(batch, room=room)
    assert tables.scores() == recount(program, window)
