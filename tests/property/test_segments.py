"""Segments, whatever their conditions: what holds of `all`, `any`, and their opposites."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.configuration import PartnerCard, PartnerKind, Status
from introducer.domain.deal import KINDS
from introducer.domain.errors import Invalid
from introducer.domain.results import ResultLine
from introducer.domain.segment import Field, Match, Operator, Segment, Sort, data_of, fits, segment_of

TODAY = "2026-11-29"
OPPOSITE = {Operator.IS: Operator.IS_NOT, Operator.IS_NOT: Operator.IS}
DAYS = st.sampled_from(["", "2026-01-31", "2026-11-01", "2026-11-28", TODAY])

CARDS = st.builds(
    PartnerCard, partner=st.just("par_1"), brand=st.just("brd_1"), name=st.just("P"),
    kind=st.sampled_from(PartnerKind), status=st.sampled_from(Status), country=st.sampled_from(["PL", "DE", "TH"]),
    manager=st.sampled_from([None, "mem_1", "mem_2"]), currency=st.sampled_from(["EUR", "USD"]),
    status_since=st.none(),
)  # fmt: skip
SMALL = st.integers(0, 50)
LINES = st.none() | st.builds(
    ResultLine, partner=st.just("par_1"), day=st.just(TODAY), ftd_7=SMALL, ftd_30=SMALL, ftd_prev_28=SMALL,
    qftd_30=SMALL, clicks_30=SMALL, last_active_day=DAYS, joined=DAYS, language=st.sampled_from(["", "en", "pl"]),
    net_revenue_30=st.dictionaries(st.sampled_from(["EUR", "USD"]), st.integers(-9_999, 9_999)),
    deal_kinds=st.lists(st.sampled_from(KINDS), max_size=3).map(tuple), tier=st.none(),
)  # fmt: skip


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    field = draw(st.sampled_from(Field))
    texts = {
        Field.COUNTRY: ["PL", "DE"], Field.LANGUAGE: ["en", "pl"], Field.MANAGER: ["", "mem_1"],
        Field.CURRENCY: ["EUR", "USD"], Field.PARTNER: ["par_1", "par_2"],
    }  # fmt: skip
    if field.sort is Sort.NUMBER:
        values = [str(draw(st.integers(-200 if field is Field.TREND else 0, 400)))]
    elif field.sort is Sort.AMOUNT:
        values = [f"{draw(st.integers(-99, 99))}.5 {draw(st.sampled_from(['EUR', 'USD']))}"]
    else:
        values = draw(st.lists(st.sampled_from(texts.get(field) or list(field.choices)), min_size=1, max_size=3))
    return {"field": field.value, "operator": draw(st.sampled_from(field.operators)).value, "values": values}


@given(st.lists(conditions(), min_size=1, max_size=5), CARDS, LINES)
def test_all_is_every_one_alone_and_any_is_one_at_least(
    data: list[dict[str, Any]], card: PartnerCard, line: ResultLine | None
) -> None:
    # (who is blocked is meant only where the status is asked for: another test's matter)
    card = replace(card, status=Status.SUSPENDED) if card.status is Status.BLOCKED else card
    alone = [fits(segment_of("all", [each]), card, line, TODAY) for each in data]
    assert fits(segment_of("all", data), card, line, TODAY) is all(alone)
    assert fits(segment_of("any", data), card, line, TODAY) is any(alone)


@given(st.sampled_from(["all", "any"]), st.lists(conditions(), max_size=5), CARDS, LINES)
def test_who_is_blocked_is_meant_only_where_the_status_is_asked_for(
    match: str, data: list[dict[str, Any]], card: PartnerCard, line: ResultLine | None
) -> None:
    blocked = replace(card, status=Status.BLOCKED)
    asked = any(each["field"] == Field.STATUS.value for each in data)
    assert asked or not fits(segment_of(match, data), blocked, line, TODAY)


@given(conditions(), CARDS, LINES)
def test_is_not_means_exactly_whom_is_does_not(
    data: dict[str, Any], card: PartnerCard, line: ResultLine | None
) -> None:
    condition = segment_of("all", [data]).conditions[0]
    is_meant = condition.field is Field.STATUS or card.status is not Status.BLOCKED
    if condition.operator in OPPOSITE and is_meant:
        other = Segment(Match.ALL, (condition._replace(operator=OPPOSITE[condition.operator]),))
        assert fits(Segment(Match.ALL, (condition,)), card, line, TODAY) is not fits(other, card, line, TODAY)


@given(st.sampled_from(["all", "any"]), st.lists(conditions(), max_size=5))
def test_a_segment_is_read_back_from_its_data(match: str, data: list[dict[str, Any]]) -> None:
    segment = segment_of(match, data)
    assert segment_of(**data_of(segment)) == segment


WORDS = st.sampled_from([*(each.value for each in Field), *(each.value for each in Operator), "", "PL", "3", "1 EUR"])
SENT = WORDS | st.integers() | st.none() | st.lists(WORDS | st.integers(), max_size=3)


@given(st.fixed_dictionaries({}, optional={"field": SENT, "operator": SENT, "values": SENT, "value": SENT}))
def test_whatever_is_sent_is_read_or_refused_as_invalid(data: dict[str, Any]) -> None:
    with suppress(Invalid):
        segment = segment_of("all", [data])
        assert segment_of(**data_of(segment)) == segment
