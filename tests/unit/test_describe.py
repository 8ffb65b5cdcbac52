"""Deals in words: complete, exact, and one sentence for each figure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from introducer.domain.describe import (
    Clause,
    Count,
    Kinds,
    Names,
    Number,
    Plural,
    Reached,
    Sentence,
    Weighted,
    describe,
)
from introducer.domain.money import Money
from introducer.domain.terms import parse_terms
from introducer.locale import language
from introducer.services.propose_deal import hash_of, text_of
from introducer.wording.sentences import say
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.deals import FULL, PARTNER


def english(sentence: Sentence) -> str:
    """The message; of one that counts, what it says of several."""
    return sentence.message.other if isinstance(sentence.message, Plural) else sentence.message


def sentences(deal: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (english(sentence), dict(sentence.values))
        for clause in describe(parse_terms(deal))
        for sentence in clause.sentences
    ]


def figures(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all figures in terms."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from figures(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from figures(inner, (*path, index))
    elif not isinstance(value, bool) and str(value).translate(str.maketrans("", "", "-.")).isdigit():
        yield path


def one_more(value: Any) -> Any:
    """The next number, the same amount and one, or the next day."""
    if isinstance(value, int):
        return value + 1
    if value.count("-") == 2:
        return (date.fromisoformat(value) + timedelta(days=1)).isoformat()
    return str(Decimal(value) + 1)


def changed(deal: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The terms with one more at the end of the path."""
    other: dict[str, Any] = json.loads(json.dumps(deal))
    place = other
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = one_more(place[path[-1]])
    return other


EVERY_FIGURE = [(deal, path) for deal in (FULL, PARTNER) for path in figures(deal)]


@pytest.mark.parametrize(
    ("deal", "path"), EVERY_FIGURE, ids=lambda each: "" if isinstance(each, dict) else ".".join(map(str, each))
)
def test_changing_one_figure_changes_one_sentence(deal: dict[str, Any], path: tuple[Any, ...]) -> None:
    before, after = sentences(deal), sentences(changed(deal, path))
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_every_kind_of_figure_is_among_those_that_are_changed() -> None:
    names = {next(step for step in reversed(path) if isinstance(step, str)) for _, path in EVERY_FIGURE}
    assert names == {
        "days", "amount", "ftd_minimum", "min_deposit", "within_hours", "min_lots", "min_trades", "min_net_revenue",
        "within_days", "percent", "cap", "min_holding_seconds", "clients", "from", "until", "add", "add_percent",
        "fence", "goal", "level", "spread", "pnl",
    }  # fmt: skip


@pytest.mark.parametrize("deal", [FULL, PARTNER])
def test_every_message_has_the_values_it_names(deal: dict[str, Any]) -> None:
    for message, values in sentences(deal):
        assert message % values
        assert message.count("%(") == len(values)


def test_what_is_not_agreed_is_not_said() -> None:
    words = [message for message, _ in sentences(terms(revshare("25")))]
    assert words[:2] == [
        "%(number)s%% of each client's net revenue of a month.",
        "A client's negative month counts as nothing and is forgotten.",
    ]
    assert not any("qualif" in each and "available" not in each for each in words)
    assert not any("lot" in each or "identity" in each for each in words)


def test_a_negative_coefficient_reads_as_it_is_written() -> None:
    [formula] = [v["formula"] for _, v in sentences(FULL) if "formula" in v]
    assert formula == Weighted((("pnl", "-0.5"), ("spread", "1")))


def test_a_deal_for_one_group_does_not_speak_of_others() -> None:
    [only] = describe(parse_terms(terms(cpa("200.00"), lot("2.00"))))[0].sentences[:1]
    assert (only.message, only.values) == (
        "For each client who qualifies: %(amount)s.",
        {"amount": Money(20_000, "EUR")},
    )


def test_rules_come_in_their_order_and_what_holds_for_all_comes_last() -> None:
    clauses: tuple[Clause, ...] = describe(parse_terms(FULL))
    assert [(clause.rule, clause.kind) for clause in clauses] == [
        ("cpa", "cpa"),
        ("cpl", "cpl"),
        ("rev", "revshare"),
        ("lot", "lot"),
        (None, None),
    ]
    assert Count(30) in [s.values.get("num") for s in clauses[-1].sentences]


