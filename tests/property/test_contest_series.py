"""What comes again comes at the same hour of the same days, wherever, and settings are read as they were shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from introducer.domain.contest import Contest, Every, Series
from introducer.domain.contest_rules import check, local_start, next_of_series
from introducer.domain.errors import Invalid
from introducer.sources.contest_settings import contest_of, settings_of
from tests.support.builders import at
from tests.support.contest_builders import A_BRAND, a_contest

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "America/Havana",
    "Pacific/Apia",
)
"""Some of them put their clocks forward at midnight."""
FIRST = at("2026-01-01").date()
PROPERTY = settings(max_examples=120, deadline=None)


@st.composite
def series(draw: st.DrawFn) -> Contest:
    """A contest that comes again, as it can be."""
    name, every = draw(st.sampled_from(ZONES)), draw(st.sampled_from(Every))
    zone = ZoneInfo(name)
    day = FIRST + timedelta(days=draw(st.integers(0, 730)))
    if draw(st.booleans()):
        starts = local_start(day, zone)
        ends = local_start(day + timedelta(days=draw(st.integers(1, 31))), zone)
    else:
        local = datetime.combine(day, datetime.min.time(), zone)
        starts = local.replace(hour=draw(st.integers(4, 23))).astimezone(UTC)
        ends = starts + timedelta(hours=draw(st.integers(1, 700)))
    contest = a_contest(
        time_zone=name, starts_at=starts, ends_at=ends, series=Series(series="ctt_1", number=1, every=every)
    )
    try:
        check(contest)
    except Invalid:
        assume(False)
    return contest


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """The hour there, where a day's first moment is called midnight whatever its clocks say."""
    local = moment.astimezone(zone)
    return "midnight" if moment == local_start(local.date(), zone) else f"{local:%H:%M}"


@PROPERTY
@given(series())
def test_two_years_of_a_series_keep_their_hours_and_do_not_overlap(contest: Contest) -> None:
    zone = ZoneInfo(contest.time_zone)
    hours = clock(contest.starts_at, zone), clock(contest.ends_at, zone)
    before = contest
    for number in range(2, 60):
        following = next_of_series(before)

        assert following is not None and following.series is not None
        assert following.series.number == number
        assert (clock(following.starts_at, zone), clock(following.ends_at, zone)) == hours
        assert before.ends_at <= following.starts_at < following.ends_at
        apart = following.starts_at.astimezone(zone).date() - before.starts_at.astimezone(zone).date()
        days = apart.days
        assert days == 7 if contest.series and contest.series.every is Every.WEEK else 28 <= days <= 31
        check(following)
        before = following


MOMENTS = st.datetimes(
    min_value=at("2020-01-01").replace(tzinfo=None),
    max_value=at("2100-01-01").replace(tzinfo=None),
    timezones=st.just(UTC),
)


@PROPERTY
@given(st.sampled_from(ZONES), MOMENTS, MOMENTS, st.booleans())
def test_any_window_is_shown_and_read_again_to_the_microsecond(
    zone: str, starts: datetime, ends: datetime, whole: bool
) -> None:
    if whole:
        starts, ends = (local_start(each.date(), ZoneInfo(zone)) for each in (starts, ends))
    contest = a_contest(time_zone=zone, starts_at=starts, ends_at=ends)
    sent = settings_of(contest)
    again = contest_of(sent, brand=A_BRAND, contest="ctt_1", by="mem_anna", now=at("2026-10-01"))

    assert again == contest
