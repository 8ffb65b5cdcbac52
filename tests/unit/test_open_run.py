"""A run is written down once, its rates are locked once, and its partners are counted in groups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.errors import Conflict, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.payout import RunStatus
from introducer.services.open_run import MOST_GROUPS, SMALLEST_GROUP, groups, select_partners, take_rates
from introducer.services.read_contracts import ECB
from tests.conftest import Tables
from tests.support.payouts import BRAND, MAKER, NOW, PUBLISHED, RUN, TODAY, YESTERDAY, Paying, a_run

pytestmark = pytest.mark.in_memory


@pytest.fixture
def paying(tables: Tables) -> Paying:
    return Paying(tables)


def refused(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


# ------------------------------------------------------------------------------------------------------------- opening


def test_a_run_is_written_down_with_who_began_it_and_once(paying: Paying) -> None:
    paying.rates()
    first = paying.opened()
    assert first == replace(a_run(), rates_day=YESTERDAY, rates_feed=ECB, per_euro=PUBLISHED[YESTERDAY], version=2)
    # when it is opened again, a day later and by the clock
    paying.now = NOW + timedelta(days=1)
    again = paying.opened()
    # then it stands as it was
    assert again == first == paying.run()
    assert paying.audited(f"{RUN}-{BRAND}") == ["open_run"]


@pytest.mark.parametrize(("fields", "kind", "code"), [
    ({"schedule": "weekly"}, NotFound, "not_found"),
    ({"first": "2026-11-01", "through": TODAY}, Invalid, "range_not_ended"),
    ({"first": "2026-11-30", "through": "2026-11-29"}, Invalid, "bad_range"),
    ({"first": "soon", "through": "later"}, Invalid, "bad_range"),
])  # fmt: skip
def test_what_cannot_be_run_is_not_written_down(
    paying: Paying, fields: dict[str, str], kind: type[IntroducerError], code: str
) -> None:
    assert refused(lambda: paying.opened(**fields), kind) == code
    assert paying.payouts.runs(BRAND).items == ()


def test_the_range_has_ended_where_the_schedule_is(paying: Paying) -> None:
    """At nine in the morning of 2 December it is the evening before in Honolulu, and the 2nd in Auckland."""
    paying.schedule(time_zone="Pacific/Honolulu")
    assert refused(lambda: paying.opened(through=YESTERDAY), Invalid) == "range_not_ended"
    paying.schedule(time_zone="Pacific/Auckland")
    assert paying.opened(through=YESTERDAY).status is RunStatus.OPEN


def test_a_name_is_one_range(paying: Paying) -> None:
    paying.opened()
    assert refused(lambda: paying.opened(first="2026-11-02")) == "run_differs"


def test_two_brands_open_runs_of_one_name_in_the_same_moment(paying: Paying, tables: Tables) -> None:
    other = Paying(tables, "brd_other")
    paying.rates()
    mine, theirs = paying.opened(), other.opened()
    assert (mine.brand, theirs.brand) == (BRAND, "brd_other")
    # and neither reads what was done to the other's
    assert paying.audited(f"{RUN}-brd_other") == paying.audited(f"{RUN}-{BRAND}") == ["open_run"]


# --------------------------------------------------------------------------------------------------------------- rates


def test_rates_are_the_last_published_before_the_pay_day_and_stay(paying: Paying) -> None:
    # given a publication of the pay day itself
    paying.rates({**PUBLISHED, TODAY: {"USD": "1.3"}}, through=TODAY)
    assert paying.opened().rates_day == YESTERDAY
    # when more is published, and they are taken again
    paying.rate_store.put_day(ECB, "2026-12-03", {"USD": "1.4"})
    again = take_rates(paying.payouts, paying.rate_store, brand=BRAND, run=RUN)
    # then they stay
    assert (again.rates_day, again.per_euro["USD"], again.version) == (YESTERDAY, "1.165", 2)


def test_after_a_weekend_they_are_friday_s(paying: Paying) -> None:
    paying.rates({"2026-11-27": {"USD": "1.16"}}, through="2026-12-01")
    assert paying.opened().rates_day == "2026-11-27"


@pytest.mark.parametrize("published", [{}, {"2026-11-30": {"USD": "1.16"}}])
def test_while_rates_are_not_known_through_the_day_before_the_run_waits(
    paying: Paying, published: dict[str, dict[str, str]]
) -> None:
    paying.schedule()
    if published:
        paying.rates(published, through="2026-11-30")
    else:
        paying.rates({YESTERDAY: {}})
    assert refused(paying.opened, Unavailable) == "rates_incomplete"
    # the run is there, and is taken up again when they are
    assert (paying.run().status, paying.run().rates_day) == (RunStatus.OPEN, "")
    if published:
        paying.rate_store.put_day(ECB, YESTERDAY, PUBLISHED[YESTERDAY])
        assert paying.opened().rates_day == YESTERDAY


def test_rates_are_locked_once_when_two_take_them_at_once(paying: Paying, monkeypatch: pytest.MonkeyPatch) -> None:
    paying.rates()
    paying.schedule()
    read = paying.rate_store.published_before
    seen: list[str] = []

    def meanwhile(feed: str, day: str) -> object:
        monkeypatch.setattr(paying.rate_store, "published_before", read)
        found = read(feed, day)
        seen.append(take_rates(paying.payouts, paying.rate_store, brand=BRAND, run=RUN).rates_day)
        return found

    monkeypatch.setattr(paying.rate_store, "published_before", meanwhile)
    assert paying.opened().version == 2
    assert seen == [YESTERDAY]


# -------------------------------------------------------------------------------------------------------------- groups


@pytest.mark.parametrize("many", [0, 1, SMALLEST_GROUP, SMALLEST_GROUP + 1, 999, MOST_GROUPS * SMALLEST_GROUP + 1])
def test_groups_have_everybody_once_and_are_few(many: int) -> None:
    ids = [f"par_{number:06}" for number in range(many)]
    made = groups(ids)
    parts = [ids[bisect_right(ids, group.after) : bisect_right(ids, group.through)] for group in made]
    assert [each for part in parts for each in part] == ids
    assert len(made) <= MOST_GROUPS
    assert all(len(part) >= min(SMALLEST_GROUP, many) for part in parts[:-1])


def test_partners_of_the_brand_are_counted_and_grouped(paying: Paying, tables: Tables) -> None:
    other = Paying(tables, "brd_other")
    for number in range(3):
        paying.partner(f"par_{number}", accepted=False, verified=False, profile=None)
        other.partner(f"par_of_other_{number}", accepted=False, verified=False, profile=None)
    many, [group] = select_partners(paying.configuration, brand=BRAND)
    assert (many, group.after, group.through) == (3, "", "par_2")
    assert select_partners(paying.configuration, brand="brd_none") == (0, [])


def test_who_began_it_is_told_in_its_audit_record(paying: Paying) -> None:
    paying.opened()
    [record] = paying.configuration.audit_of_subject(f"{RUN}-{BRAND}").items
    assert (record.by, record.why, record.origin) == (MAKER.by, MAKER.why, MAKER.origin)
