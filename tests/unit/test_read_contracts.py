"""What the engine's reader of contracts asks for, and for how long it believes the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from introducer.domain.attribution_decision import AttributionDecision
from introducer.domain.client import ClientState, Segment, Visit
from introducer.domain.configuration import BEGINNING, Attribution, DealRecord, Parenting, Standing, Status
from introducer.domain.contest import Metric
from introducer.domain.contest_score import Seen, Window
from introducer.domain.contracts import AttributionRule, Grant, Known
from introducer.domain.counts import Came
from introducer.domain.errors import NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.promo_code import PromoCode
from introducer.services.read_contracts import ContractReader, click_keys
from tests.support.builders import BRAND, CLICK_KEY, CLIENT, LINK, a_click, an_event, at, revshare, terms


class Configuration:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.versions = [self.a_version(1, "2026-01-01")]
        self.decided: list[Standing] = []
        self.parents: dict[str, list[Parenting]] = {}
        self.rules: list[AttributionDecision] = []
        self.codes: dict[tuple[str, str], list[PromoCode]] = {}
        self.asked: list[str] = []

    def a_version(self, number: int, since: str) -> DealRecord:
        text = json.dumps(terms(revshare()))
        return DealRecord(
            partner="par_p",
            version=number,
            valid_from=at(since),
            accepted_at=at("2025-12-31"),
            terms=text,
            terms_hash="",
        )

    def link(self, code: str) -> Any:
        self.asked.append(f"link {code}")
        if code != LINK:
            raise NotFound("There is no such link.")
        return type("Link", (), {"partner": "par_p", "campaign": "cmp_1", "brand": BRAND})

    def campaign(self, brand: str, campaign: str) -> Any:
        return type("Campaign", (), {"window_days": 30, "attribution": Attribution.LAST_CLICK})

    def attributions(self, brand: str, campaign: str) -> list[AttributionDecision]:
        return self.rules

    def promo_code(self, brand: str, code: str) -> list[PromoCode]:
        self.asked.append(f"code {code}")
        return self.codes.get((brand, code), [])

    def standings(self, partner: str) -> list[Standing]:
        return self.decided

    def parentings(self, partner: str) -> list[Parenting]:
        return self.parents.get(partner, [])

    def deals(self, partner: str) -> list[DealRecord]:
        self.asked.append(f"deals {partner}")
        return self.versions


class Feed:
    """Published Friday; complete through `complete`."""

    complete = "2026-03-01"

    def completed_through(self, feed: str) -> str:
        return self.complete

    def published_before(self, feed: str, day: str) -> tuple[str, Mapping[str, str]]:
        return "2026-02-27", {"USD": "1.1805"}


class Setting:
    def __init__(self) -> None:
        self.configuration, self.feed = Configuration(), Feed()
        self.seconds, self.day = 0.0, "2026-03-02"
        self.reader = ContractReader(
            self.configuration,  # type: ignore[arg-type]
            self.feed,  # type: ignore[arg-type]
            lambda: {0: CLICK_KEY},
            lambda: self.seconds,
            lambda: self.day,
        )

    def versions(self) -> list[int]:
        event = an_event("registration", at("2026-03-02"), click_id=a_click(at("2026-03-01")))
        contracts = self.reader.contracts_for([ClientState(BRAND, CLIENT)], [event])
        return [version.version for version in contracts.deals.get("par_p", ())]


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_links_are_asked_for_once_and_deals_once_a_minute(setting: Setting) -> None:
    assert setting.versions() == setting.versions() == [1]
    assert setting.configuration.asked == [f"link {LINK}", "deals par_p"]
    setting.seconds = 61
    setting.versions()
    assert setting.configuration.asked == [f"link {LINK}", "deals par_p", "deals par_p"]


def test_promo_codes_are_asked_for_once_a_minute_in_the_form_that_the_books_have(setting: Setting) -> None:
    # given an event that names a code, and a client that named another
    event = an_event("registration", at("2026-03-02"), promo_code=" spring24 ")
    state = ClientState(BRAND, CLIENT, codes={"OLDER": 1})
    mine = PromoCode(code="SPRING24", number=1, brand=BRAND, partner="par_p", campaign=None, starts_at=at("2026-03-01"),
                     ends_at=None, given_at=at("2026-02-01"), given_by="mem_1")  # fmt: skip
    setting.configuration.codes[BRAND, "SPRING24"] = [mine]
    # when the contracts are read twice within a minute
    found = [setting.reader.contracts_for([state], [event]) for _ in range(2)][1]
    # then both were asked for once, the partner's deal is there, and the code that nobody had is left out
    assert setting.configuration.asked == ["code OLDER", "code SPRING24", "deals par_p"]
    assert found.codes == {(BRAND, "SPRING24"): (Grant("par_p", milliseconds(at("2026-03-01")), None),)}
    assert found.deals.keys() == {"par_p"}
    # and after a minute what was given meanwhile is seen
    setting.seconds = 61
    ended = replace(mine, ends_at=at("2026-03-05"))
    setting.configuration.codes[BRAND, "SPRING24"] = [ended, replace(mine, number=2, partner="par_q")]
    assert [grant.partner for grant in setting.reader.contracts_for([state], [event]).codes[BRAND, "SPRING24"]] == [
        "par_p",
        "par_q",
    ]


def test_how_a_campaign_attributes_is_asked_for_again_after_a_minute(setting: Setting) -> None:
    def later() -> tuple[AttributionRule, ...]:
        event = an_event("registration", at("2026-03-02"), click_id=a_click(at("2026-03-01")))
        return setting.reader.contracts_for([ClientState(BRAND, CLIENT)], [event]).links[LINK].later

    assert later() == ()
    # when it is decided anew
    since = at("2026-03-02T12:00")
    setting.configuration.rules = [
        AttributionDecision(campaign="cmp_1", brand=BRAND, number=1, since=since, window_days=7, promo_first=True,
                            attribution=Attribution.FIRST_CLICK, reason="agreed", decided_at=since, decided_by="mem_1"),
    ]  # fmt: skip
    # then that is seen within a minute, for a link that is known already
    assert later() == ()
    setting.seconds = 61
    assert later() == (AttributionRule(milliseconds(since), 7, first_click=True, promo_first=True),)


def test_a_version_accepted_just_before_midnight_is_seen_just_after_it(setting: Setting) -> None:
    # given a reader that read ten seconds before midnight
    assert setting.versions() == [1]
    # when a version is accepted in the last second, and the day turns
    setting.configuration.versions.append(setting.configuration.a_version(2, "2026-03-03"))
    setting.seconds, setting.day = 15, "2026-03-03"
    # then it is not a minute late
    assert setting.versions() == [1, 2]


def test_a_proposed_version_prices_nothing(setting: Setting) -> None:
    proposed = setting.configuration.a_version(2, "2026-02-01")
    setting.configuration.versions.append(DealRecord(**{**_fields(proposed), "accepted_at": None}))
    assert setting.versions() == [1]


def test_standings_come_in_the_order_in_which_they_were_decided(setting: Setting) -> None:
    setting.configuration.decided = [
        Standing(partner="par_p", standing=name, since=at(since), status=status, reason="", decided_at=at(decided))
        for name, since, status, decided in (
            ("b", "2026-02-01", Status.ACTIVE, "2026-02-20"),
            ("a", "2026-02-01", Status.BLOCKED, "2026-02-10"),
            ("c", "2026-03-05", Status.SUSPENDED, "2026-03-01"),
        )
    ]
    event = an_event("registration", at("2026-03-02"), click_id=a_click(at("2026-03-01")))
    contracts = setting.reader.contracts_for([ClientState(BRAND, CLIENT)], [event])
    assert [standing.blocked for standing in contracts.standings["par_p"]] == [True, False, False]
    assert contracts.blocked_at("par_p", milliseconds(at("2026-02-15"))) is False


def test_a_click_of_a_link_nobody_has_names_no_partner(setting: Setting) -> None:
    event = an_event("registration", at("2026-03-02"), click_id=a_click(at("2026-03-01"), "ZZZZZZZZ"))
    contracts = setting.reader.contracts_for([ClientState(BRAND, CLIENT)], [event])
    assert (contracts.links, contracts.deals) == ({}, {})


def test_a_click_that_one_client_knows_is_read_for_another_that_names_it() -> None:
    came, click = Came("DE", "mobile", "0"), a_click(at("2026-03-01"))
    setting, asked = Setting(), []

    def read(text: str) -> Came:
        asked.append(text)
        return came

    setting.reader._read_click = read
    knows = ClientState(BRAND, CLIENT, visits={click: Visit(1, LINK)}, came={click: came})
    # its own client asks no more
    setting.reader.contracts_for([knows], [an_event("kyc", at("2026-03-02"), click_id=click)])
    assert asked == []
    other = an_event("registration", at("2026-03-02"), click_id=click, client="another")
    assert setting.reader.contracts_for([knows], [other]).clicks == {click: came}
    late = ClientState(BRAND, "another", visits={click: Visit(milliseconds(at("2026-03-01")), LINK)})
    assert setting.reader.contracts_for([knows, late], []).clicks == {click: came}


def test_a_day_has_rates_only_once_the_feed_is_complete_through_the_day_before(setting: Setting) -> None:
    # given a feed that is complete through Sunday
    state = ClientState(BRAND, CLIENT)
    monday, tuesday = an_event("kyc", at("2026-03-02")), an_event("kyc", at("2026-03-03"))
    # then Monday's events can be priced and Tuesday's wait
    assert set(setting.reader.contracts_for([state], [monday, tuesday]).rates.publications) == {"2026-03-02"}
    setting.feed.complete = "2026-03-02"
    assert set(setting.reader.contracts_for([state], [tuesday]).rates.publications) == {"2026-03-03"}


def test_the_click_key_secret_names_its_keys_by_number() -> None:
    assert click_keys({"current": "1", "0": "old", "1": "x" * 80}) == {0: b"old", 1: b"x" * 64}


def _fields(record: DealRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in DealRecord.__slots__}


def test_those_above_a_partner_come_with_their_deals() -> None:
    # given a partner below another, which is below a third
    setting = Setting()
    for child, parent in (("par_p", "par_above"), ("par_above", "par_top")):
        decided = Parenting(
            partner=child, parenting="pnt_1", month=BEGINNING, parent=parent, reason="", decided_at=at("2026-01-01")
        )
        setting.configuration.parents[child] = [decided]
    # when the contracts of its month are read
    contracts = setting.reader.contracts_of_month("par_p", "2026-03")
    # then all three deals are there, and who stands above whom
    assert set(contracts.deals) == {"par_p", "par_above", "par_top"}
    assert contracts.ancestors("par_p", "2026-03") == ("par_above", "par_top")


def test_what_another_container_saw_is_read_again(setting: Setting) -> None:
    # given a container that read before a standing was decided
    setting.versions()
    setting.configuration.decided = [
        Standing(
            partner="par_p",
            standing="std_1",
            since=at("2026-03-01"),
            status=Status.BLOCKED,
            reason="",
            decided_at=at("2026-03-01"),
        )
    ]
    # when it folds a client that another container folded since, within the minute
    mine = Segment(0, "par_p", LINK, "cmp_1", "")
    state = ClientState(BRAND, CLIENT, timeline=(mine,), known={"par_p": Known(1, 1)})
    contracts = setting.reader.contracts_for([state], [])
    # then it has the standing too
    assert len(contracts.standings["par_p"]) == 1


def test_a_table_that_does_not_show_it_yet_is_asked_again_later(setting: Setting) -> None:
    state = ClientState(BRAND, CLIENT, known={"par_p": Known(2, 0)})
    with pytest.raises(Unavailable):
        setting.reader.contracts_for([state], [])


class Contests:
    """A brand's contests, and how often somebody asked."""

    def __init__(self, *windows: Window) -> None:
        self.windows = windows
        self.asked = 0

    def of_brand(self, brand: str) -> tuple[Window, ...]:
        self.asked += 1
        return self.windows if brand == BRAND else ()