def of_rule(rule: dict[str, Any], *others: dict[str, Any], **more: Any) -> list[str]:
    """The messages of one rule, with its values left open."""
    return [english(sentence) for sentence in describe(parse_terms(terms(rule, *others, **more)))[0].sentences]


def general(*rules: dict[str, Any]) -> list[str]:
    return [english(sentence) for sentence in describe(parse_terms(terms(*rules)))[-1].sentences]


def test_no_two_sentences_of_a_rule_are_the_same() -> None:
    """Or a reader could not tell the promotion's price from the program's."""
    for clause in describe(parse_terms(PARTNER)):
        said = [(sentence.message, tuple(sorted(sentence.values.items()))) for sentence in clause.sentences]
        assert len(said) == len(set(said)), clause.rule


def test_beside_a_price_of_its_own_the_tiers_are_not_said_as_if_they_gave_something() -> None:
    tiers = {"by": "net_revenue", "mode": "retroactive", "bands": [{"from": "100.00", "percent": "30"}]}
    pooled = revshare("25") | {"pooled": True, "tiers": tiers}

    program, own = of_rule(pooled), of_rule(pooled | {"own": {"percent": "35"}})

    assert "From %(reached)s on: %(number)s%% of net revenue." in program
    assert "From %(reached)s on: %(number)s%% of net revenue." not in own
    assert own[0] == "A price of this partner's own holds, in place of the program's."
    assert "The program's tiers give nothing here: the partner's own price goes before them." in own
    assert "Without the own price, from %(reached)s on: %(number)s%% of net revenue." in own


def test_the_price_that_holds_is_said_first_and_the_program_s_as_one_that_does_not() -> None:
    said = describe(parse_terms(terms(revshare("25") | {"own": {"percent": "35"}})))[0].sentences
    assert [(each.message, each.values.get("number")) for each in said[1:3]] == [
        ("%(number)s%% of each client's net revenue of a month.", Number("35")),
        ("The program's rate, which does not hold here: %(number)s%%.", Number("25")),
    ]


@pytest.mark.parametrize(("negative", "says"), [
    ("reset", "A negative month of the pool counts as nothing and is forgotten."),
    ("carry", "A negative month of the pool is set off against the pool's next months."),
    ("capped", "A negative month of the pool is set off against the pool's next months, at most the amount of %(num)s"
               " average months."),
])  # fmt: skip
def test_a_pool_s_negative_months_are_the_pool_s(negative: str, says: str) -> None:
    cap = {"cap": "2"} if negative == "capped" else {}
    said = of_rule(revshare("25", negative) | {"pooled": True} | cap)
    assert said[:3] == [
        "%(number)s%% of the month's net revenue of all clients together.",
        "One client's loss lowers what is earned for the others.",
        says,
    ]
    assert not any("same client" in each for each in said)


@pytest.mark.parametrize(("negative", "forgotten"), [("reset", True), ("carry", False)])
def test_a_fenced_loss_is_forgotten_or_kept_as_the_rule_says(negative: str, forgotten: bool) -> None:
    said = of_rule(revshare("25", negative) | {"pooled": True, "fence": "0"})
    assert ("The loss of a client who was left out is forgotten." in said) == forgotten
    assert any(each.startswith("The whole loss of a client who was left out is set off") for each in said) != forgotten


TIERS = {
    ("cpa", "qftd", "marginal"): "Each client goes by the tier of its place among the clients",
    ("cpa", "qftd", "retroactive"): "The tier that the clients paid for by this rule reach in the month holds for all",
    ("cpa", "lots", "retroactive"): "The tier that all lots of the month reach holds for all of the month's clients",
    ("cpa", "net_revenue", "retroactive"): "The tier that the month's net revenue reaches holds for all of its clients",
    ("revshare", "net_revenue", "marginal"): "Each part of the month's net revenue of all clients earns at the rate",
    ("revshare", "net_revenue", "retroactive"): "The tier that the month's net revenue of all clients reaches",
    ("revshare", "lots", "retroactive"): "The tier that all lots of the month reach holds for all of the month's net",
    ("revshare", "qftd", "retroactive"): "The tier that the month's qualified clients reach holds for all of its net",
    ("lot", "lots", "marginal"): "Each lot that this rule pays for goes by the tier that it lies in",
    ("lot", "lots", "retroactive"): "The tier that the lots paid for by this rule reach in the month holds for all",
    ("lot", "qftd", "retroactive"): "The tier that the month's qualified clients reach holds for all of its lots",
    ("lot", "net_revenue", "retroactive"): "The tier that the month's net revenue reaches holds for all of its lots",
}


