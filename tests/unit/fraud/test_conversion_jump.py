"""Conversion jump: from a day on far more visitors register than before."""

from __future__ import annotations

from introducer.domain.fraud import conversion_jump
from introducer.domain.fraud.finding import Finding
from introducer.domain.fraud.trace import Trace
from tests.support.fraud import Scene, a_trace, date, moment, peers

LOOK = conversion_jump.DETECTOR
JUMP = range(50, 54)


def arriving(per_day: int, days: range, name: str, since_click: int = 300) -> list[Trace]:
    return [
        a_trace(f"{name}-{day}-{number}", moment(day, 8 + number * 10 / per_day), since_click=since_click)
        for day in days
        for number in range(per_day)
    ]


def scene(per_day: int, usual: int = 3, days: range = JUMP) -> Scene:
    """100 clicks a day of which `usual` register, and `per_day` on the days of the jump."""
    before = arriving(usual, range(days.start), "before")
    return Scene(usual_clicks=100).with_clients([*before, *arriving(per_day, days, "jump")])


def a_new_one(per_day: int) -> Scene:
    """A partner whose first clicks come a week ago."""
    new = scene(per_day, usual=0, days=range(53, 59))
    new.clicks = dict.fromkeys(range(53), 0)
    return new


def found(scene: Scene) -> Finding | None:
    findings = LOOK.look(scene.seen())
    assert len(findings) <= 1
    return findings[0] if findings else None


def test_three_percent_become_eighteen() -> None:
    # given 3 of 100 visitors that register for weeks, when 18 of 100 do
    finding = found(scene(18))

    # then these days are found, and their clients
    assert finding is not None
    assert (finding.first, finding.through) == (date(50), date(53))
    assert len(finding.clients) == 72
    assert all(client.startswith("jump") for client in finding.clients)
    assert finding.measured == 6.0
    assert finding.values["rate"] == "18.0"
    assert finding.values["expected"] == "3.0"


def test_three_times_as_many_are_found_and_less_are_not() -> None:
    # 10 a day, in four days or more, are the least number that is looked at
    assert found(scene(9, days=range(50, 57))) is not None
    assert found(scene(8, days=range(50, 57))) is None


def test_fewer_than_forty_registrations_say_nothing() -> None:
    # given 11 or 12 times as many on three days: with the days before, 37 or 40 in a week
    assert found(scene(11, usual=1, days=range(50, 53))) is None
    assert found(scene(12, usual=1, days=range(50, 53))) is not None


def test_a_campaign_on_television_is_no_jump() -> None:
    # given twice the clicks, and twice the rate
    honest = scene(12, days=range(50, 57))
    honest.clicks = dict.fromkeys(range(50, 57), 200)

    assert found(honest) is None


def test_clients_who_register_days_after_a_busy_day_belong_to_that_day() -> None:
    # given a mailing that brings 3,000 visitors on one day, and 90 clients of them in the week that follows
    mailing = scene(3, days=range(0, 0)).with_clients(arriving(3, range(50), "usual"))
    mailing.clicks = {50: 3000} | dict.fromkeys(range(51, 60), 20)
    for day in range(51, 57):
        mailing.with_clients(arriving(15, range(day, day + 1), f"late{day}", since_click=(day - 50) * 86_400))

    assert found(mailing) is None


def test_a_partner_that_becomes_as_good_as_others_is_let_be() -> None:
    # given a partner whose visitors hardly registered, and peers at 5 percent
    better = scene(4, usual=1, days=range(40, 58))
    better.usual_clicks = 100
    better.peers = peers(rate=0.05)

    assert found(better) is None


def test_a_new_partner_is_compared_with_the_better_ones_of_its_peers() -> None:
    # given no history, and peers at about 3 percent
    assert found(a_new_one(8)) is None
    assert found(a_new_one(20)) is not None


def test_a_good_partner_is_not_new_at_the_beginning_of_the_window() -> None:
    # given visitors of whom 18 of 100 register all the time, or from the thirteenth day that is looked at on
    def good(since: int) -> Scene:
        always = scene(0, usual=0).with_clients(arriving(18, range(since, 59), "always"))
        always.clicks = dict.fromkeys(range(since), 0)
        return always

    assert found(good(0)) is None
    assert found(good(7)) is None
    assert found(good(20)) is not None


def test_without_peers_and_without_history_there_is_nothing_to_compare_with() -> None:
    alone = a_new_one(20)
    alone.peers = ()

    assert found(alone) is None


def test_what_a_person_cleared_is_no_surprise_afterwards() -> None:
    # given days that jumped, which somebody cleared, and the same rate after them
    cleared = scene(18, days=range(48, 58)).clear(LOOK.name, 53)

    assert found(scene(18, days=range(48, 58))) is not None
    assert found(cleared) is None


def test_a_further_jump_after_that_is_found_and_names_what_came_after() -> None:
    cleared = scene(18, days=range(44, 50)).clear(LOOK.name, 50)
    cleared.with_clients(arriving(60, range(54, 57), "again"))

    finding = found(cleared)

    assert finding is not None
    assert {client.split("-")[0] for client in finding.clients} == {"again"}


def test_clients_who_are_disallowed_already_are_found_no_more() -> None:
    again = scene(18)
    again.traces = [
        a_trace(each.client, each.registered, disallowed=each.client.startswith("jump")) for each in again.traces
    ]

    assert found(again) is None


def test_the_evidence_draws_each_day_and_its_band() -> None:
    finding = found(scene(18))

    assert finding is not None
    points = {point.day: point for point in finding.evidence.series}
    assert len(points) == 60
    assert (points[date(50)].seen, points[date(50)].of, points[date(50)].rate) == (18, 100, 1800)
    assert points[date(50)].rate > points[date(50)].high
    assert points[date(10)].low <= points[date(10)].rate <= points[date(10)].high
