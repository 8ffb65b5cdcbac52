"""Receipts in words: every step says its values, in every language, and whatever a receipt holds, it can be said."""

from __future__ import annotations

import re

import pytest

from introducer.domain.ledger import Journal, Key, Leg, Line, Receipt, ReceiptEvent, ReceiptRate
from introducer.locale import CODES, language
from introducer.wording.codes import WORDS
from introducer.wording.receipts import STEPS, Step, arithmetic, step, tell
from introducer.wording.sentences import Code, Exact, Text, fill, shown

ENGLISH = language("en")
SAID: tuple[tuple[Line, str, str], ...] = (
    (Line("registered", "1772359200000"), "Registered", "1 Mar 2026 10:00 UTC"),
    (Line("country", "DE"), "Country is one the deal names", "Germany"),
    (Line("kyc", "1772359200000"), "Identity confirmed", "1 Mar 2026 10:00 UTC"),
    (Line("deposited", "250.00", ("200.00", "0")), "First deposit, at least 200.00 EUR", "250.00 EUR"),
    (
        Line("deposited", "250.00", ("200.00", "24")),
        "Deposited within 24 hours of the first deposit, at least 200.00 EUR",
        "250.00 EUR",
    ),
    (Line("reached_lots", "2026-03-04", ("1.5",)), "Traded 1.5 lots by", "4 Mar 2026"),
    (Line("reached_trades", "2026-03-04", ("3",)), "Made 3 trades by", "4 Mar 2026"),
    (Line("reached_net_revenue", "2026-03-04", ("20.00",)), "Brought net revenue of 20.00 EUR by", "4 Mar 2026"),
    (Line("within_days", "60"), "All of it within 60 days of registration", ""),
    (Line("qualified", "1772359200000"), "Qualified", "1 Mar 2026 10:00 UTC"),
    (Line("amount_for_country", "600.00", ("AT",)), "Amount for Austria", "600.00 EUR"),
    (Line("amount_for_country", "600.00", ("",)), "Amount", "600.00 EUR"),
    (Line("net_revenue", "-1234.5678", ("2",)), "Net revenue of the month", "−1,234.5678 EUR"),
    (Line("share", "3.70370340", ("30",)), "Of it 30%", "3.70370340 EUR"),
    (Line("carried_in", "-2.00"), "Loss carried over from earlier months", "−2.00 EUR"),
    (Line("carried_out", "-2.00"), "Below zero: carried into the next month", "−2.00 EUR"),
    (
        Line("carry_capped", "-2.00", ("1.5", "-9.00")),
        "Below zero: at most 1.5 average months are carried into the next month",
        "−2.00 EUR",
    ),
    (Line("loss_forgotten", "-2.00"), "Below zero: counts as nothing, and is forgotten", "−2.00 EUR"),
    (Line("lot_commission", "7.50", ("12",)), "Commission on lots under version 12", "7.50 EUR"),
    (Line("lot_commission", "7.50"), "Commission on lots", "7.50 EUR"),
    (Line("rounded", "7.50"), "Rounded once, a half to the even unit", "7.50 EUR"),
    (
        Line("disallowed", "0.00", ("self_referral", "cas_01")),
        "Nothing is owed for this client, by the verdict of a case",
        "0.00 EUR",
    ),
    (Line("no_longer_owed", "0.00"), "Nothing is owed for this any more", "0.00 EUR"),
    (Line("slot", "3", ("day", "10", "2026-03-04")), "Place on 4 Mar 2026 (cap of the day: 10)", "3"),
    (Line("slot", "3", ("month", "10", "2026-03")), "Place in March 2026 (cap of the month: 10)", "3"),
    (Line("slot", "1200", ("total", "1500", "")), "Place in all (cap: 1,500)", "1,200"),
    (
        Line("no_slot", "0.00", ("day", "10", "2026-03-04")),
        "No place left on 4 Mar 2026 (cap of the day: 10)",
        "0.00 EUR",
    ),
    (
        Line("no_slot", "0.00", ("month", "10", "2026-03")),
        "No place left in March 2026 (cap of the month: 10)",
        "0.00 EUR",
    ),
    (Line("no_slot", "0.00", ("total", "10", "")), "No place left (cap: 10)", "0.00 EUR"),
    (Line("clients_paid", "8400.00", ("14",)), "Sum over 14 clients who qualified", "8,400.00 EUR"),
    (Line("money_cap", "5000.00", ("5000.00",)), "The month's cap of 5,000.00 EUR leaves", "5,000.00 EUR"),
    (Line("tier_basis", "12", ("qftd",)), "For the tiers: qualified clients of the month", "12"),
    (Line("tier_basis", "35.2", ("lots",)), "For the tiers: lots of the month", "35.2"),
    (
        Line("tier_basis", "12000.00", ("net_revenue",)),
        "For the tiers: net revenue of the month",
        "12,000.00 EUR",
    ),
    (Line("tier_basis", "7", ("ftd",)), "For the tiers: first deposits of the month", "7"),
    (Line("tier", "9.00", ("11", "30", "marginal", "percent")), "Of the part from 11 on: 30%", "9.00 EUR"),
    (
        Line("tier", "9.00", ("11", "30", "retroactive", "percent")),
        "The tier from 11 on is reached: 30% of all",
        "9.00 EUR",
    ),
    (Line("tier", "9.00", ("11", "1.00", "marginal", "add")), "For each from 11 on: 1.00 EUR more", "9.00 EUR"),
    (
        Line("tier", "9.00", ("11", "1.00", "retroactive", "add")),
        "The tier from 11 on is reached: 1.00 EUR more for each",
        "9.00 EUR",
    ),
    (Line("tier", "9.00", ("11", "10", "marginal", "add_percent")), "For each from 11 on: 10% more", "9.00 EUR"),
    (
        Line("tier", "9.00", ("11", "10", "retroactive", "add_percent")),
        "The tier from 11 on is reached: 10% more for each",
        "9.00 EUR",
    ),
    (Line("tier", "9.00", ("11", "10", "sideways", "else")), "The tier from 11 on: 10", "9.00 EUR"),
    (Line("uplift", "9.00"), "More by the tiers in the month, before rounding", "9.00 EUR"),
    (
        Line("pooled_net_revenue", "5000.00", ("2", "14")),
        "Net revenue of 14 clients together, under version 2",
        "5,000.00 EUR",
    ),
    (
        Line("fenced", "-7000.00", ("4", "1000.00")),
        "Left out: what 4 clients lost beyond the fence of 1,000.00 EUR; it stays with them",
        "−7,000.00 EUR",
    ),
    (
        Line("fence_carry", "-300.00", ("5",)),
        "Set off against earlier losses of 5 fenced clients",
        "−300.00 EUR",
    ),
    (
        Line("promotion_share", "40.00", ("40", "2026-11-01", "2026-11-30")),
        "Of it 40% at the promotion's rate, 1 Nov 2026 to 30 Nov 2026",
        "40.00 EUR",
    ),
    (Line("own_share", "35.00", ("35",)), "Of it 35% at the partner's own rate", "35.00 EUR"),
    (
        Line("goal", "11", ("qftd", "10", "2026-11-01", "2026-11-30")),
        "Qualified clients from 1 Nov 2026 to 30 Nov 2026; the goal is 10",
        "11",
    ),
    (
        Line("goal", "4", ("ftd", "5", "2026-11-01", "2026-11-30")),
        "First deposits from 1 Nov 2026 to 30 Nov 2026; the goal is 5",
        "4",
    ),
    (
        Line("goal", "35.2", ("lots", "30", "2026-11-01", "2026-11-30")),
        "Lots from 1 Nov 2026 to 30 Nov 2026; the goal is 30",
        "35.2",
    ),
    (
        Line("goal", "900.00", ("net_revenue", "1000.00", "2026-11-01", "2026-11-30")),
        "Net revenue from 1 Nov 2026 to 30 Nov 2026; the goal is 1,000.00 EUR",
        "900.00 EUR",
    ),
    (
        Line("goal", "9", ("clicks", "8", "2026-11-01", "2026-11-30")),
        "clicks from 1 Nov 2026 to 30 Nov 2026; the goal is 8",
        "9",
    ),
    (Line("goal_paid", "500.00"), "The goal is reached: bonus", "500.00 EUR"),
    (Line("goal_missed", "0.00"), "The goal is not reached: no bonus", "0.00 EUR"),
    (Line("descendant", "2", ("par_B",)), "Activity of partner par_B, level 2 below", ""),
    (
        Line("descendant_earned", "1000.05", ("revshare", "USD")),
        "That partner earned: Revenue share",
        "1,000.05 USD",
    ),
    (Line("descendant_net_revenue", "70.00", ("JPY",)), "Net revenue of that partner's clients", "70.00 JPY"),
    (Line("descendant_clients", "6"), "Qualified clients of that partner", "6"),
    (
        Line("converted", "846.12", ("1000.05", "USD", "0.846078", "2026-02-27")),
        "1,000.05 USD converted at 0.846078, the rate of 27 Feb 2026",
        "846.12 EUR",
    ),
    (Line("override_share", "84.61", ("10",)), "Of it 10%", "84.61 EUR"),
    (Line("override_cash", "120.00", ("20.00", "6")), "20.00 EUR for each of 6 clients", "120.00 EUR"),
    (
        Line("contribution", "812.00", ("C-7F3K-9QX2", "net_revenue")),
        "Among the largest: C-7F3K-9QX2, net revenue",
        "812.00 EUR",
    ),
    (Line("contribution", "12.5", ("C-7F3K-9QX2", "lots")), "Among the largest: C-7F3K-9QX2, lots", "12.5"),
    (
        Line("contribution", "8.00", ("C-7F3K-9QX2", "lot_commission")),
        "Among the largest: C-7F3K-9QX2, lot commission",
        "8.00 EUR",
    ),
    (Line("contribution", "60.00", ("par_B", "cpa")), "Among the largest: par_B, CPA", "60.00 EUR"),
    (
        Line("adjusted", "-5.00", ("Paid twice", "Sam Okoro", "Robin Vale")),
        "Manual correction: Paid twice (proposed by Sam Okoro, approved by Robin Vale)",
        "−5.00 EUR",
    ),
    (Line("reversed", "5.00", ("jrn_1", "Not twice")), "Takes back the entry jrn_1: Not twice", "5.00 EUR"),
    (
        Line("prize", "400.00", ("ctt_1", "Spring", "Large", "1", "12.5")),
        "Place 1 in the division Large, with a score of 12.5",
        "",
    ),
    (Line("prize", "5.00", ("ctt_1", "Spring", "", "3", "7")), "Place 3, with a score of 7", ""),
    (Line("prize_places", "50.00", ("2", "2")), "What place 2 wins", "50.00 EUR"),
    (Line("prize_places", "90.00", ("2", "4")), "What places 2 to 4 win together", "90.00 EUR"),
    (Line("prize_pool", "1000.00", ("100",)), "The pool", "1,000.00 EUR"),
    (
        Line("prize_pool", "1000.00", ("80",)),
        "The pool: places with 80% of it are taken, and all of it goes to them",
        "1,000.00 EUR",
    ),
    (Line("prize_share", "500.00", ("1", "1", "50")), "Of it for place 1, whose share is 50%", "500.00 EUR"),
    (
        Line("prize_share", "800.00", ("1", "2", "80")),
        "Of it for places 1 to 2 together, whose share is 80%",
        "800.00 EUR",
    ),
    (Line("prize_split", "400.00", ("3",)), "Shared among 3 partners with the same score", "400.00 EUR"),
    (Line("prize_threshold", "12.34", ("150", "200")), "For a score of 150 and more", "12.34 EUR"),
)