@pytest.mark.parametrize(("kind", "by", "mode"), TIERS)
def test_tiers_say_what_they_go_by_and_what_they_price(kind: str, by: str, mode: str) -> None:
    gives = {"percent": "30"} if kind == "revshare" else {"add": "1.00"}
    tiers = {"tiers": {"by": by, "mode": mode, "bands": [{"from": "10"} | gives]}}
    rule = {"cpa": cpa(), "revshare": revshare("25") | {"pooled": True}, "lot": lot("2.00")}[kind] | tiers
    others = [] if kind == "cpa" else [cpa()]

    said = describe(parse_terms(terms(rule, *others)))[0].sentences

    [at] = [n for n, each in enumerate(said) if english(each).startswith(TIERS[kind, by, mode])]
    figure = Money(1_000, "EUR") if by == "net_revenue" else Number("10")
    counted = "paid_clients" if (kind, by) == ("cpa", "qftd") else by
    assert said[at + 1].values["reached"] == Reached(counted, figure)


def test_a_group_of_symbols_is_said_by_its_name_with_its_symbols() -> None:
    rule = lot("0") | {"groups": [{"group": "metals", "amount": "9.00"}]}
    [said] = describe(parse_terms(terms(rule, symbol_groups={"metals": ["XAUUSD", "XAGUSD"]})))[0].sentences
    assert (said.message, said.values) == (
        "For each lot of %(group)s (%(names)s): %(amount)s.",
        {"group": Names(("metals",)), "names": Names(("XAGUSD", "XAUUSD")), "amount": Money(900, "EUR")},
    )


def test_a_goal_is_taken_back_and_says_whose_terms_decide() -> None:
    goal = {"type": "bonus", "id": "ten", "by": "ftd", "goal": "10", "amount": "500.00"}
    monthly, once = of_rule(goal), of_rule(goal | {"window": {"from": "2026-11-10", "until": "2026-11-30"}})

    assert monthly[:2] == [
        "For each month that reaches %(reached)s: %(amount)s.",
        "The terms in force when the month begins decide.",
    ]
    assert once[0] == "When %(reached)s is reached from %(first)s to %(last)s, both days included: %(amount)s, once."
    assert "The terms in force when the first of these days begins decide; later terms do not end it." in once
    assert monthly[-1] == once[-1]
    assert "taken back" in once[-1]


def test_an_override_says_each_level_and_at_which_rate_it_converts() -> None:
    rule = {
        "type": "override", "id": "net",
        "levels": [{"level": 1, "percent": "10", "of": ["lot", "cpa"]}, {"level": 2, "amount": "20.00", "of": "qftd"}],
    }  # fmt: skip
    said = describe(parse_terms(terms(rule)))[0].sentences
    assert said[0].values == {"level": Number("1"), "number": Number("10"), "kinds": Kinds(("cpa", "lot"))}
    assert said[1].message == "Level %(level)s: %(amount)s for each qualified client of the partners there."
    assert english(said[-1]).endswith("at the rate of the month's first day.")


TOGETHER = "What is reckoned over all clients together"


@pytest.mark.parametrize("rule", [
    cpa() | {"caps": [{"per": "month", "amount": "100.00"}]},
    cpa() | {"tiers": {"by": "qftd", "mode": "marginal", "bands": [{"from": "2", "add": "1.00"}]}},
    revshare() | {"pooled": True},
    lot("1.00") | {"tiers": {"by": "lots", "mode": "marginal", "bands": [{"from": "2", "add": "1.00"}]}},
    {"type": "bonus", "id": "ten", "by": "ftd", "goal": "10", "amount": "500.00"},
])  # fmt: skip
def test_what_looks_at_all_clients_is_rounded_once_and_held_from_the_month_s_end(rule: dict[str, Any]) -> None:
    assert [each for each in general(rule) if each.startswith(TOGETHER)] == [
        f"{TOGETHER} is available on the month's last day.",
        f"{TOGETHER} is rounded once per month, for all of them together.",
    ]


