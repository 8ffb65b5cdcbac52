"""The demo world is data of its seed: the same one each time, and one a receiver can be tried with."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from introducer.domain.errors import Invalid
from introducer.domain.money import DECIMALS
from introducer.domain.terms import parse_terms
from introducer.sources.events import UnknownType, read_event
from introducer_ops.browsers import BROWSERS
from introducer_ops.demo import rates
from introducer_ops.demo.attacks import DETECTORS, HONEST_CLIENTS, MADE_UP_CLIENTS, WASHING_CLIENTS, Attack
from introducer_ops.demo.deals import DEALS, UNITS
from introducer_ops.demo.month_end import LATE_EVENT, last_month, late_slot, move_to_decide
from introducer_ops.demo.people import person
from introducer_ops.demo.plan import (
    CURRENCY_OF,
    LEVELS,
    MADE_UP,
    PARTNERS,
    STAR,
    UNQUOTED,
    WASHED,
    Plan,
    make_plan,
)
from introducer_ops.demo.running import crawler_agents
from introducer_ops.demo.script import HISTORY_DAYS, Script, Volumes, make_script
from introducer_ops.demo.telling import Message

DAY = date(2026, 3, 4)
CRAWLERS = ("Googlebot/2.1 (+http://www.google.com/bot.html)",)
SMALL = Volumes(day_clicks=300, history_clicks=200, day_clients=60, history_clients=50)


@pytest.fixture(name="plan", scope="module")
def _plan() -> Plan:
    return make_plan(7, DAY)


@pytest.fixture(name="script", scope="module")
def _script(plan: Plan) -> Script:
    return make_script(plan, DAY, BROWSERS, CRAWLERS, SMALL)


@pytest.fixture(name="attacks", scope="module")
def _attacks(script: Script) -> dict[str, Attack]:
    return {attack.kind: attack for attack in script.attacks}


def messages(script: Script) -> list[tuple[datetime, Message]]:
    return [(slot.at, message) for slot in script.slots for post in slot.posts for message in post.messages]


class TestPlan:
    def test_the_same_seed_gives_the_same_world_and_another_one_another(self, plan: Plan) -> None:
        assert make_plan(7, DAY) == plan
        assert make_plan(8, DAY) != plan

    def test_forty_honest_partners_stand_in_three_levels(self, plan: Plan) -> None:
        def level(number: int | None) -> int:
            return 0 if number is None else 1 + level(plan.partners[number].parent)

        assert tuple(Counter(level(number) for number in range(40)).get(depth, 0) for depth in (1, 2, 3)) == LEVELS

    def test_seven_currencies_and_every_kind_of_deal_are_there(self, plan: Plan) -> None:
        assert {partner.currency for partner in plan.partners} == set(UNITS)
        assert {partner.deal for partner in plan.partners} == set(DEALS)
        assert set(CURRENCY_OF.values()) == set(UNITS)

    @pytest.mark.parametrize("seed", range(5))
    def test_whoever_has_partners_below_has_an_override_as_deep_as_they_go(self, seed: int) -> None:
        partners = make_plan(seed, DAY).partners

        def below(number: int) -> int:
            return max((1 + below(child) for child, each in enumerate(partners) if each.parent == number), default=0)

        for number, partner in enumerate(partners):
            overrides = [rule for rule in partner.terms["rules"] if rule["type"] == "override"]
            levels = [len(rule["levels"]) for rule in overrides]
            # Of a currency that the bank does not quote nothing can be converted.
            assert levels == ([below(number)] if below(number) and partner.currency != UNQUOTED else [])
        assert below(STAR) == 2

    @pytest.mark.parametrize("seed", range(5))
    def test_all_terms_are_terms(self, seed: int) -> None:
        for partner in make_plan(seed, DAY).partners:
            deal = parse_terms(partner.terms)
            assert deal.currency == partner.currency

    def test_two_more_cheat_and_have_no_other_traffic(self, plan: Plan) -> None:
        assert [partner.attack for partner in plan.partners[PARTNERS:]] == [MADE_UP, WASHED]
        assert not any(partner.attack for partner in plan.partners[:PARTNERS])
        assert {partner.weight for partner in plan.partners if partner.attack} == {0}

    def test_names_are_all_different(self, plan: Plan) -> None:
        assert len({partner.name for partner in plan.partners}) == len(plan.partners)

    def test_the_login_belongs_to_a_partner_with_every_rule(self, plan: Plan) -> None:
        assert {rule["type"] for rule in plan.partners[STAR].terms["rules"]} == {
            "cpa",
            "revshare",
            "lot",
            "bonus",
            "override",
        }


class TestScript:
    def test_the_same_seed_gives_the_same_script(self, plan: Plan, script: Script) -> None:
        assert make_script(plan, DAY, BROWSERS, CRAWLERS, SMALL) == script
        assert make_script(make_plan(8, DAY), DAY, BROWSERS, CRAWLERS, SMALL) != script

    def test_slots_go_forward_and_end_with_the_trading_day(self, script: Script) -> None:
        times = [slot.at for slot in script.slots]

        assert times == sorted(set(times))
        assert times[0] > script.built_at + timedelta(days=1)
        assert script.built_at + timedelta(days=1) < datetime(2026, 1, 1, tzinfo=UTC)
        assert (times[0].date(), times[-1]) == (
            DAY - timedelta(days=HISTORY_DAYS),
            datetime(2026, 3, 4, 21, tzinfo=UTC),
        )

    def test_clicks_are_as_many_as_asked_for_some_by_crawlers(self, script: Script) -> None:
        clicks = [click for slot in script.slots for click in slot.clicks]

        attacking = MADE_UP_CLIENTS + WASHING_CLIENTS + 2 * HONEST_CLIENTS
        assert len(clicks) == script.clicks == SMALL.day_clicks + SMALL.history_clicks + attacking
        assert {click.agent for click in clicks if click.crawler} == set(CRAWLERS)
        assert 0 < sum(click.crawler for click in clicks) < len(clicks) / 4
        assert any(click.method == "HEAD" for click in clicks)
        assert any(click.prefetch for click in clicks)
        assert len({click.visitor for click in clicks}) < len(clicks)

    def test_nothing_is_told_before_it_happened(self, script: Script) -> None:
        for at, message in messages(script):
            assert datetime.fromisoformat(message.fields["occurred_at"]) <= at, message

    def test_an_event_names_only_a_click_that_was_made_before(self, script: Script) -> None:
        clicked: set[int] = set()
        for slot in script.slots:
            for post in slot.posts:
                assert {message.click for message in post.messages} - {None} <= clicked
            clicked |= {click.number for click in slot.clicks}

    def test_no_flagged_click_is_named(self, script: Script) -> None:
        flagged = {
            click.number
            for slot in script.slots
            for click in slot.clicks
            if click.crawler or click.prefetch or click.method == "HEAD"
        }

        assert not flagged & {message.click for _, message in messages(script)}

    def test_every_event_is_one_that_the_receiver_takes(self, script: Script) -> None:
        unknown = 0
        for at, message in messages(script):
            try:
                read_event(message.fields, at)
            except UnknownType:
                unknown += 1
            except Invalid as error:
                pytest.fail(f"{message}: {error.detail}")

        assert unknown == script.unknown == 1

    def test_an_id_says_the_same_each_time(self, script: Script) -> None:
        said: dict[str, Any] = {}
        repeats = 0
        for _, message in messages(script):
            repeats += message.fields["event_id"] in said
            assert said.setdefault(message.fields["event_id"], message) == message

        assert repeats == script.repeats > 0
        assert script.events == len(messages(script)) == script.distinct + script.repeats + script.unknown

    def test_every_type_is_told_alone_and_in_batches(self, script: Script) -> None:
        kinds = {message.fields["type"] for _, message in messages(script)}
        posts = [post for slot in script.slots for post in slot.posts]

        assert kinds >= {"registration", "kyc", "deposit", "trade", "withdrawal", "credit", "chargeback", "cancel"}
        assert any(post.single for post in posts)
        assert any(len(post.messages) > 5 for post in posts)

    def test_some_events_overtake_their_registration(self, script: Script) -> None:
        told: dict[str, datetime] = {}
        overtaken = set()
        for at, message in messages(script):
            client = message.fields["client_id"]
            if message.fields["type"] == "registration":
                told.setdefault(client, at)
            elif client not in told:
                overtaken.add(client)

        assert overtaken & set(told)

    def test_what_cannot_be_converted_is_never_asked_to_be(self, plan: Plan, script: Script) -> None:
        """The bank quotes no dinar: money of one stays with the other."""
        clicks = {click.number: click for slot in script.slots for click in slot.clicks}
        partners = {
            message.fields["client_id"]: plan.partners[clicks[message.click].partner].currency
            for _, message in messages(script)
            if message.click is not None
        }
        spent = {
            (partners[message.fields["client_id"]], message.fields["currency"])
            for _, message in messages(script)
            if "currency" in message.fields
        }

        assert (UNQUOTED, UNQUOTED) in spent
        assert not [pair for pair in spent if UNQUOTED in pair and pair[0] != pair[1]]

    def test_a_deposit_of_the_demo_partner_is_charged_back_on_the_trading_day(self, script: Script) -> None:
        deposits = {message.fields["event_id"]: message for _, message in messages(script)}
        taken = [
            deposits[message.fields["ref"]].fields["client_id"]
            for at, message in messages(script)
            if message.fields["type"] == "chargeback" and at.date() == DAY
        ]
        owners = {
            message.fields["client_id"]: click.partner
            for _, message in messages(script)
            for slot in script.slots
            for click in slot.clicks
            if message.click == click.number
        }

        assert STAR in {owners[client] for client in taken}


class TestPeople:
    def test_whoever_registers_has_an_address_an_e_mail_a_phone_and_a_device(self, script: Script) -> None:
        for fields in registrations(script).values():
            assert {"ip", "email", "phone", "device"} <= fields.keys()

    def test_two_honest_clients_never_share_an_e_mail_or_a_phone(self, script: Script) -> None:
        attacking = {client for attack in script.attacks for client in attack.clients}
        honest = [fields for client, fields in registrations(script).items() if client not in attacking]

        for kind in ("email", "phone"):
            assert len({fields[kind] for fields in honest}) == len(honest)
        assert all(fields["email"].endswith(".example") for fields in honest)

    @pytest.mark.parametrize("country", sorted(CURRENCY_OF))
    def test_a_client_is_the_same_person_each_time(self, country: str) -> None:
        assert person("710007", country, 4) == person("710007", country, 4)
        assert person("710007", country, 4) != person("710014", country, 5)

    def test_two_by_one_browser_have_its_device(self) -> None:
        one, other = person("710007", "DE", 4), person("710014", "DE", 4)

        assert one["device"] == other["device"] != person("710014", "DE")["device"]
        assert one["email"] != other["email"]


def registrations(script: Script) -> dict[str, Any]:
    """What was said of each client that registered."""
    return {
        message.fields["client_id"]: message.fields
        for _, message in messages(script)
        if message.fields["type"] == "registration"
    }


class TestAttacks:
    def test_each_is_labelled_with_its_partner_and_its_clients(
        self, plan: Plan, script: Script, attacks: dict[str, Attack]
    ) -> None:
        partner_of = {click.number: click.partner for slot in script.slots for click in slot.clicks}
        clicked = {
            message.fields["client_id"]: partner_of[message.click]
            for _, message in messages(script)
            if message.click is not None
        }

        assert attacks.keys() == DETECTORS.keys() == {MADE_UP, WASHED}
        for attack in attacks.values():
            assert plan.partners[attack.partner].attack == attack.kind
            own = {client for client, partner in clicked.items() if partner == attack.partner}
            assert set(attack.clients) < own
            assert len(own) == len(attack.clients) + HONEST_CLIENTS

    def test_made_up_clients_pay_in_just_enough_and_draw_it_within_hours(
        self, script: Script, attacks: dict[str, Attack]
    ) -> None:
        said = registrations(script)
        clients = attacks[MADE_UP].clients
        flows: dict[str, dict[str, Any]] = {client: {} for client in clients}
        for _, message in messages(script):
            if message.fields["client_id"] in flows:
                flows[message.fields["client_id"]][message.fields["type"]] = message.fields

        assert len(clients) == MADE_UP_CLIENTS
        assert len({said[client]["ip"].rpartition(".")[0] for client in clients}) == 1
        assert len({said[client]["device"] for client in clients}) == 3
        for told in flows.values():
            paid, drawn = told["deposit"], told["withdrawal"]
            hours = datetime.fromisoformat(drawn["occurred_at"]) - datetime.fromisoformat(paid["occurred_at"])
            assert paid["amount"] == "100.00"
            assert Decimal(drawn["amount"]) >= 80
            assert hours < timedelta(hours=8)

    def test_washed_lots_are_quick_and_flat(self, script: Script, attacks: dict[str, Attack]) -> None:
        trades = {
            message.fields["event_id"]: message.fields
            for _, message in messages(script)
            if message.fields["type"] == "trade" and message.fields["client_id"] in attacks[WASHED].clients
        }

        assert 50 < sum(Decimal(trade["lots"]) for trade in trades.values()) < 250
        for trade in trades.values():
            held = datetime.fromisoformat(trade["closed_at"]) - datetime.fromisoformat(trade["opened_at"])
            assert held < timedelta(minutes=1)
            assert abs(Decimal(trade["pnl"])) <= Decimal(trade["spread"]) + Decimal(trade["commission"])

    @pytest.mark.parametrize("weekday", range(7))
    def test_what_they_are_after_would_leave_with_the_run_of_the_week_that_ended_last(self, weekday: int) -> None:
        day = DAY + timedelta(days=weekday)
        plan = make_plan(7, day)
        script = make_script(plan, day, BROWSERS, CRAWLERS, SMALL)
        sunday = day - timedelta(days=day.weekday() + 1)
        attacking = {client: attack for attack in script.attacks for client in attack.clients}

        for _, message in messages(script):
            attack = attacking.get(message.fields["client_id"])
            if attack is not None and message.fields["type"] in ("deposit", "trade"):
                happened = datetime.fromisoformat(message.fields["occurred_at"]).date()
                hold = timedelta(days=plan.partners[attack.partner].terms["hold"]["days"])
                assert sunday - timedelta(days=7) < happened
                assert happened + hold <= sunday


class TestMonthEnd:
    def test_the_client_that_moves_was_another_partners_before_and_trades_after_it(
        self, plan: Plan, script: Script
    ) -> None:
        move = move_to_decide(plan, script, DAY)

        assert (move.target, move.starts_at) == (STAR, datetime(2026, 3, 1, tzinfo=UTC))
        assert plan.partners[move.holder].currency == plan.partners[STAR].currency
        assert not plan.partners[move.holder].attack
        clicks = {click.number: click.partner for slot in script.slots for click in slot.clicks}
        registrations = [
            message
            for _, message in messages(script)
            if message.fields["client_id"] == move.client and message.fields["type"] == "registration"
        ]
        assert {clicks[message.click or 0] for message in registrations} == {move.holder} != {STAR}
        assert all(message.fields["occurred_at"] < "2026-03-01" for message in registrations)
        assert any(
            message.fields["client_id"] == move.client
            and message.fields["type"] == "trade"
            and message.fields["occurred_at"] >= "2026-03-01"
            for _, message in messages(script)
        )

    def test_the_late_event_is_a_new_trade_of_the_closed_month(self, script: Script) -> None:
        month = last_month(DAY)
        at = datetime(2026, 3, 4, 21, 5, tzinfo=UTC)

        slot = late_slot(script, month, at)

        ((post,),) = (slot.posts,)
        (message,) = post.messages
        event = read_event(message.fields, slot.at)
        assert (month, slot.at, event.occurred_at.strftime("%Y-%m")) == ("2026-02", at, "2026-02")
        assert LATE_EVENT not in {told.fields["event_id"] for _, told in messages(script)}


class TestRates:
    def test_the_package_has_rates_of_all_currencies_but_one_on_its_newest_day(self) -> None:
        day = rates.newest_day()

        published = rates.published(day)

        assert list(published) == [day]
        assert set(published[day]) >= set(UNITS) - {"EUR", UNQUOTED}
        assert UNQUOTED not in published[day]
        assert set(published[day]) <= set(DECIMALS)

    def test_holes_are_left_out(self) -> None:
        assert all(
            unit not in ("", "N/A") for units in rates.published("2026-01-01").values() for unit in units.values()
        )


def test_agents_of_crawlers_can_stand_in_a_header() -> None:
    agents = crawler_agents()

    assert len(agents) > 1_000
    assert all(agent == agent.strip() and agent.isprintable() and agent.isascii() for agent in agents)