def a_window(contest: str) -> Window:
    start = milliseconds(at("2026-03-01"))
    return Window(contest, start, start + 1_000, start + 2_000, frozenset({Metric.LOTS}), "EUR")


def reading(setting: Setting, contests: Contests) -> ContractReader:
    return ContractReader(
        setting.configuration,  # type: ignore[arg-type]
        setting.feed,  # type: ignore[arg-type]
        lambda: {0: CLICK_KEY},
        lambda: setting.seconds,
        lambda: setting.day,
        windows=contests.of_brand,
    )


def test_contests_are_asked_for_once_a_minute_also_for_a_client_that_is_new(setting: Setting) -> None:
    contests = Contests(a_window("ctt_1"))
    reader = reading(setting, contests)
    event = an_event("trade", at("2026-03-02"))
    for setting.seconds in (0, 59, 61):
        assert reader.contracts_for([], [event]).windows == {BRAND: contests.windows}
    assert contests.asked == 2


def test_a_contest_that_a_client_remembers_and_this_container_does_not_know_is_asked_for_at_once(
    setting: Setting,
) -> None:
    # given a container that read before the contest was planned, and a client that another one folded since
    contests = Contests()
    reader = reading(setting, contests)
    remembers = ClientState(BRAND, CLIENT, contests={"ctt_1": Seen("ctt_1", 1, 0, 0)})
    assert reader.contracts_for([ClientState(BRAND, CLIENT)], []).windows == {}
    contests.windows = (a_window("ctt_1"),)
    # then folding it without the contest, which would count it twice later, does not happen
    assert reader.contracts_for([remembers], []).windows == {BRAND: contests.windows}
    # and one that is listed no more is asked for once, and not with every batch
    contests.windows = ()
    forgets = ClientState(BRAND, CLIENT, contests={"ctt_0": Seen("ctt_0", 1, 2, 3)})
    for _ in range(3):
        assert reader.contracts_for([forgets], []).windows == {}
    assert contests.asked == 3