def plain(said: Step) -> tuple[str, str]:
    return said.words.replace("\N{NO-BREAK SPACE}", " "), said.outcome.replace("\N{NO-BREAK SPACE}", " ")


def a_journal(*lines: Line, **changes: object) -> Journal:
    """An entry of 5.00 EUR with these lines."""
    key = Key("par_A", "rev", "client", "2026-03", "EUR", "2026-05-01")
    receipt = Receipt("revshare", 2, (), 0, lines, (), 700, 200)
    legs = (Leg("pending.2026-05-01", 500), Leg("house.commissions", -500))
    made: dict[str, object] = {"kind": "earning", "amount": 500, "post_month": "2026-03"} | changes
    return Journal(id="jrn_1", key=key, posted_at=1772359200000, legs=legs, receipt=receipt, **made)  # type: ignore[arg-type]


@pytest.mark.parametrize(("line", "words", "outcome"), SAID, ids=lambda each: getattr(each, "step", ""))
def test_a_step_says_what_was_done_and_what_came_out(line: Line, words: str, outcome: str) -> None:
    assert plain(step(ENGLISH, line, "EUR")) == (words, outcome)


def test_every_step_is_among_those() -> None:
    assert {line.step for line, _, _ in SAID} == STEPS


@pytest.mark.parametrize("code", CODES)
def test_every_step_says_all_its_figures_in_every_language(code: str) -> None:
    spoken = language(code)
    for line, english, _ in SAID:
        said = plain(step(spoken, line, "EUR"))
        assert "%" not in re.sub(r"\d[^%\d]*%", "", said[0]), said
        if code != "en" and not re.fullmatch(r"C-.*|Of it.*", english):
            assert said[0] != english, f"{english} is not translated"
        figures = re.findall(r"\d+", english)
        # Months may have other numbers in other calendars' words; days, limits, rates and amounts may not.
        assert set(figures) - {"2026", "543"} <= set(re.findall(r"\d+", said[0])), (code, said)