@pytest.mark.parametrize("rule", [
    cpa() | {"caps": [{"per": "month", "clients": 10}]}, revshare(), lot("1.00"),
    cpa() | {"tiers": {"by": "qftd", "mode": "marginal", "bands": [{"from": "2", "add": "1.00"}]},
             "own": {"amounts": [{"countries": [], "amount": "1.00"}]}},
])  # fmt: skip
def test_what_is_earned_per_client_does_not_speak_of_all_together(rule: dict[str, Any]) -> None:
    assert not any(each.startswith(TOGETHER) for each in general(rule))


def test_what_partners_below_bring_is_rounded_for_each_of_them() -> None:
    assert [each for each in general(LEVEL) if each.startswith("What ")] == [
        "What partners below bring is available on the month's last day.",
        "What partners below bring is rounded once per month, for each partner below by itself.",
    ]
    assert not any("partners below" in each for each in general(revshare()))


def test_what_is_held_from_each_day_is_rounded_for_each_day() -> None:
    """What matures on another day is another entry: 0.5 cent on four days is nothing, and not two cents."""
    by_day = describe(parse_terms(terms(lot("1.00")) | {"hold": {"days": 3, "from": "event_day"}}))[-1].sentences
    rounded = [english(each) for each in by_day if "rounded" in english(each)]
    assert rounded == ["Each amount is rounded once, per client and day, a half to the even unit."]
    assert "Each amount is rounded once, per client and month, a half to the even unit." in general(lot("1.00"))


LEVEL = {"type": "override", "id": "net", "levels": [{"level": 1, "percent": "1", "of": "net_revenue"}]}


@pytest.mark.parametrize(("rule", "counts_from", "at_once", "later"), [
    (cpa(), "qualification", "An earning is available as soon as the client qualifies.",
     "An earning is available %(num)s days after qualification."),
    (revshare(), "month_end",
     "An earning is available on the month's last day (as soon as the client qualifies, where a client is paid for"
     " once).",
     "An earning is available %(num)s days after the month's end (after qualification, where a client is paid for"
     " once)."),
    (lot("1.00"), "event_day", "An earning is available on the day of the event itself.",
     "An earning is available %(num)s days after the event."),
], ids=["qualification", "month_end", "event_day"])  # fmt: skip
def test_a_hold_of_no_days_is_said_as_people_say_it(
    rule: dict[str, Any], counts_from: str, at_once: str, later: str
) -> None:
    def hold(days: int) -> list[str]:
        found = sentences(terms(rule) | {"hold": {"days": days, "from": counts_from}})
        return [message for message, _ in found if "available" in message]

    assert (hold(0), hold(1), hold(30)) == ([at_once], [later], [later])


def test_what_is_held_from_the_month_s_end_for_no_days_speaks_of_no_days() -> None:
    pooled = revshare() | {"pooled": True}
    for days, says in (
        (0, ["What is reckoned over all clients together is available on the month's last day.",
             "What partners below bring is available on the month's last day."]),
        (1, ["What is reckoned over all clients together counts these days from the month's end.",
             "What partners below bring counts these days from the month's end."]),
    ):  # fmt: skip
        found = [message for message, _ in sentences(terms(pooled, LEVEL, days=days))]
        assert [each for each in found if each.startswith("What ") and "rounded" not in each] == says
    assert not any("0 day" in each or "these days" in each for each in said("en", terms(pooled, LEVEL, days=0)))


def test_words_are_no_part_of_what_terms_are_known_by() -> None:
    accepted = "037956b434500290697660004a92010e64db2a9321be64638eb6b424f70d90d6"
    assert hash_of(text_of(terms(cpa(), days=0))) == accepted


BY_QFTD = {"by": "qftd", "mode": "retroactive", "bands": [{"from": "2", "add": "1.00"}]}