class Recorder:
    """What was recorded of clicks; remembers which ones were asked for."""

    def __init__(self, **recorded: Came) -> None:
        self.recorded, self.asked = recorded, list[str]()

    def of(self, click: str) -> Came | None:
        self.asked.append(click)
        return self.recorded.get(click)


def with_clicks(setting: Setting, recorder: Recorder) -> ContractReader:
    return ContractReader(
        setting.configuration,  # type: ignore[arg-type]
        setting.feed,  # type: ignore[arg-type]
        lambda: {0: CLICK_KEY},
        lambda: setting.seconds,
        lambda: setting.day,
        clicks=recorder.of,
    )


def test_a_genuine_click_is_asked_for_once_and_one_that_a_state_knows_never(setting: Setting) -> None:
    # given an event with a click, one with a forged one, and a client that knows its click
    came, known = Came("DE", "mobile", "0"), a_click(at("2026-03-01"), number=1)
    click = a_click(at("2026-03-01"))
    forged = click[:-1] + ("A" if click[-1] != "A" else "B")
    recorder = Recorder(**{click: came, known: came, forged: came})
    reader = with_clicks(setting, recorder)
    state = ClientState(BRAND, CLIENT, visits={known: Visit(0, LINK)}, came={known: came})
    events = [an_event("registration", at("2026-03-02"), click_id=each) for each in (click, forged, known)]
    # when its contracts are read twice
    found = [reader.contracts_for([state], events).clicks for _ in range(2)]
    # then
    assert found == [{click: came}] * 2
    assert recorder.asked == [click]


def test_a_click_that_was_not_found_is_asked_for_again_while_it_may_come_late(setting: Setting) -> None:
    # given a client whose click was not recorded when it registered, and one that was counted before clicks were read
    click = a_click(at("2026-02-28 12:00"))
    visits = {click: Visit(milliseconds(at("2026-02-28 12:00")), LINK)}
    waits, older = ClientState(BRAND, CLIENT, visits=visits), ClientState(BRAND, CLIENT, visits=visits, came=None)
    recorder = Recorder()
    reader = with_clicks(setting, recorder)
    trade = an_event("trade", at("2026-03-02"))
    # when it trades two days after the click, and after that
    asked = []
    for day in ("2026-03-02", "2026-03-03"):
        setting.day = day
        for state in (waits, older):
            recorder.asked.clear()
            assert reader.contracts_for([state], [trade]).clicks == {}
            asked.append((day, state is older, len(recorder.asked)))
    # then it is asked for on the second day and not on the third; of the older client always, until it is counted anew
    assert asked == [
        ("2026-03-02", False, 1),
        ("2026-03-02", True, 1),
        ("2026-03-03", False, 0),
        ("2026-03-03", True, 1),
    ]