COUNTS: tuple[tuple[Line, str, str], ...] = (
    (Line("deposited", "250.00", ("200.00", "#")), "%s hour of", "%s hours of"),
    (Line("reached_lots", "2026-03-04", ("#",)), "Traded %s lot by", "Traded %s lots by"),
    (Line("reached_trades", "2026-03-04", ("#",)), "Made %s trade by", "Made %s trades by"),
    (Line("within_days", "#"), "%s day of", "%s days of"),
    (Line("carry_capped", "-2.00", ("#", "-9.00")), "%s average month is", "%s average months are"),
    (Line("clients_paid", "8400.00", ("#",)), "%s client who", "%s clients who"),
    (Line("pooled_net_revenue", "5000.00", ("2", "#")), "%s client, under", "%s clients together, under"),
    (Line("fenced", "-7000.00", ("#", "1000.00")), "what %s client lost", "what %s clients lost"),
    (Line("fence_carry", "-300.00", ("#",)), "%s fenced client", "%s fenced clients"),
    (Line("override_cash", "120.00", ("20.00", "#")), "for %s client", "for each of %s clients"),
    (Line("prize_split", "400.00", ("#",)), "%s partner with", "%s partners with"),
)
"""Lines that count whole things, with what English says of one and of others."""


def counting(line: Line, number: str) -> Line:
    return Line(line.step, line.result.replace("#", number), tuple(each.replace("#", number) for each in line.values))