@pytest.mark.parametrize(
    ("rules", "all_who_qualify"),
    [
        ([cpa() | {"caps": [{"per": "month", "clients": 1}], "tiers": BY_QFTD}], False),
        ([cpa(), lot("1.00") | {"tiers": BY_QFTD}], True),
        ([cpa(), {"type": "bonus", "id": "ten", "by": "qftd", "goal": "10", "amount": "500.00"}], True),
        (
            [cpa(), revshare() | {"pooled": True, "tiers": BY_QFTD | {"bands": [{"from": "2", "percent": "30"}]}}],
            True,
        ),
        ([cpa(), lot("1.00") | {"tiers": BY_QFTD | {"by": "lots"}}], False),
    ],
)
def test_only_what_counts_all_who_qualify_says_that_caps_do_not_matter(
    rules: list[dict[str, Any]], all_who_qualify: bool
) -> None:
    assert any("whether or not a cap leaves a place" in each for each in general(*rules)) == all_who_qualify


def test_another_day_s_rate_for_payouts_changes_one_sentence() -> None:
    before, after = sentences(FULL), sentences(FULL | {"payout_rate": "earn_date"})
    assert sentences(FULL | {"payout_rate": "pay_date"}) == before
    assert len(before) == len(after)
    [(was, now)] = [(one, other) for (one, _), (other, _) in zip(before, after, strict=True) if one != other]
    assert was == (
        "A payout in another currency is converted at the European Central Bank's last rate published before its day."
    )
    assert now == (
        "A payout in another currency is converted, month by month, at the European Central Bank's last rate published"
        " by the end of the month in which it was earned; where that month has not ended, before the payout's day."
    )


# --------------------------------------------------------------------------------------- counts, as languages have them


def counting(number: int) -> dict[str, Any]:
    """Terms in which everything that is counted in whole things is so many of them."""
    asked = {
        "min_deposit": "100.00", "within_hours": number, "min_lots": str(number), "min_trades": number,
        "within_days": number,
    }  # fmt: skip
    caps = [{"per": per, "clients": number} for per in ("day", "month", "total")]
    return terms(
        cpa() | {"qualification": asked, "caps": caps},
        revshare("25", "capped") | {"cap": str(number)},
        revshare("25", "capped") | {"id": "pool", "pooled": True, "cap": str(number)},
        lot("1.00") | {"min_holding_seconds": number},
        days=number,
    )


def said(code: str, deal: dict[str, Any]) -> list[str]:
    return [say(language(code), sentence) for clause in describe(parse_terms(deal)) for sentence in clause.sentences]


@pytest.mark.parametrize(("number", "says"), [
    (1, [
        "Deposits count up to 1 hour after the first one.",
        "The client must trade at least 1 lot.",
        "The client must make at least 1 trade.",
        "All of it must happen within 1 day of registration.",
        "At most 1 client is paid for per day.",
        "At most 1 client is paid for per month.",
        "At most 1 client is paid for in all.",
        "A client's negative month is set off against the same client's next months, at most the amount of 1 average"
        " month.",
        "A negative month of the pool is set off against the pool's next months, at most the amount of 1 average"
        " month.",
        "A trade counts when it was held for at least 1 second.",
        "An earning is available 1 day after the month's end (after qualification, where a client is paid for once).",
    ]),
    (2, [
        "Deposits count up to 2 hours after the first one.",
        "The client must trade at least 2 lots.",
        "The client must make at least 2 trades.",
        "All of it must happen within 2 days of registration.",
        "At most 2 clients are paid for per day.",
        "At most 2 clients are paid for per month.",
        "At most 2 clients are paid for in all.",
        "A client's negative month is set off against the same client's next months, at most the amount of 2 average"
        " months.",
        "A negative month of the pool is set off against the pool's next months, at most the amount of 2 average"
        " months.",
        "A trade counts when it was held for at least 2 seconds.",
        "An earning is available 2 days after the month's end (after qualification, where a client is paid for once).",
    ]),
])  # fmt: skip
def test_what_is_counted_is_said_as_people_say_it(number: int, says: list[str]) -> None:
    found = said("en", counting(number))
    assert [each for each in found if re.search(rf"\b{number}\b(?!\.)", each)] == says


