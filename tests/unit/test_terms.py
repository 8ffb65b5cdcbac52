"""What is refused as terms of a deal: each with a sentence that names the rule and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from introducer.domain.deal import Deal, RateOf
from introducer.domain.errors import Invalid
from introducer.domain.terms import begins_with_a_month, check_successor, parse_terms
from introducer.services.propose_deal import text_of
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.deals import FULL, PARTNER

DAYS = {"from": "2026-11-01", "until": "2026-11-30"}
GOAL: dict[str, Any] = {"type": "bonus", "id": "goal", "by": "ftd", "goal": "5", "amount": "100.00"}
BELOW: dict[str, Any] = {"type": "override", "id": "net", "levels": [{"level": 1, "percent": "10", "of": ["cpa"]}]}
POOL = revshare("25") | {"pooled": True}


def tiers(by: str, mode: str, *bands: dict[str, str]) -> dict[str, Any]:
    return {"tiers": {"by": by, "mode": mode, "bands": list(bands)}}


def capped(*caps: Any) -> dict[str, Any]:
    return cpa() | {"caps": list(caps)}


def below(**level: Any) -> dict[str, Any]:
    return BELOW | {"levels": [{"level": 1} | level]}


def refusal(deal: Any) -> str:
    with pytest.raises(Invalid) as refused:
        parse_terms(deal)
    return refused.value.detail


TEN = {"from": "10", "percent": "30"}
MORE = {"from": "10", "add": "1.00"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    # Fields, kinds and names that do not exist.
    "an unknown field of a rule": (
        revshare() | {"percentage": "30"},
        "Rule 'rev' has the unknown field 'percentage': use cap, fence, id, negative, own, percent, pooled,"
        " promotion, tiers, type.",
    ),
    "an unknown field of a band": (
        POOL | tiers("lots", "retroactive", TEN | {"to": "20"}),
        "A band of rule 'rev' has the unknown field 'to': use from, percent.",
    ),
    "an unknown kind of rule": (
        {"type": "hybrid", "id": "h"},
        "A rule has the type 'hybrid': this release knows cpa, cpl, revshare, lot, bonus, override.",
    ),
    "an id that is none": (
        {"type": "lot", "id": "Lot 1"},
        "A lot rule has the id 'Lot 1': use small letters, digits and _.",
    ),
    "a country that is none": (
        cpa() | {"amounts": [{"countries": ["Germany"], "amount": "1.00"}]},
        "Rule 'cpa' names the country 'Germany': use two capital letters (ISO 3166).",
    ),
    "a symbol group that the deal does not have": (
        lot("0") | {"groups": [{"group": "metals", "amount": "9.00"}]},
        "Rule 'lot' names the symbol group 'metals', which the deal does not have (it has none).",
    ),
    "symbols by list and by name": (
        lot("0") | {"groups": [{"group": "metals", "symbols": ["XAUUSD"], "amount": "9.00"}]},
        "Rule 'lot' has a group with symbols and a name: give one of them.",
    ),
    "a symbol in two groups": (
        lot("0") | {"groups": [{"symbols": ["A", "B"], "amount": "9.00"}, {"symbols": ["B"], "amount": "8.00"}]},
        "Rule 'lot' has the symbol B in two groups: keep one.",
    ),
    "two amounts for all others": (
        cpa() | {"amounts": [{"amount": "9.00"}, {"amount": "8.00"}]},
        "Rule 'cpa' has two amounts for all others: keep one.",
    ),
    "no amounts at all": (
        cpa() | {"amounts": []},
        "Rule 'cpa' pays nothing: give at least one country group.",
    ),
    # Figures.
    "more than a hundred per cent": (revshare("100.01"), "Rule 'rev' pays 100.01%: say more than 0 and at most 100."),
    "nothing per cent": (revshare("0"), "Rule 'rev' pays 0%: say more than 0 and at most 100."),
    "a percentage finer than can be kept": (
        revshare("0.00001"),
        "Rule 'rev' has percent 0.00001: that is finer than can be kept.",
    ),
    "a percentage as a number": (revshare() | {"percent": 30}, "Rule 'rev' needs percent: a decimal string."),
    "a negative amount": (cpa("-5.00"), "Rule 'cpa' has the negative amount -5.00."),
    "a tier of more than a hundred per cent": (
        cpa() | tiers("qftd", "retroactive", {"from": "2", "add_percent": "101"}),
        "A band of rule 'cpa' pays 101%: say more than 0 and at most 100.",
    ),
    "a promotion of more than a hundred per cent": (
        revshare() | {"promotion": DAYS | {"percent": "120"}},
        "The promotion of rule 'rev' pays 120%: say more than 0 and at most 100.",
    ),
    "an own price of more than a hundred per cent": (
        revshare() | {"own": {"percent": "120"}},
        "The own price of rule 'rev' pays 120%: say more than 0 and at most 100.",
    ),
    "an override of more than a hundred per cent": (
        below(percent="200", of=["cpa"]),
        "A level of rule 'net' pays 200%: say more than 0 and at most 100.",
    ),
    # Qualification.
    "trading counted without an end": (
        cpa(min_lots="1"),
        "The qualification of rule 'cpa' counts trading without an end: say within how many days of registration.",
    ),
    "a least deposit without its hours": (
        cpa(min_deposit="10.00"),
        "The qualification of rule 'cpa' needs min_deposit and within_hours together.",
    ),
    # Caps.
    "a negative cap": (
        capped({"per": "day", "clients": -1}),
        "A cap of rule 'cpa' has clients -1: say 1 to 1000000.",
    ),
    "a cap of no clients": (
        capped({"per": "day", "clients": 0}),
        "A cap of rule 'cpa' has clients 0: say 1 to 1000000.",
    ),
    "a negative cap on the amount": (
        capped({"per": "month", "amount": "-1.00"}),
        "A cap of rule 'cpa' has the negative amount -1.00.",
    ),
    "a cap on the amount that leaves nothing": (
        capped({"per": "month", "amount": "0.00"}),
        "A cap of rule 'cpa' leaves nothing: say more than 0.",
    ),
    "an amount cut per day": (
        capped({"per": "day", "amount": "10.00"}),
        "A cap of rule 'cpa' cuts an amount per day: amounts are cut per month.",
    ),
    "a cap on both": (
        capped({"per": "month", "clients": 5, "amount": "10.00"}),
        "A cap of rule 'cpa' needs either clients or an amount.",
    ),
    "two caps on the same clients": (
        capped({"per": "day", "clients": 5}, {"per": "day", "clients": 6}),
        "Rule 'cpa' has two caps on clients per day: keep one.",
    ),
    "two caps on the amount": (
        capped({"per": "month", "amount": "5.00"}, {"per": "month", "amount": "6.00"}),
        "Rule 'cpa' has two caps on the month's amount: keep one.",
    ),
    "a cap per week": (
        capped({"per": "week", "clients": 5}),
        "A cap of rule 'cpa' has per 'week': say day, month or total.",
    ),
    # Tiers.
    "bands that overlap": (
        POOL | tiers("lots", "retroactive", TEN, TEN),
        "The tiers of rule 'rev' overlap: the band from 10 must begin above the one before it.",
    ),
    "bands that fall": (
        POOL | tiers("lots", "retroactive", TEN, {"from": "5", "percent": "35"}),
        "The tiers of rule 'rev' overlap: the band from 5 must begin above the one before it.",
    ),
    "a band that starts at nothing": (
        POOL | tiers("lots", "retroactive", {"from": "0", "percent": "30"}),
        "A band of rule 'rev' has from 0: say more than 0.",
    ),
    "a band that gives nothing": (
        cpa() | tiers("qftd", "retroactive", {"from": "10"}),
        "The tiers of rule 'cpa' have a band from 10 that needs add or add_percent.",
    ),
    "a band that gives two things": (
        cpa() | tiers("qftd", "retroactive", MORE | {"add_percent": "5"}),
        "The tiers of rule 'cpa' have a band from 10 that needs add or add_percent.",
    ),
    "a band that adds nothing": (
        cpa() | tiers("qftd", "retroactive", {"from": "10", "add": "0.00"}),
        "The tiers of rule 'cpa' have a band from 10 that adds nothing: say more than 0.",
    ),
    "tiers without bands": (
        cpa() | tiers("qftd", "retroactive"),
        "The tiers of rule 'cpa' have no bands: give at least one.",
    ),
    "tiers by first deposits": (
        cpa() | tiers("ftd", "retroactive", MORE),
        "The tiers of rule 'cpa' go by ftd: say qftd, lots, net_revenue.",
    ),
    "tiers of a registration": (
        cpa() | {"type": "cpl"} | tiers("qftd", "retroactive", MORE),
        "Rule 'cpa' has the unknown field 'tiers': use amounts, caps, id, own, promotion, qualification, type.",
    ),
    "tiers without a pool": (
        revshare() | tiers("lots", "retroactive", TEN),
        "Rule 'rev' has tiers, but its clients are not pooled: say pooled.",
    ),
    "a client's price that goes by lots one by one": (
        cpa() | tiers("lots", "marginal", MORE),
        "Rule 'cpa' pays per client, so its tiers can be marginal by qftd alone: say retroactive.",
    ),
    "a share that goes by clients one by one": (
        POOL | tiers("lots", "marginal", TEN),
        "Rule 'rev' shares net revenue, so its tiers can be marginal by net_revenue alone: say retroactive.",
    ),
    "a lot's price that goes by revenue bit by bit": (
        lot("1.00") | tiers("net_revenue", "marginal", MORE),
        "Rule 'lot' pays per lot, so its tiers can be marginal by lots alone: say retroactive.",
    ),
    "a percentage on top, lot by lot": (
        lot("1.00") | tiers("lots", "marginal", {"from": "10", "add_percent": "5"}),
        "Rule 'lot' has a marginal band with add_percent, but lots have different prices: say add.",
    ),
    # Pools and fences.
    "a fence without a pool": (
        revshare() | {"fence": "100.00"},
        "Rule 'rev' has a fence without a pool: each client stands alone already.",
    ),
    "a fence where each part has its own price": (
        POOL | {"fence": "100.00"} | tiers("net_revenue", "marginal", TEN),
        "Rule 'rev' has a fence, which has no marginal price for a single client: say retroactive.",
    ),
    "a negative fence": (POOL | {"fence": "-1.00"}, "Rule 'rev' has the negative fence -1.00."),
    "a pool that is neither true nor false": (
        revshare() | {"pooled": "yes"},
        "Rule 'rev' has a pooled that is neither true nor false.",
    ),
    "capped without a cap": (
        revshare("25", "capped"),
        "Rule 'rev' needs a cap exactly when negative months are capped.",
    ),
    "a cap without capped": (
        revshare("25", "carry") | {"cap": "1"},
        "Rule 'rev' needs a cap exactly when negative months are capped.",
    ),
    # Goals.
    "a goal of nothing": (GOAL | {"goal": "0"}, "Rule 'goal' has goal 0: say more than 0."),
    "a negative goal": (GOAL | {"goal": "-5"}, "Rule 'goal' has goal -5: say more than 0."),
    "a goal that pays nothing": (GOAL | {"amount": "0.00"}, "Rule 'goal' pays nothing: say more than 0."),
    "a goal of half a client": (GOAL | {"goal": "1.5"}, "Rule 'goal' has goal 1.5: that is finer than can be kept."),
    "a window that counts lots": (
        GOAL | {"by": "lots", "window": DAYS},
        "Rule 'goal' has a window of its own, which counts ftd or qftd alone: count those, or take it out.",
    ),
    "a window that ends before it begins": (
        GOAL | {"window": {"from": "2026-11-30", "until": "2026-11-01"}},
        "The window of rule 'goal' ends on 2026-11-01, before it begins on 2026-11-30.",
    ),
    "qualified clients where nobody qualifies": (
        GOAL | {"by": "qftd"},
        "Rule 'goal' counts qualified clients, but no cpa of the deal says who qualifies: count ftd.",
    ),
    "tiers by qualified clients where nobody qualifies": (
        POOL | tiers("qftd", "retroactive", TEN),
        "Rule 'rev' counts qualified clients, but no cpa of the deal says who qualifies: count ftd.",
    ),
    # Whose price.
    "a promotion without an end": (
        revshare() | {"promotion": {"from": "2026-11-01", "percent": "40"}},
        "The promotion of rule 'rev' needs until: a day such as 2026-11-30.",
    ),
    "a promotion on a day that is none": (
        revshare() | {"promotion": {"from": "2026-11-01", "until": "2026-11-31", "percent": "40"}},
        "The promotion of rule 'rev' has until '2026-11-31': say a day such as 2026-11-30.",
    ),
    "a promotion of years": (
        revshare() | {"promotion": {"from": "2026-11-01", "until": "2027-11-02", "percent": "40"}},
        "The promotion of rule 'rev' lasts longer than 366 days: say an earlier end.",
    ),
    "a promotion without a price": (
        lot("1.00", promotion=DAYS),
        "The promotion of rule 'lot' needs groups: a list.",
    ),
    "an own price of another kind": (
        revshare() | {"own": {"amounts": []}},
        "The own price of rule 'rev' has the unknown field 'amounts': use percent.",
    ),
    # Overrides.
    "a level twice": (
        BELOW | {"levels": [*BELOW["levels"], {"level": 1, "percent": "5", "of": "net_revenue"}]},
        "Rule 'net' has two entries for level 1: keep one.",
    ),
    "a level too deep": (
        BELOW | {"levels": [{"level": 6, "percent": "5", "of": "net_revenue"}]},
        "A level of rule 'net' has level 6: say 1 to 5.",
    ),
    "a level of nothing known": (
        below(percent="5", of=["clicks"]),
        "A level of rule 'net' is of ['clicks']: give a list of cpa, cpl, revshare, lot, bonus, override, or"
        " net_revenue alone, or qftd alone.",
    ),
    "a level of revenue among earnings": (
        below(percent="5", of=["net_revenue", "cpa"]),
        "A level of rule 'net' is of ['net_revenue', 'cpa']: give a list of cpa, cpl, revshare, lot, bonus, override,"
        " or net_revenue alone, or qftd alone.",
    ),
    "a percentage of heads": (
        below(percent="5", of="qftd"),
        "A level of rule 'net' counts qualified clients: give an amount for each, not a percentage.",
    ),
    "an amount of revenue": (
        below(amount="5.00", percent="5", of="net_revenue"),
        "A level of rule 'net' is of earnings or revenue: give a percentage, not an amount.",
    ),
    "no level": (BELOW | {"levels": []}, "Rule 'net' pays nothing: give at least one level."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_rule_that_cannot_be_is_refused_by_its_name(what: str) -> None:
    rule, sentence = REFUSED[what]
    assert refusal(terms(rule)) == sentence


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_stands_beside_something_that_can_be(what: str) -> None:
    """A refusal is of the one thing that is wrong: among other rules it is the same."""
    rule, sentence = REFUSED[what]
    if "no cpa" not in sentence:
        other = cpa() | {"id": "other"}
        assert refusal(terms(rule, other)) == sentence
        parse_terms(terms(other))


REFUSED_DEALS: list[tuple[dict[str, Any], str]] = [
    ({"rules": [revshare()]}, "The deal needs currency: a text."),
    (terms(revshare(), currency="EURO"),
     "'EURO' is not an ISO 4217 currency code: send three capital letters such as EUR."),
    (terms(), "The deal has no rules: give at least one."),
    (terms(revshare(), name="Gold"), "The deal has the unknown field 'name': use currency, ftd_minimum, hold,"
                                     " net_revenue, payout_rate, rules, symbol_groups."),
    *((terms(revshare(), payout_rate=wrong),
       f"The deal has payout_rate {wrong!r}: say pay_date or earn_date.") for wrong in ("payday", "", 1, None, ["x"])),
    (terms(revshare(), days=366), "The hold has days 366: say 0 to 365."),
    (terms(revshare()) | {"hold": {"days": 1, "from": "payday"}},
     "The hold has from 'payday': say qualification, month_end or event_day."),
    (terms(cpa(), revshare()) | {"hold": {"days": 1, "from": "qualification"}},
     "The hold counts from qualification, but rule 'rev' has none: count from month_end."),
    (terms(cpa(), BELOW) | {"hold": {"days": 1, "from": "qualification"}},
     "The hold counts from qualification, but rule 'net' has none: count from month_end."),
    *((terms(lot("1.00"), rule) | {"hold": {"days": 1, "from": "event_day"}},
       f"The hold counts from the event's day, but rule {rule['id']!r} is known only at the month's end:"
       " count from month_end.") for rule in (revshare(), GOAL, BELOW)),
    (terms(revshare(), net_revenue={"spred": "1"}),
     "net_revenue uses 'spred', which no event has: use spread, commission, swap, pnl, deposits, withdrawals, credits,"
     " chargebacks."),
    (terms(revshare(), net_revenue={}), "net_revenue must name at least one field and its coefficient."),
    (terms(revshare(), net_revenue={"spread": 1}), "net_revenue needs spread: a decimal string."),
    (terms(revshare(), ftd_minimum="10.001"),
     "10.001 has more decimals than EUR has (2): send the exact amount."),
    (terms(revshare(), symbol_groups={"metals": []}), "symbol_groups has no symbols for 'metals': name at least one."),
    (terms(revshare(), symbol_groups={"Metals!": ["XAUUSD"]}),
     "symbol_groups has the name 'Metals!': use small letters, digits and _."),
    (terms(revshare(), lot("1.00", id="rev")), "Two rules have the id 'rev': give each its own."),
    (terms(GOAL, GOAL | {"id": "again"}), "Rules 'goal' and 'again' pay for the same goal: keep one."),
    (terms(GOAL | {"window": DAYS}, GOAL | {"id": "again", "window": {"from": "2026-11-30", "until": "2026-12-05"}}),
     "Rules 'goal' and 'again' pay for the same goal: keep one."),
    (terms("revshare"), "A rule must be an object with a type and an id."),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("deal", "sentence"), REFUSED_DEALS)
def test_a_deal_that_cannot_be_is_refused_in_words(deal: dict[str, Any], sentence: str) -> None:
    assert refusal(deal) == sentence


def test_goals_that_differ_stand_beside_each_other() -> None:
    other_days = GOAL | {"id": "days", "window": {"from": "2026-12-01", "until": "2026-12-31"}}
    deal = parse_terms(
        terms(GOAL, GOAL | {"id": "more", "goal": "6"}, GOAL | {"id": "nov", "window": DAYS}, other_days)
    )

    assert [rule.id for rule in deal.rules] == ["goal", "more", "nov", "days"]


@pytest.mark.parametrize("deal", [FULL, PARTNER])
def test_what_can_be_is_read(deal: dict[str, Any]) -> None:
    assert [rule.id for rule in parse_terms(deal).rules] == [rule["id"] for rule in deal["rules"]]


def test_what_is_paid_out_is_converted_at_the_rate_of_the_payout_s_day_unless_the_terms_say_otherwise() -> None:
    assert parse_terms(terms(revshare())).payout_rate is RateOf.PAY_DATE
    assert parse_terms(terms(revshare(), payout_rate="pay_date")) == parse_terms(terms(revshare()))
    assert parse_terms(terms(revshare(), payout_rate="earn_date")).payout_rate is RateOf.EARN_DATE


def test_terms_that_say_what_holds_anyway_are_kept_as_those_that_do_not() -> None:
    """So the hashes of terms that were accepted before there was such a field stay what they are."""
    plain = text_of(terms(revshare()))
    assert "payout_rate" not in plain
    assert text_of(terms(revshare(), payout_rate="pay_date")) == plain
    assert text_of(terms(revshare(), payout_rate="earn_date")) != plain


def test_a_rule_keeps_its_type_under_its_id() -> None:
    before = parse_terms(terms(revshare()))
    with pytest.raises(Invalid, match=r"Rule 'rev' was a revshare in version 3: give the lot another id\."):
        check_successor(parse_terms(terms(lot("1.00", id="rev"))), [(3, before)])
    check_successor(parse_terms(terms(revshare("10"))), [(3, before)])


# ------------------------------------------------------------------------------------------- when terms may begin

PLAIN = terms(cpa(), revshare(), lot("1.00"))
LOOKS_AT_MONTHS = [
    terms(cpa() | {"caps": [{"per": "day", "clients": 5}]}),
    terms(cpa() | {"caps": [{"per": "month", "amount": "5.00"}]}),
    terms(cpa() | tiers("qftd", "retroactive", MORE)),
    terms(POOL),
    terms(lot("1.00") | tiers("lots", "retroactive", MORE)),
    terms(GOAL),
    terms(BELOW),
]


@pytest.mark.parametrize("deal", LOOKS_AT_MONTHS, ids=lambda deal: deal["rules"][0]["type"])
def test_what_looks_at_whole_months_begins_with_one(deal: dict[str, Any]) -> None:
    parsed = parse_terms(deal)
    assert begins_with_a_month(parsed, parse_terms(PLAIN))
    assert not begins_with_a_month(parsed, parsed), "the version before looked at the same"
    assert not begins_with_a_month(parsed, None), "the first terms"
    assert not begins_with_a_month(parse_terms(PLAIN), parsed)


def test_a_goal_with_days_of_its_own_may_begin_on_any_day() -> None:
    assert not begins_with_a_month(parse_terms(terms(GOAL | {"window": DAYS})), parse_terms(PLAIN))


def test_looking_at_something_else_begins_with_a_month_anew() -> None:
    first, lots = parse_terms(terms(GOAL)), parse_terms(terms(GOAL | {"by": "lots"}))
    assert begins_with_a_month(lots, first)


# --------------------------------------------------------------------------------------- whatever anybody may send

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
PARTS = JSON | st.sampled_from([cpa(), revshare(), lot("1.00"), POOL, GOAL, BELOW, *FULL["rules"], *PARTNER["rules"]])
NAMES = ["type", "id", "amounts", "percent", "tiers", "caps", "own", "promotion", "groups", "levels", "goal", "window"]


@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries(
            {"currency": st.just("EUR") | JSON, "hold": st.just({"days": 1}) | JSON, "rules": st.lists(PARTS) | JSON},
            optional={"ftd_minimum": JSON, "net_revenue": JSON, "symbol_groups": JSON},
        ),
        st.builds(
            lambda rule, name, value: terms({**rule, name: value}),
            st.sampled_from([*FULL["rules"], *PARTNER["rules"]]),
            st.sampled_from(NAMES),
            JSON,
        ),
    )
)
@example({"currency": "EUR", "hold": {"days": True}, "rules": [revshare()]})
@example({"currency": ["EUR"], "hold": {"days": 1}, "rules": [revshare()]})
@example(terms(BELOW | {"levels": [{"level": 1, "percent": "1", "of": [[]]}]}))
def test_whatever_is_sent_is_read_or_refused_in_words(deal: Any) -> None:
    said = None
    try:
        parse_terms(deal)
    except Invalid as refused:
        said = refused.detail
    assert said is None or said.endswith(".")


def test_a_goal_of_another_time_needs_another_id() -> None:
    # given a goal with a window, which a later version does not end
    def with_goal(**window: str) -> Deal:
        goal = {"type": "bonus", "id": "nov", "by": "ftd", "goal": "5", "amount": "250.00"}
        return parse_terms(terms(goal | ({"window": window} if window else {})))

    before = with_goal(**{"from": "2026-11-01", "until": "2026-11-10"})
    # then the same goal may stand in the next version, and none of another time under its id
    check_successor(before, [(1, before)])
    for other in (with_goal(), with_goal(**{"from": "2026-11-01", "until": "2026-11-20"})):
        with pytest.raises(Invalid, match=r"'nov' was the goal from 2026-11-01 until 2026-11-10 in version 1"):
            check_successor(other, [(1, before)])
    with pytest.raises(Invalid, match=r"'nov' was the goal of each month in version 1"):
        check_successor(before, [(1, with_goal())])