@pytest.mark.parametrize(("line", "one", "others"), COUNTS, ids=lambda each: getattr(each, "step", ""))
def test_what_is_counted_agrees_with_its_number(line: Line, one: str, others: str) -> None:
    for number, said in (("1", one), ("2", others), ("21", others), ("1200", others)):
        words = plain(step(ENGLISH, counting(line, number), "EUR"))[0]
        assert re.search(rf"\b{said % f'{int(number):,}'}\b", words), words


@pytest.mark.parametrize("code", sorted(set(CODES) - {"th"}))
def test_what_is_counted_agrees_in_every_language_that_has_numbers(code: str) -> None:
    for line, _, _ in COUNTS:
        said = {re.sub(r"\d", "", step(language(code), counting(line, number), "EUR").words) for number in ("1", "5")}
        assert len(said) == 2, said


def test_part_of_a_thing_is_said_beside_what_it_is_of() -> None:
    for line, said in (
        (Line("reached_lots", "2026-03-04", ("1.5",)), "Traded 1.5 lots by"),
        (Line("carry_capped", "-2.00", ("0.5", "-9.00")),
         "Below zero: at most 0.5 average months are carried into the next month"),
    ):  # fmt: skip
        assert plain(step(ENGLISH, line, "EUR"))[0] == said