@pytest.mark.parametrize(("code", "number", "trades", "days"), [
    ("ru", 1, "Клиент должен совершить не меньше 1 сделки.", "Доход доступен через 1 день после квалификации."),
    ("ru", 3, "Клиент должен совершить не меньше 3 сделок.", "Доход доступен через 3 дня после квалификации."),
    ("ru", 5, "Клиент должен совершить не меньше 5 сделок.", "Доход доступен через 5 дней после квалификации."),
    ("ru", 21, "Клиент должен совершить не меньше 21 сделки.", "Доход доступен через 21 день после квалификации."),
    ("pl", 1, "Klient musi zawrzeć co najmniej 1 transakcję.", "Zarobek jest dostępny 1 dzień po kwalifikacji."),
    ("pl", 3, "Klient musi zawrzeć co najmniej 3 transakcje.", "Zarobek jest dostępny 3 dni po kwalifikacji."),
    ("pl", 5, "Klient musi zawrzeć co najmniej 5 transakcji.", "Zarobek jest dostępny 5 dni po kwalifikacji."),
    ("ar", 1, "يجب أن ينفذ العميل صفقة واحدة على الأقل.", "يتاح المكسب بعد يوم واحد من التأهّل."),
    ("ar", 2, "يجب أن ينفذ العميل صفقتين على الأقل.", "يتاح المكسب بعد يومين من التأهّل."),
    ("ar", 3, "يجب أن ينفذ العميل 3 صفقات على الأقل.", "يتاح المكسب بعد 3 أيام من التأهّل."),
    ("ar", 11, "يجب أن ينفذ العميل 11 صفقة على الأقل.", "يتاح المكسب بعد 11 يومًا من التأهّل."),
    ("ar", 100, "يجب أن ينفذ العميل 100 صفقة على الأقل.", "يتاح المكسب بعد 100 يوم من التأهّل."),
    ("es", 1, "El cliente debe hacer al menos 1 operación.",
     "Una ganancia está disponible 1 día después de la cualificación."),
    ("es", 2, "El cliente debe hacer al menos 2 operaciones.",
     "Una ganancia está disponible 2 días después de la cualificación."),
    ("th", 1, "ลูกค้าต้องซื้อขายอย่างน้อย 1 ครั้ง", "รายได้จะพร้อมใช้ 1 วันหลังผ่านเกณฑ์"),
    ("th", 3, "ลูกค้าต้องซื้อขายอย่างน้อย 3 ครั้ง", "รายได้จะพร้อมใช้ 3 วันหลังผ่านเกณฑ์"),
], ids=lambda each: str(each) if len(str(each)) < 4 else "")  # fmt: skip
def test_each_language_has_its_own_forms(code: str, number: int, trades: str, days: str) -> None:
    asked = {"min_trades": number, "within_days": 300}
    found = said(code, terms(cpa() | {"qualification": asked}) | {"hold": {"days": number, "from": "qualification"}})
    assert trades in found
    assert days in found


def test_a_count_is_written_and_marked_up_as_numbers_are() -> None:
    [of_all] = [
        each
        for each in describe(parse_terms(terms(cpa() | {"caps": [{"per": "total", "clients": 25_000}]})))[0].sentences
        if each.values.get("num") == Count(25_000)
    ]
    assert say(language("es"), of_all) == "Se pagan como máximo 25.000 clientes en total."
    assert '<bdi dir="ltr">25,000</bdi>' in say(language("ar"), of_all).__html__()


@pytest.mark.parametrize(("whole", "part"), [("2", "2.5"), ("1", "0.5")])
def test_parts_of_a_lot_and_of_a_month_are_no_plural(whole: str, part: str) -> None:
    def of(number: str) -> list[Sentence]:
        asked = {"min_lots": number, "within_days": 30}
        rules = cpa() | {"qualification": asked}, revshare("25", "capped") | {"cap": number}
        return [each for clause in describe(parse_terms(terms(*rules)))[:2] for each in clause.sentences]

    counts = [each.values for each in of(whole) if isinstance(each.message, Plural)]
    assert counts.count({"num": Count(int(whole))}) == 2
    parts = [each for each in of(part) if each.values.get("number") == Number(part)]
    assert [english(each) % {"number": part} for each in parts] == [
        f"The client must trade at least this many lots: {part}.",
        "A client's negative month is set off against the same client's next months, at most up to this many of its"
        f" average months: {part}.",
    ]
