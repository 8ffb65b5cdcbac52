"""The counter-examples and worked numbers of the engine's specification, for cpa, revshare and lot. The others are
in test_partner_months.py and test_counter_examples.py."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from introducer.domain.counts import without_zeros
from introducer.domain.errors import Invalid, RateMissing
from introducer.domain.money import FINE
from introducer.domain.receipts import journal
from introducer.domain.terms import check_successor, parse_terms
from introducer.store.clients import state_hash
from tests.support.builders import LINK, Books, World, a_click, a_client, an_event, at, cpa, lot, revshare, terms


def a_world(*rules: dict, **more) -> World:
    return World().partner("par_p", terms(*rules, **more))


def a_trade(when: str, commission: str, currency: str = "EUR", **fields):
    return an_event("trade", at(when), commission=commission, currency=currency, **fields)


NET = {"net_revenue": {"commission": "1"}}


def test_counter_example_01_half_units_are_rounded_once_on_the_target_and_not_on_each_posting():
    # given a share of 50 % and three trades of one cent: three halves of a cent
    books, registration = a_client(a_world(revshare("50"), **NET), at("2026-03-01"))
    trades = [a_trade(f"2026-03-0{day}", "0.01") for day in (3, 4, 5)]
    # when they are delivered one by one, and all together
    apart = Books(books.world).one_by_one(registration, *trades)
    together = Books(books.world).deliver(registration, *trades)
    # then both owe the half-even rounding of 1.5 cents
    assert apart.owed() == together.owed() == 2


@pytest.mark.parametrize(("negative", "february_is"), [("reset", 2400), ("carry", 900)])
def test_counter_example_04_a_late_loss_belongs_to_its_own_month(negative, february_is):
    # given Jan +100, Feb +80 and a January loss of 150 that arrives last
    books, registration = a_client(a_world(revshare("30", negative), **NET), at("2026-01-02"))
    january, february = a_trade("2026-01-10", "100.00"), a_trade("2026-02-10", "80.00")
    late = a_trade("2026-01-20", "-150.00")
    books.one_by_one(registration, january, february)
    assert books.by_month() == {"2026-01": 3000, "2026-02": 2400}
    # when it arrives
    books.deliver(late)
    # then January is what the whole month says, and February stands as the treatment of losses says
    assert books.by_month() == {"2026-01": 0, "2026-02": february_is}


def test_counter_example_05_the_minimum_within_24_hours_is_decided_by_the_facts_and_not_by_their_order():
    # given 50 at hour 0 and 200 at hour 100, with a minimum of 200 within 24 hours of the first
    deal = cpa(min_deposit="200.00", within_hours=24)
    start = at("2026-03-01")
    for order in itertools.permutations(range(3)):
        books, registration = a_client(a_world(deal), start)
        deposits = [
            an_event("deposit", start, amount="50.00", event_id="d1"),
            an_event("deposit", start + timedelta(hours=100), amount="200.00", event_id="d2"),
        ]
        events = [registration, *deposits]
        # when they come in any order
        books.one_by_one(*(events[index] for index in order))
        # then nothing is owed
        assert books.owed() == 0, order


@pytest.mark.parametrize(
    ("when", "cents"),
    [("2026-03-01 09:00", 2118), ("2026-03-02 09:00", 2118), ("2026-03-03 09:00", 2137)],
    ids=["sunday", "monday", "tuesday"],
)
def test_example_06_the_rate_is_the_last_one_published_before_the_day(when, cents):
    # 25 % of 100 USD: Sunday and Monday take Friday's rate, Tuesday takes Monday's.
    books, registration = a_client(a_world(revshare("25"), **NET), at("2026-02-28"))
    books.deliver(registration, a_trade(when, "100.00", "USD"))
    assert books.owed() == cents


def test_example_05_a_yen_share_of_dollars_on_a_sunday():
    # 30 % of 12.34 USD at 184.13 / 1.1805 is 577 JPY
    books, registration = a_client(a_world(revshare("30"), currency="JPY", **NET), at("2026-02-28"))
    books.deliver(registration, a_trade("2026-03-01 12:00", "12.34", "USD"))
    assert books.owed() == 577


def test_example_05_dinars_have_three_decimals():
    # 0.37 lots × 2.750 KWD: 1, 2, 3 trades → 1.018, 2.035, 3.052
    books, registration = a_client(a_world(lot("2.750"), currency="KWD"), at("2026-02-28"))
    books.deliver(registration)
    for expected in (1018, 2035, 3052):
        books.deliver(an_event("trade", at("2026-03-01"), lots="0.37", currency="EUR"))
        assert books.owed() == expected


def test_a_missing_rate_is_refused_and_nothing_is_guessed():
    books, registration = a_client(a_world(revshare(), **NET), at("2026-03-01"))
    with pytest.raises(RateMissing, match="no AED rate"):
        books.deliver(registration, a_trade("2026-03-01", "10.00", "AED"))


def test_counter_example_12_a_click_seen_first_does_not_win_over_the_last_click_before_registration():
    # given two partners' clicks, the later one arriving first
    world = World().partner("par_1", terms(cpa()), "AAAAAAA1").partner("par_2", terms(cpa()), "AAAAAAA2")
    early, late = a_click(at("2026-03-01"), "AAAAAAA1"), a_click(at("2026-03-02"), "AAAAAAA2")
    registration = an_event("registration", at("2026-03-03"), click_id=late)
    deposit = an_event("deposit", at("2026-03-04"), amount="100.00", click_id=early)
    for order in ((registration, deposit), (deposit, registration)):
        books = Books(world).one_by_one(*order)
        assert (books.owed("par_1"), books.owed("par_2")) == (0, 60_000)


def test_a_click_after_the_registration_or_older_than_the_window_attributes_nothing():
    world = World().partner("par_p", terms(cpa()))
    registered = at("2026-03-01")
    for click in (
        a_click(registered + timedelta(seconds=1)),
        a_click(registered - timedelta(days=30, seconds=1)),
        a_click(registered - timedelta(hours=1), flagged=True),
        a_click(registered - timedelta(hours=1))[:-1] + "A",
    ):
        books = Books(world).deliver(
            an_event("registration", registered, click_id=click),
            an_event("deposit", registered + timedelta(days=1), amount="100.00"),
        )
        assert books.state.timeline == ()
        assert books.owed() == 0
        assert books.state.events == 2


@pytest.mark.parametrize("apart", [timedelta(days=30), timedelta(0), timedelta(milliseconds=-999)])
def test_a_click_at_the_very_edge_of_the_window_attributes(apart):
    # The platform reports whole seconds: a click within the registration's own second came before it.
    registered = at("2026-03-01")
    click = a_click(registered - apart)
    books = Books(World().partner("par_p", terms(cpa()))).deliver(
        an_event("registration", registered, click_id=click), an_event("deposit", registered, amount="1.00")
    )
    assert books.owed("par_p") == 60_000


def test_counter_example_14_the_same_id_twice_in_one_batch_counts_once():
    books, registration = a_client(a_world(revshare("100"), **NET), at("2026-03-01"))
    trade = a_trade("2026-03-02", "5.00")
    books.deliver(registration, trade, trade)
    assert books.owed() == 500
    assert books.state.events == 2


def test_a_chargeback_takes_back_a_cpa_under_its_own_key():
    # given a cpa qualified on 10 January, hold 30 days
    deal = terms(cpa(min_deposit="150.00", within_hours=720), days=30)
    books, registration = a_client(World().partner("par_p", deal), at("2026-01-05"))
    books.deliver(registration, an_event("deposit", at("2026-01-10"), amount="200.00", event_id="d1"))
    [(key, amount)] = books.posted.items()
    assert (amount, key.earn_month, key.available_day) == (60_000, "2026-01", "2026-02-09")
    # when 150 of the 200 are charged back on 1 March
    books.deliver(an_event("chargeback", at("2026-03-01"), amount="150.00", ref="d1"))
    # then the same key, earned in January, is lowered to nothing
    assert books.posted == {key: 0}


def test_a_chargeback_without_a_reference_raises_the_required_minimum():
    deal = cpa(min_deposit="150.00", within_hours=720)
    books, registration = a_client(a_world(deal), at("2026-01-05"))
    books.deliver(registration, an_event("deposit", at("2026-01-10"), amount="200.00"))
    assert books.owed() == 60_000
    books.deliver(an_event("chargeback", at("2026-01-12"), amount="60.00"))
    assert books.owed() == 0
    books.deliver(an_event("deposit", at("2026-01-13"), amount="10.00"))
    assert books.owed() == 60_000


def test_example_11_nine_hundred_less_a_refund_of_180_is_720_in_all_720_orders_with_copies_and_one_state_hash():
    # given a share of everything paid in, less what is charged back, and three payments of 300
    world = a_world(revshare("100"), net_revenue={"deposits": "1", "chargebacks": "-1"})
    _, registration = a_client(world, at("2026-03-01"))
    events = [
        registration,
        an_event("kyc", at("2026-03-01 10:00")),
        *(an_event("deposit", at(f"2026-03-0{day}"), amount="300.00", event_id=f"d{day}") for day in (2, 3, 4)),
        an_event("chargeback", at("2026-03-05"), amount="180.00", ref="d3"),
    ]
    hashes = set()
    for number, order in enumerate(itertools.permutations(events)):
        # when they come once, twice or three times, a copy at once and another after all the others
        copies = number % 3
        books = Books(world)
        for event in order:
            books.deliver(*[event] * (1 + min(copies, 1)))
        books.one_by_one(*order[: 6 * (copies == 2)])
        # then
        assert books.owed() == 72_000
        hashes.add(state_hash([books.state]))
    assert len(hashes) == 1


def test_a_new_version_prices_what_happens_from_its_first_day_on():
    # 60,000 under 30 %, then 60,000 under 50 %: 48,000
    world = a_world(revshare("30"), **NET).version("par_p", terms(revshare("50"), **NET), "2026-03-15")
    books, registration = a_client(world, at("2026-03-01"))
    books.deliver(registration, a_trade("2026-03-14 23:59", "600.00"))
    books.deliver(a_trade("2026-03-15 00:00", "600.00"))
    assert books.owed() == 48_000


def test_a_version_that_comes_into_force_before_an_applied_event_reprices_it_with_the_next_one():
    # given an event of 20 March, applied while only version 1 was known
    world = a_world(revshare("30"), **NET)
    books, registration = a_client(world, at("2026-03-01"))
    books.deliver(registration, a_trade("2026-03-20", "100.00"))
    assert books.owed() == 3000
    # when version 2, in force from 15 March, is known by the time of the next event
    world.version("par_p", terms(revshare("50"), **NET), "2026-03-15")
    books.deliver(a_trade("2026-03-02", "100.00"))
    # then both are priced by the version of their own day, and the counters say so too
    assert books.owed() == 8000
    fresh = Books(world).deliver(*books.applied)
    nonzero = [{key: {n: v for n, v in c.items() if v} for key, c in each.counts.items()} for each in (books, fresh)]
    assert {k: v for k, v in nonzero[0].items() if v} == {k: v for k, v in nonzero[1].items() if v}


def test_example_13_a_carried_loss_is_exact_and_rounded_only_when_paid():
    # 25 % carry on −2, −2, +10 → 0, 0, 2 (the exact 1.5, half-even)
    books, registration = a_client(a_world(revshare("25", "carry"), **NET), at("2026-01-01"))
    books.deliver(
        registration,
        a_trade("2026-01-10", "-0.02"),
        a_trade("2026-02-10", "-0.02"),
        a_trade("2026-03-10", "0.10"),
    )
    assert books.owed() == 2


def test_a_cancelled_event_never_happened_whether_the_cancel_comes_first_or_last():
    world = a_world(revshare("100"), cpa(), **NET)
    _, registration = a_client(world, at("2026-03-01"))
    deposit = an_event("deposit", at("2026-03-02"), amount="100.00", event_id="d1")
    trade = a_trade("2026-03-03", "7.00", event_id="t1")
    cancels = [an_event("cancel", at("2026-03-04"), ref="d1"), an_event("cancel", at("2026-03-04"), ref="t1")]
    first = Books(world).one_by_one(*cancels, registration, deposit, trade)
    last = Books(world).one_by_one(registration, deposit, trade, *cancels)
    assert first.owed() == last.owed() == 0
    assert first.state.cells == last.state.cells == {}
    assert {k: {n: v for n, v in c.items() if v} for k, c in last.counts.items() if any(c.values())} == {
        k: {n: v for n, v in c.items() if v} for k, c in first.counts.items() if any(c.values())
    }


def test_a_registration_that_arrives_last_takes_its_place():
    # given a deposit and a trade before anybody knows whose client it is
    world = a_world(cpa("200.00"), revshare("10"), **NET)
    _, registration = a_client(world, at("2026-03-01"), country="DE")
    deposit = an_event("deposit", at("2026-03-02"), amount="100.00")
    trade = a_trade("2026-03-03", "50.00")
    books = Books(world).one_by_one(trade, deposit)
    assert books.owed() == 0
    # when the registration arrives with the click
    books.deliver(registration)
    # then everything is owed as if it had come first
    assert books.state == Books(world).one_by_one(registration, deposit, trade).state
    assert books.owed() == 20_000 + 500


def test_the_cpa_amount_goes_by_the_country_of_the_registration():
    amounts = [{"countries": ["DE", "AT"], "amount": "600.00"}, {"countries": [], "amount": "200.00"}]
    rule = {"type": "cpa", "id": "cpa", "amounts": amounts, "qualification": {}}
    for country, expected in (("DE", 60_000), ("TH", 20_000), (None, 20_000)):
        books, registration = a_client(a_world(rule), at("2026-03-01"), country=country)
        books.deliver(registration, an_event("deposit", at("2026-03-02"), amount="10.00"))
        assert books.owed() == expected


def test_lots_and_trades_qualify_at_the_end_of_their_day():
    rule = cpa(kyc=True, min_lots="1", min_trades=2, within_days=30)
    books, registration = a_client(a_world(rule), at("2026-03-01 08:00"))
    books.deliver(
        registration, an_event("deposit", at("2026-03-02"), amount="10.00"), an_event("kyc", at("2026-03-02"))
    )
    books.deliver(an_event("trade", at("2026-03-05 10:00"), lots="0.4", currency="EUR"))
    assert books.owed() == 0
    books.deliver(an_event("trade", at("2026-03-06 10:00"), lots="0.6", currency="EUR"))
    [key] = books.posted
    assert (key.earn_month, key.available_day) == ("2026-03", "2026-03-06")
    # and a trade after the window would not have counted
    late, registration = a_client(a_world(rule), at("2026-03-01 08:00"))
    late.deliver(registration, an_event("deposit", at("2026-03-02"), amount="10.00"), an_event("kyc", at("2026-03-02")))
    late.deliver(an_event("trade", at("2026-04-02"), lots="5", currency="EUR"))
    late.deliver(an_event("trade", at("2026-04-02"), lots="5", currency="EUR"))
    assert late.owed() == 0


def test_a_lot_rebate_asks_for_symbol_account_and_holding_time():
    rule = {
        "type": "lot",
        "id": "lot",
        "groups": [{"symbols": ["EURUSD"], "amount": "5.00"}, {"symbols": [], "amount": "2.00"}],
        "min_holding_seconds": 180,
        "account_types": ["standard"],
    }
    books, registration = a_client(a_world(rule), at("2026-03-01"))
    books.deliver(registration)

    def a_lot(symbol: str, account: str, seconds: int):
        closed = at("2026-03-02 12:00")
        opened = closed - timedelta(seconds=seconds)
        fields = {"symbol": symbol, "account_type": account, "opened_at": opened, "closed_at": closed}
        return an_event("trade", closed, lots="1", currency="EUR", **fields)

    for event, expected in (
        (a_lot("EURUSD", "standard", 180), 500),
        (a_lot("XAUUSD", "standard", 180), 700),
        (a_lot("EURUSD", "standard", 179), 700),
        (a_lot("EURUSD", "cent", 180), 700),
    ):
        books.deliver(event)
        assert books.owed() == expected


def test_a_hold_by_event_day_keeps_the_days_apart():
    deal = terms(lot("5.00"), days=3) | {"hold": {"days": 3, "from": "event_day"}}
    books, registration = a_client(World().partner("par_p", deal), at("2026-03-01"))
    books.deliver(registration, *(an_event("trade", at(f"2026-03-0{d}"), lots="1", currency="EUR") for d in (2, 5)))
    assert {key.available_day: amount for key, amount in books.posted.items()} == {"2026-03-05": 500, "2026-03-08": 500}


def test_a_month_ends_at_midnight_utc_also_in_a_leap_year():
    books, registration = a_client(a_world(revshare("100"), days=10, **NET), at("2028-02-01"))
    books.world.rates = {}
    books.deliver(registration, a_trade("2028-02-29 23:59", "1.00"), a_trade("2028-03-01 00:00", "2.00"))
    assert {k.earn_month: (k.available_day, a) for k, a in books.posted.items()} == {
        "2028-02": ("2028-03-10", 100),
        "2028-03": ("2028-04-10", 200),
    }


def test_what_is_counted_is_what_happened_by_day_and_link():
    deal = terms(cpa("200.00", kyc=True), revshare("10"), **NET)
    books, registration = a_client(World().partner("par_p", deal), at("2026-03-01"), country="DE")
    books.deliver(
        registration,
        an_event("kyc", at("2026-03-02")),
        an_event("deposit", at("2026-03-02 12:00"), amount="100.00"),
        an_event("withdrawal", at("2026-03-03"), amount="30.00"),
        a_trade("2026-03-03", "50.00"),
    )
    assert {key.day: counts for key, counts in books.counts.items()} == {
        "2026-03-01": {"registrations": 1},
        "2026-03-02": {
            "kyc": 1,
            "ftd": 1,
            "qftd": 1,
            "deposits.EUR": 10_000 * FINE,
            "earnings.EUR": 20_000 * FINE,
        },
        "2026-03-03": {
            "withdrawals.EUR": 3_000 * FINE,
            "net_revenue.EUR": 5_000 * FINE,
            "earnings.EUR": 500 * FINE,
        },
    }


def test_a_rule_id_means_one_kind_of_rule_in_all_versions():
    before = parse_terms(terms(revshare() | {"id": "main"}))
    with pytest.raises(Invalid, match="'main' was a revshare in version 1: give the lot another id"):
        check_successor(parse_terms(terms(lot("2.00") | {"id": "main"})), [(1, before)])
    check_successor(parse_terms(terms(lot("2.00"), revshare("20") | {"id": "main"})), [(1, before)])


@pytest.mark.parametrize(("negative", "april"), [("reset", 25_000), ("carry", 0), ("capped", 5_000)])
def test_example_04_a_carried_loss_may_be_capped_at_so_many_average_months(negative, april):
    # raw 30,000, 9,999.9, −90,000, 25,000 cents at 100 %: one average month is 19,999.95
    rule = revshare("100", negative) | ({"cap": "1"} if negative == "capped" else {})
    books, registration = a_client(a_world(rule, **NET), at("2026-01-02"))
    books.world.rates = {"2026-01-01": {"KWD": "1"}}
    books.one_by_one(
        registration,
        a_trade("2026-01-10", "300.00"),
        a_trade("2026-02-10", "100.00"),
        a_trade("2026-02-11", "-0.001", "KWD"),
        a_trade("2026-03-10", "-900.00"),
        a_trade("2026-04-10", "250.00"),
    )
    assert books.by_month().get("2026-04", 0) == april
    assert {month: books.by_month()[month] for month in ("2026-01", "2026-02")} == {
        "2026-01": 30_000,
        "2026-02": 10_000,
    }
    assert books.by_month().get("2026-03", 0) == 0


def test_the_average_month_counts_months_without_anything_and_at_most_twelve():
    # given 240.00 in January 2025, nothing for twelve months, 120.00 in February 2026 and a loss in March
    rule = revshare("100", "capped") | {"cap": "1.5"}
    books, registration = a_client(a_world(rule, **NET), at("2025-01-02"))
    trades = [a_trade(f"{month}-10", amount) for month, amount in (("2025-01", "240.00"), ("2026-02", "120.00"))]
    books.deliver(registration, *trades, a_trade("2026-03-10", "-500.00"), a_trade("2026-04-10", "100.00"))
    # then the average of the twelve months before March is 10.00, and 15.00 are carried
    assert books.by_month()["2026-04"] == 8_500


def test_a_loss_in_the_first_month_is_not_carried_under_a_cap():
    rule = revshare("100", "capped") | {"cap": "3"}
    books, registration = a_client(a_world(rule, **NET), at("2026-01-02"))
    books.deliver(registration, a_trade("2026-01-10", "-500.00"), a_trade("2026-02-10", "100.00"))
    assert books.by_month()["2026-02"] == 10_000


def test_a_cpl_is_paid_for_a_registration_that_passes_its_gate_and_asks_for_no_deposit():
    rule = {"type": "cpl", "id": "cpl", "amounts": [{"countries": ["DE"], "amount": "12.00"}]}
    gated = rule | {"qualification": {"kyc": True, "within_days": 7}}
    for terms_of_rule, kyc_day, expected in ((rule, None, 1200), (gated, "2026-03-07", 1200), (gated, "2026-03-09", 0)):
        books, registration = a_client(a_world(terms_of_rule), at("2026-03-01"), country="DE")
        books.deliver(registration)
        if kyc_day:
            assert books.owed() == 0
            books.deliver(an_event("kyc", at(kyc_day)))
        assert books.owed() == expected
        assert not any("qftd" in counts for counts in books.counts.values())
    # and an event without a registration is no lead
    books = Books(a_world(rule)).deliver(an_event("kyc", at("2026-03-02"), click_id=a_click(at("2026-03-01"))))
    assert books.owed() == 0


def test_a_cpl_and_a_cpa_of_one_deal_are_paid_side_by_side():
    lead = {"type": "cpl", "id": "cpl", "amounts": [{"countries": [], "amount": "5.00"}]}
    books, registration = a_client(a_world(lead, cpa("200.00")), at("2026-03-01"))
    books.deliver(registration)
    assert books.owed() == 500
    books.deliver(an_event("deposit", at("2026-03-02"), amount="10.00"))
    assert books.owed() == 20_500
    books.deliver(an_event("cancel", at("2026-03-03"), ref=registration.event_id))
    assert books.owed() == 0


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (revshare("30", "capped"), "needs a cap exactly when"),
        (revshare("30", "carry") | {"cap": "1"}, "needs a cap exactly when"),
        (revshare("30", "capped") | {"cap": "-1"}, "cap of -1 average months"),
        (revshare("0"), "pays 0%"),
        (revshare("101"), "pays 101%"),
        ({"type": "cpl", "id": "cpl", "amounts": []}, "pays nothing"),
        (cpa("-1.00"), "negative amount"),
        (cpa("1.001"), "more decimals than EUR"),
        (cpa("1.00", min_lots="1"), "counts trading without an end"),
        (cpa("1.00", min_lots="-1", within_days=30), "min_lots -1: say more than 0"),
        (cpa("1.00", min_lots="0", within_days=30), "min_lots 0: say more than 0"),
        (cpa("1.00", min_deposit="10.00"), "min_deposit and within_hours together"),
        (cpa("1.00", countries=["Germany"]), "'Germany': use two capital letters"),
        ({"type": "teleport", "id": "x"}, "the type 'teleport'"),
        ({"type": ["cpa"], "id": "x"}, r"the type \['cpa'\]"),
    ],
)
def test_wrong_terms_are_refused_with_the_sentence_that_is_wrong(rule, sentence):
    with pytest.raises(Invalid, match=sentence):
        parse_terms(terms(rule))


def test_a_deposit_taken_back_in_full_is_worth_nothing_whatever_the_rate_did():
    for back, owed in (("200.00", 0), ("199.99", 60_000)):
        books, registration = a_client(a_world(cpa()), at("2026-02-28"))
        deposit = an_event("deposit", at("2026-03-03"), amount="200.00", currency="USD", event_id="d1")
        taken = an_event("chargeback", at("2026-02-28"), amount=back, currency="USD", ref="d1")
        books.deliver(registration, deposit, taken)
        assert books.owed() == owed


def test_the_window_of_one_cpa_does_not_decide_another():
    short = cpa("600.00", min_net_revenue="100.00", within_days=30)
    long = cpa("50.00", min_lots="100", within_days=90) | {"id": "other"}
    for rules in ([short], [short, long]):
        books, registration = a_client(a_world(*rules, **NET), at("2026-01-01"))
        books.deliver(
            registration,
            an_event("deposit", at("2026-01-02"), amount="10.00"),
            a_trade("2026-01-10", "150.00"),
            a_trade("2026-03-01", "-100.00"),
        )
        assert books.owed() == 60_000


def test_a_click_on_another_brands_link_attributes_nothing():
    world = a_world(cpa())
    world.links[LINK] = replace(world.links[LINK], brand="brd_other")
    books, registration = a_client(world, at("2026-03-01"))
    books.deliver(registration, an_event("deposit", at("2026-03-02"), amount="10.00"))
    assert (books.state.timeline, books.owed()) == ((), 0)


def test_a_key_that_is_no_longer_held_does_not_undo_what_was_attributed(monkeypatch):
    books, registration = a_client(a_world(cpa()), at("2026-03-01"))
    books.deliver(registration, an_event("deposit", at("2026-03-02"), amount="10.00"))
    # when the key is gone, and a cancel refolds the client
    monkeypatch.setattr("tests.support.builders.CLICK_KEY", b"another key")
    books.deliver(an_event("cancel", at("2026-03-03"), ref="something"))
    assert books.owed() == 60_000


def test_the_receipt_of_a_cpa_shows_the_rate_of_a_deposit_that_came_earlier():
    books, registration = a_client(a_world(cpa(kyc=True)), at("2026-02-28"))
    books.deliver(registration, an_event("deposit", at("2026-03-01"), amount="200.00", currency="USD"))
    books.deliver(an_event("kyc", at("2026-03-02")))
    transition = books.transitions[-1]
    [posting] = transition.postings
    receipt = journal(posting, transition, books.world.contracts(books.applied), None, 1, 1).receipt
    assert [(rate.source, rate.target, rate.day) for rate in receipt.rates] == [("USD", "EUR", "2026-02-27")]


def test_what_happens_while_a_partner_is_blocked_is_kept_and_earns_nothing():
    # given a partner blocked from 10 to 20 March
    world = a_world(cpa("200.00"), revshare("10"), **NET)
    world.decides("par_p", "2026-03-10", blocked=True).decides("par_p", "2026-03-20", blocked=False)
    books, registration = a_client(world, at("2026-03-01"))
    books.deliver(registration, *(a_trade(f"2026-03-{day}", "100.00") for day in ("05", "15", "25")))
    assert (books.owed(), books.state.trades) == (2_000, 3)
    # and a client who makes the first deposit meanwhile earns no cpa, later neither
    books.deliver(an_event("deposit", at("2026-03-12"), amount="10.00"))
    assert books.owed() == 2_000


def test_a_block_that_is_decided_later_takes_back_what_was_earned_since():
    world = a_world(revshare("10"), **NET)
    books, registration = a_client(world, at("2026-03-01"))
    books.deliver(registration, a_trade("2026-03-05", "100.00"), a_trade("2026-03-15", "100.00"))
    assert books.owed() == 2_000
    # when it is decided that the partner was blocked from 10 March on, and something happens
    world.decides("par_p", "2026-03-10", blocked=True)
    books.deliver(an_event("kyc", at("2026-03-16")))
    # then state, sums and counters are those of a fold that knew it from the beginning
    fresh = Books(world).deliver(*books.applied)
    assert books.owed() == fresh.owed() == 1_000
    assert books.state == fresh.state
    assert without_zeros(books.counts) == without_zeros(fresh.counts)


@pytest.mark.parametrize(("minimum", "sentence"), [("-5.00", "negative ftd_minimum"), (50, "needs ftd_minimum")])
def test_a_first_deposit_has_a_minimum_that_can_be(minimum, sentence):
    with pytest.raises(Invalid, match=sentence):
        parse_terms(terms(cpa(), ftd_minimum=minimum))