def test_a_count_that_is_none_is_shown_by_its_code_and_its_result() -> None:
    for value in ("", "x", "-1", "1.5", "\N{SUPERSCRIPT TWO}", "9" * 5000):
        assert plain(step(ENGLISH, Line("clients_paid", "6.00", (value,)), "EUR")) == ("clients paid", "6.00")


def test_how_many_events_are_not_listed_is_written_as_the_language_writes_numbers() -> None:
    def more(number: int) -> str:
        receipt = Receipt("lot", 1, (), number, (), (), 700, 200)
        return tell(ENGLISH, Journal(**{**_fields(a_journal()), "receipt": receipt})).more_events

    assert [more(each) for each in (0, 1, 1200)] == ["", "and 1 earlier event", "and 1,200 earlier events"]


@pytest.mark.parametrize("values", [(), ("",), ("x",), ("x", "y", "z", "w", "v"), ("1e999999", "NaN", "-", "Infinity")])
@pytest.mark.parametrize("result", ["", "high", "12.50", "1E+5", "NaN"])
def test_a_step_with_values_that_nobody_expected_is_said_all_the_same(values: tuple[str, ...], result: str) -> None:
    for name in STEPS:
        said = step(ENGLISH, Line(name, result, values), "EUR")

        assert said.words


def test_a_step_without_words_is_shown_by_its_code_and_its_result() -> None:
    assert plain(step(ENGLISH, Line("moon_phase", "12.5", ("a",)), "EUR")) == ("moon phase", "12.5")
    assert plain(step(ENGLISH, Line("moon_phase", "full"), "EUR")) == ("moon phase", "full")


def test_the_bounds_of_tiers_are_amounts_where_the_tiers_go_by_money() -> None:
    lines = (
        Line("tier_basis", "12000.00", ("net_revenue",)),
        Line("tier", "600.00", ("10000.00", "30", "marginal", "percent")),
        Line("tier_basis", "12", ("qftd",)),
        Line("tier", "1.00", ("10", "30", "retroactive", "percent")),
    )

    said = [plain(each)[0] for each in arithmetic(ENGLISH, a_journal(*lines))]

    assert said[1] == "Of the part from 10,000.00 EUR on: 30%"
    assert said[3] == "The tier from 10 on is reached: 30% of all"


def test_the_arithmetic_ends_in_the_difference() -> None:
    steps = arithmetic(ENGLISH, a_journal(Line("rounded", "7.00")))

    assert [(*plain(each), each.sum) for each in steps] == [
        ("Rounded once, a half to the even unit", "7.00 EUR", False),
        ("Owed in all", "7.00 EUR", True),
        ("Posted before", "2.00 EUR", False),
        ("This entry: the difference", "+5.00 EUR", True),
    ]


def told_steps(*lines: Line) -> list[str]:
    """What the arithmetic is made of, without its end."""
    return [plain(each)[0] for each in arithmetic(ENGLISH, a_journal(*lines))[:-3]]


def test_a_rounding_that_rounds_nothing_is_not_told() -> None:
    basis = Line("tier_basis", "7", ("qftd",))
    band = Line("tier", "7.00", ("5", "1.00", "retroactive", "add"))

    assert told_steps(basis, band, Line("uplift", "7.00"), Line("rounded", "7.00")) == [
        "For the tiers: qualified clients of the month",
        "The tier from 5 on is reached: 1.00 EUR more for each",
    ]
    # a figure with more decimals is the same figure
    assert told_steps(Line("share", "7.000000", ("30",)), Line("rounded", "7.00")) == ["Of it 30%"]


def test_a_rounding_that_rounds_is_told_with_what_it_rounds() -> None:
    band = Line("tier", "6.996", ("5", "12", "retroactive", "add_percent"))

    assert told_steps(band, Line("uplift", "6.996"), Line("rounded", "7.00"))[1:] == [
        "More by the tiers in the month, before rounding",
        "Rounded once, a half to the even unit",
    ]


def test_a_sum_of_several_lines_is_told_and_a_count_is_no_amount() -> None:
    bands = (
        Line("tier", "5.00", ("5", "1.00", "marginal", "add")),
        Line("tier", "2.00", ("10", "2.00", "marginal", "add")),
    )
    assert told_steps(*bands, Line("uplift", "7.00"), Line("rounded", "7.00"))[2:] == [
        "Rounded once, a half to the even unit"
    ]
    assert told_steps(Line("tier_basis", "7", ("qftd",)), Line("rounded", "7.00"))[1:] == [
        "Rounded once, a half to the even unit"
    ]
    # what a cap takes away stands between the uplift and the rounding: nothing is left out there but the rounding
    capped = (Line("clients_paid", "6.00", ("2",)), Line("uplift", "7.00"), Line("money_cap", "7.00", ("7.00",)))
    assert told_steps(*capped, Line("rounded", "7.00")) == [
        "Sum over 2 clients who qualified",
        "More by the tiers in the month, before rounding",
        "The month's cap of 7.00 EUR leaves",
    ]
    # what cannot be compared is told
    assert len(told_steps(Line("share", "NaN", ("30",)), Line("rounded", "NaN"))) == 2


def of_rule(kind: str, *lines: Line) -> Journal:
    return Journal(**{**_fields(a_journal()), "receipt": Receipt(kind, 1, (), 0, lines, (), 700, 200)})


def test_an_entry_without_events_says_what_it_is_reckoned_over() -> None:
    goal = Line("goal", "11", ("qftd", "10", "2026-02-10", "2026-03-31"))
    slot = Line("slot", "3", ("month", "10", "2026-03"))
    for journal, subject, said in (
        (of_rule("cpa"), {}, "Reckoned over all clients together, in March 2026."),
        (of_rule("revshare"), {}, "Reckoned over all clients together, in March 2026."),
        (of_rule("bonus", goal), {}, "Reckoned over all clients together, from 10 Feb 2026 to 31 Mar 2026."),
        (of_rule("override"), {"below": "Pips"}, "Reckoned over March 2026 of the partner below, Pips."),
        (of_rule("adjustment"), {}, "Two people decided it: one proposed it, another approved it."),
        (
            of_rule("cpa", slot),
            {"client": "C-1"},
            "Reckoned over all clients who qualified in March 2026: the places of a cap go by who qualified first.",
        ),
        (of_rule("cpa"), {"client": "C-1"}, "No event of this client moved it."),
    ):
        assert tell(ENGLISH, journal, **subject).over == said
    events = (ReceiptEvent("mt5", "t-1", "trade", 1772359200000, "5.00"),)
    with_events = Receipt("lot", 1, events, 0, (), (), 700, 200)
    assert tell(ENGLISH, Journal(**{**_fields(a_journal()), "receipt": with_events}), client="C-1").over == ""


def test_a_prize_says_for_which_place_of_which_contest_and_how_its_amount_came_about() -> None:
    # given a prize for a place that two share, of a pool of which a place is not taken
    lines = (
        Line("prize", "400.00", ("ctt_1", "Spring sprint", "Large", "1", "12.5")),
        Line("prize_pool", "1000.00", ("80",)),
        Line("prize_share", "800.00", ("1", "2", "80")),
        Line("prize_split", "400.00", ("2",)),
    )
    told = tell(ENGLISH, of_rule("prize", *lines))
    # then
    assert told.over == "Won in a contest, by what its final result says."
    assert (told.facts[0].label, str(told.facts[0].value)) == ("Contest", "Spring sprint · ctt_1")
    assert [str(each.words) for each in told.steps[:4]] == [str(step(ENGLISH, line, "EUR").words) for line in lines]


def test_what_is_owed_no_more_says_why_that_can_be_and_what_was_posted_instead() -> None:
    gone = of_rule("cpa", Line("no_longer_owed", "0.00"))

    of_client = tell(ENGLISH, gone, client="C-1", instead="jrn_2")

    assert "another day or month, was cancelled or charged back, or the client is another" in of_client.over
    assert {fact.name: fact.value for fact in of_client.facts}["instead"] == "jrn_2"
    assert "client is another" not in tell(ENGLISH, gone).over


def test_what_tiers_and_caps_make_of_a_month_is_not_called_like_a_client_s_own() -> None:
    for kind, of_one, of_all in (("cpa", "CPA", "CPA: tiers, caps"), ("lot", "Per lot", "Per lot")):
        assert tell(ENGLISH, of_rule(kind), client="C-1").rule == of_one
        assert tell(ENGLISH, of_rule(kind)).rule == of_all


def test_an_entry_says_when_its_month_was_closed() -> None:
    late = a_journal(Line("rounded", "7.00"), post_month="2026-05")

    said = tell(ENGLISH, late, client="C-1")

    assert said.note == "It stands in the books of May 2026: March 2026 was closed when it was posted."
    facts = {fact.name: fact.value for fact in said.facts}
    assert (facts["earned_for"], facts["books"], facts["client"]) == ("March 2026", "May 2026", "C-1")
    assert tell(ENGLISH, a_journal()).note == ""


def test_an_entry_of_no_client_names_none_and_one_without_a_deal_no_version() -> None:
    journal = a_journal()
    by_hand = Journal(**{**_fields(journal), "receipt": Receipt("adjustment", 0, (), 0, (), (), 1, 0)})

    assert [fact.name for fact in tell(ENGLISH, journal, below="par_B").facts] == [
        "below", "earned_for", "posted", "books", "available", "deal",
    ]  # fmt: skip
    assert [fact.name for fact in tell(ENGLISH, by_hand).facts] == ["earned_for", "posted", "books", "available"]


def _fields(journal: Journal) -> dict[str, object]:
    return {name: getattr(journal, name) for name in Journal.__slots__}


def test_a_rate_says_who_published_it_when() -> None:
    rate = ReceiptRate("USD", "EUR", "0.846078", "2026-02-27", "ecb")
    journal = a_journal()
    with_rate = Journal(**{**_fields(journal), "receipt": Receipt("lot", 1, (), 0, (), (rate,), 1, 0)})

    (said,) = tell(ENGLISH, with_rate).rates

    assert (said.rate, said.published) == ("1 USD = 0.846078 EUR", "ECB, published on 27 Feb 2026")


def test_what_people_and_platforms_wrote_is_never_markup() -> None:
    said = fill(ENGLISH, "%(who)s: %(what)s", {"who": Code("<b>"), "what": Text("<script>&")})

    assert str(said) == "<b>: <script>&"
    assert said.__html__() == '<bdi dir="ltr">&lt;b&gt;</bdi>: <bdi dir="auto">&lt;script&gt;&amp;</bdi>'


def test_amounts_and_ids_keep_their_direction_in_arabic() -> None:
    markup = step(language("ar"), Line("override_cash", "1.00", ("20.00", "6")), "EUR").words.__html__()

    assert '<bdi dir="ltr">20.00\N{NO-BREAK SPACE}EUR</bdi>' in markup
    assert shown(language("ar"), Exact("-1.50", "EUR")).__html__().startswith('<bdi dir="ltr">')


def test_every_kind_and_rule_has_a_word() -> None:
    assert set(WORDS["kind"]) == {"earning", "clawback", "adjustment", "reversal", "prize"}
    assert set(WORDS["rule"]) == {"cpa", "cpl", "revshare", "lot", "bonus", "override", "adjustment", "prize"}
