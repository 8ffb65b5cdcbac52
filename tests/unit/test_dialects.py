"""Each dialect against its sample: the exact events, what is passed over, and what is broken, line by line."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Invalid, Malformed, TooLarge
from introducer.domain.events import LOT
from introducer.domain.identity import brand_key
from introducer.sources import dialects
from introducer.sources.dialects.model import Broken, Ignored, Line, Read, Signature
from introducer.sources.dialects.zones import utc, zone
from introducer.sources.events import ROWS, cleared, read_event, to_event
from tests.support.samples import CLICK, FILES, RECEIVED, body_of, read, read_sample, settings_of

MT5: dict[str, Any] = {"currency": "EUR", "time_zone": "UTC"}
CTRADER: dict[str, Any] = {"currency": "EUR", "symbols": {"1": {"name": "EURUSD", "lot_size": "100000"}}}
Expected = dict[int, str | dict[str, str]]


def an_mt5_deal(**changed: Any) -> dict[str, Any]:
    return {
        "Deal": "1", "Login": "700", "Action": "1", "Entry": "1", "Time": "1772452800", "Symbol": "EURUSD",
        "VolumeExt": "100000000", "Profit": "1.00", "Storage": "0.00", "Commission": "0.00", "Fee": "0.00",
    } | changed  # fmt: skip


def of_mt5(*deals: dict[str, Any], **settings: Any) -> list[Line]:
    return read("mt5", json.dumps({"retcode": "0 Done", "answer": list(deals)}), **MT5, **settings)


def event_of(line: Line) -> dict[str, Any]:
    assert isinstance(line, Read), line
    return line.event


def called(query: str, received_at: datetime = RECEIVED, **settings: Any) -> Line:
    [line] = read("s2s", query, received_at, **settings)
    return line


def made_up(event: str) -> str:
    """The id of a call that has none."""
    return hashlib.sha256(f"desk-one\n{CLICK}\n{event}".encode()).hexdigest()[:32]


def told(line: Line) -> str | dict[str, str]:
    """A line in short: its event, or why there is none."""
    if not isinstance(line, Read):
        return line.reason
    try:
        read_event(line.event, RECEIVED, ROWS)
    except Invalid as error:
        return error.code
    return line.event


def a_trade_of(deal: str, at: str, lots: str, pnl: str, swap: str, commission: str, **more: str) -> dict[str, str]:
    return {
        "type": "trade", "event_id": deal, "occurred_at": at, "closed_at": at, "symbol": "EURUSD", "lots": lots,
        "pnl": pnl, "swap": swap, "commission": commission, "spread": "0", **more,
    }  # fmt: skip


_MT5 = {"client_id": "700123", "currency": "USD"}
_CTRADER = {"client_id": "17104032", "currency": "EUR"}
_TUNE = {"client_id": "102412a789a5aac89e328b5220dfa5"}
_S2S = {"client_id": CLICK, "click_id": CLICK}
_JSON = {"type": "deposit", "client_id": "10234", "currency": "EUR"}
_NOW = "2026-03-03T12:00:00Z"

EXPECTED: Mapping[str, Expected] = {
    "json-events.ndjson": {
        1: {"type": "registration", "event_id": "reg-10234", "client_id": "10234",
            "occurred_at": "2026-03-02T10:00:00Z", "click_id": CLICK},
        2: _JSON | {"event_id": "dep-1", "occurred_at": "2026-03-02T11:59:00Z", "amount": "250.00"},
        3: "not_a_string",
        4: "not_json",
        5: _JSON | {"event_id": "dep-4", "occurred_at": "2026-03-02T12:30:00Z", "amount": "40.00"},
    },
    "mt5-page.json": {
        1: _MT5 | {"type": "deposit", "event_id": "8801", "occurred_at": "2026-03-02T08:00:00Z", "amount": "500"},
        2: "opens",
        3: _MT5 | a_trade_of("8803", "2026-03-02T10:00:00Z", "0.5", "-12.25", "-0.4", "1.8"),
        4: _MT5 | a_trade_of("8804", "2026-03-02T11:00:00Z", "1", "40.1", "0", "3.5"),
        5: "invalid_time",
        6: _MT5 | {"type": "withdrawal", "event_id": "8806", "occurred_at": "2026-03-02T12:00:00Z", "amount": "150"},
        7: _MT5 | {"type": "credit", "event_id": "8807", "occurred_at": "2026-03-02T13:00:00Z", "amount": "25"},
        8: "not_counted",
        9: {"type": "cancel", "event_id": "8804-cancelled", "client_id": "700123", "ref": "8804",
            "occurred_at": "2026-03-02T15:00:00Z"},
    },
    "mt5-report.csv": {
        2: _MT5 | {"type": "deposit", "event_id": "8801", "occurred_at": "2026-03-02T08:00:00Z", "amount": "500"},
        3: "opens",
        4: _MT5 | a_trade_of("8803", "2026-03-02T10:00:00Z", "0.5", "-12.25", "-0.4", "1.8"),
        5: "invalid_number",
        6: _MT5 | {"type": "withdrawal", "event_id": "8806", "occurred_at": "2026-03-02T12:00:00Z", "amount": "1150"},
        7: "wrong_columns",
    },
    "ctrader-deals.json": {
        1: "opens",
        2: _CTRADER | a_trade_of("deal-614203", "2026-03-02T11:00:00.347000Z", "0.5", "37.02", "-0.35", "3"),
        3: "unknown_symbol",
        4: "not_filled",
        5: "too_many_decimals",
    },
    "ctrader-cash.json": {
        1: _CTRADER | {"type": "deposit", "event_id": "balance-77001", "occurred_at": "2026-03-02T09:00:00.500000Z",
                       "amount": "10000"},
        2: _CTRADER | {"type": "withdrawal", "event_id": "balance-77002",
                       "occurred_at": "2026-03-02T17:00:00.500000Z", "amount": "1000"},
        3: "not_counted",
        4: "invalid_number",
    },
    "hasoffers-page.json": {
        1: _TUNE | {"type": "registration", "event_id": "99601", "occurred_at": "2026-03-02T09:10:00Z",
                    "click_id": CLICK, "country": "DE", "ip": "203.0.113.9"},
        2: _TUNE | {"type": "deposit", "event_id": "99602", "occurred_at": "2026-03-02T10:34:58Z", "click_id": CLICK,
                    "ip": "203.0.113.9", "currency": "EUR", "amount": "1350.12"},
        3: "pending",
        4: "invalid_number",
        5: _TUNE | {"type": "cancel", "event_id": "99605-rejected", "ref": "99605",
                    "occurred_at": "2026-03-02T10:50:00Z"},
        6: _TUNE | {"type": "chargeback", "event_id": "99606", "occurred_at": "2026-03-02T10:55:00Z", "country": "DE",
                    "currency": "EUR", "amount": "50"},
        7: "unknown_goal",
    },
    "s2s-calls.txt": {
        1: _S2S | {"type": "registration", "event_id": made_up("reg"), "country": "DE",
                   "occurred_at": "2026-03-02T10:00:00Z"},
        2: _S2S | {"type": "deposit", "event_id": "T-1001", "amount": "250.5", "currency": "EUR", "occurred_at": _NOW},
        3: _S2S | {"type": "deposit", "event_id": made_up("Goal 7"), "amount": "80",
                   "currency": "USD", "occurred_at": _NOW},
        4: "unfilled_place",
        5: "pending",
        6: {"type": "cancel", "event_id": "T-1001-cancelled", "client_id": CLICK, "ref": "T-1001",
            "occurred_at": _NOW},
        7: _S2S | {"type": "chargeback", "event_id": "T-1004", "amount": "15", "currency": "USD", "occurred_at": _NOW},
        8: "unknown_type",
    },
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_a_sample_says_these_events_and_a_broken_row_stops_nothing(file: str) -> None:
    lines = read_sample(file)
    assert {line.line: told(line) for line in lines} == EXPECTED[file]
    assert len(lines) == len(EXPECTED[file])


@pytest.mark.parametrize("file", FILES)
def test_a_row_is_the_same_event_in_whatever_page_it_comes(file: str) -> None:
    lines = read_sample(file)
    again = {repr(line) for line in read_sample(file)}
    assert {repr(line) for line in lines} == again
    later = read(FILES[file][0], body_of(file), RECEIVED + timedelta(days=1), **settings_of(file))
    for line, other in zip(lines, later, strict=True):
        if isinstance(line, Read) and not line.assumed:
            assert line == other


@pytest.mark.parametrize("file", FILES)
def test_what_is_kept_of_a_broken_row_names_nobody(file: str) -> None:
    personal = ("700123", "17104032", "102412a789a5aac89e328b5220dfa5", "203.0.113.9", "10234", "Card 4411")
    for line in read_sample(file):
        if isinstance(line, Broken):
            kept = json.dumps(cleared(line.raw, dialects.of(FILES[file][0]).plain))
            assert not [each for each in personal if each in kept]


def test_every_dialect_has_a_name_and_one_has_two() -> None:
    assert set(dialects.names()) == {dialect for dialect, _ in FILES.values()}
    assert [dialects.of(name).name for name in dialects.names()] == list(dialects.names())
    assert dialects.of("introducer") is dialects.of("json"), "what sources were registered with before"
    with pytest.raises(Invalid, match="json, s2s") as refused:
        dialects.of("klingon")
    assert refused.value.code == "unknown_dialect"
    assert [name for name in dialects.names() if dialects.of(name).signature is Signature.TOKEN] == ["s2s"]
    assert [name for name in dialects.names() if not dialects.of(name).pulls] == ["s2s"]


@pytest.mark.parametrize("name", dialects.names())
def test_a_dialect_explains_what_it_is_told_and_knows_what_must_not_change(name: str) -> None:
    dialect = dialects.of(name)
    fields = dialect.parameters.model_fields
    assert all(field.description for field in fields.values())
    assert dialect.identity <= set(fields)


# ---- MetaTrader 5 ----------------------------------------------------------------------------------------------------


@given(units=st.integers(1, 10**6 * LOT))
def test_lots_of_mt5_are_exact_to_the_last_unit(units: int) -> None:
    [line] = of_mt5(an_mt5_deal(VolumeExt=str(units)))
    posted = read_event(event_of(line), RECEIVED, ROWS)
    event = to_event(posted, brand="b", source="s", brand_key=brand_key(b"k", "b"), accepted_at=RECEIVED)
    assert event.lots == units


@pytest.mark.parametrize(
    ("volumes", "lots"),
    [
        ({"VolumeExt": "100000000", "Volume": "10000"}, "1"),
        ({"VolumeExt": None, "Volume": "100"}, "0.01"),
        ({"VolumeExt": "300000000", "VolumeClosedExt": "100000001", "VolumeClosed": "10000"}, "1.00000001"),
        ({"VolumeExt": "300000000", "VolumeClosedExt": "0", "VolumeClosed": "5000"}, "0.5"),
        ({"VolumeExt": "300000000", "VolumeClosedExt": "0", "VolumeClosed": "0"}, "3"),
    ],
)
def test_a_position_closed_in_part_counts_with_that_part(volumes: dict[str, Any], lots: str) -> None:
    assert event_of(of_mt5(an_mt5_deal(**volumes))[0])["lots"] == lots


def a_report(volume: str, currency: str = "") -> str:
    more = (",Currency", f",{currency}") if currency else ("", "")
    return (
        f"Deal,Login,Time,Type,Direction,Symbol,Volume,Profit{more[0]}\n"
        f"1,700,2026.03.02 12:00:00,sell,out,EURUSD,{volume},1.00{more[1]}\n"
    )


def test_lots_of_a_report_are_never_taken_for_units_nor_those_of_a_page_for_lots() -> None:
    [lots] = read("mt5", a_report("0.50"), **MT5, volume="lots")
    [units] = read("mt5", a_report("5000"), **MT5)
    [page] = of_mt5(an_mt5_deal(VolumeExt=None, Volume="5000"), volume="lots")
    assert [event_of(line)["lots"] for line in (lots, units, page)] == ["0.5"] * 3
    for volume in ("0.50", "1.00"):
        assert told(read("mt5", a_report(volume), **MT5)[0]) == "volume_in_lots"


def test_a_row_in_another_currency_is_kept_for_a_person() -> None:
    assert event_of(read("mt5", a_report("5000", "eur"), **MT5)[0])["currency"] == "EUR"
    assert told(read("mt5", a_report("5000", "USD"), **MT5)[0]) == "other_currency"


@pytest.mark.parametrize("actions", [{"correction": "credit"}, {"0": "ignored"}, {"14": "ignored"}, {"²": "money"}])
def test_what_no_action_is_or_may_be_cannot_be_told(actions: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="actions") as refused:
        of_mt5(actions=actions)
    assert refused.value.code == "invalid_settings"


def test_a_deal_without_any_volume_is_kept_for_a_person() -> None:
    assert told(of_mt5(an_mt5_deal(VolumeExt="0"))[0]) == "missing"


@pytest.mark.parametrize("entry", ["1", "2", "3"])
def test_what_closes_is_a_trade_without_a_time_of_opening(entry: str) -> None:
    event = event_of(of_mt5(an_mt5_deal(Entry=entry))[0])
    assert event["type"] == "trade" and "opened_at" not in event


def test_a_bridge_or_a_report_may_say_when_a_position_was_opened() -> None:
    deal = an_mt5_deal(TimeOpen="1772449200")
    [line] = read("mt5", json.dumps([deal]), currency="EUR", time_zone="Europe/Nicosia", opened_field="TimeOpen")
    assert event_of(line)["opened_at"] == "2026-03-02T09:00:00Z", "by the server's clock, as all its times"
    assert "opened_at" not in event_of(of_mt5(an_mt5_deal(), opened_field="TimeOpen")[0])
    [late] = of_mt5(an_mt5_deal(TimeOpen="1772452801"), opened_field="TimeOpen")
    assert told(late) == "closed_before_opened"
    report = a_report("5000").replace("Time,", "Open Time,Time,").replace("700,", "700,2026.03.02 11:00:00,")
    [row] = read("mt5", report, **MT5, opened_field="Open Time")
    assert event_of(row)["opened_at"] == "2026-03-02T11:00:00Z"


@pytest.mark.parametrize(
    ("action", "profit", "kind"),
    [
        ("2", "10.00", "deposit"), ("2", "-10.00", "withdrawal"), ("2", "0.00", "no_amount"), ("3", "10.00", "credit"),
        ("3", "-10.00", "credit"), ("6", "10.00", "credit"), ("19", "3.00", "credit"), ("20", "3.00", "credit"),
        *((str(action), "-1.00", "not_counted") for action in (*range(4, 6), *range(7, 13), *range(15, 19))),
        ("13", "0.00", "cancel"), ("14", "0.00", "cancel"), ("99", "1.00", "unknown_row"),
    ],
)  # fmt: skip
def test_every_action_has_its_meaning(action: str, profit: str, kind: str) -> None:
    [line] = of_mt5(an_mt5_deal(Action=action, Entry="0", Profit=profit))
    assert (line.event["type"] if isinstance(line, Read) else line.reason) == kind


def test_what_the_platform_is_told_of_an_action_goes_before_what_we_think() -> None:
    deals = [an_mt5_deal(Deal=str(n), Action=action, Profit="5.00") for n, action in enumerate(("5", "3", "2"), 1)]
    lines = of_mt5(*deals, actions={"5": "credit", "3": "ignored", "2": "ignored"})
    assert [told(line) if isinstance(line, Ignored) else event_of(line)["type"] for line in lines] == [
        "credit",
        "not_counted",
        "not_counted",
    ]


def test_commission_of_both_sides_may_be_told_by_the_closing_one() -> None:
    deal = an_mt5_deal(Commission="-1.75", Fee="-0.05")
    assert event_of(of_mt5(deal)[0])["commission"] == "1.8"
    assert event_of(of_mt5(deal, commission_sides=2)[0])["commission"] == "3.6"


@pytest.mark.parametrize(
    ("clock", "shown", "at"),
    [
        ("UTC", "2026.03.02 12:00:00", "2026-03-02T12:00:00Z"),
        ("Europe/Nicosia", "2026.03.02 12:00:00", "2026-03-02T10:00:00Z"),
        ("Europe/Nicosia", "2026.07.02 12:00:00", "2026-07-02T09:00:00Z"),
        # Between the days on which America and Europe change, a server that follows New York is three hours ahead.
        ("Europe/Nicosia", "2026.03.10 12:00:00", "2026-03-10T10:00:00Z"),
        ("America/New_York+7", "2026.03.10 12:00:00", "2026-03-10T09:00:00Z"),
        ("America/New_York+7", "2026.03.02 00:00:00", "2026-03-01T22:00:00Z"),
        ("Etc/GMT-3", "2026.03.02 12:00:00", "2026-03-02T09:00:00Z"),
    ],
)
def test_a_servers_clock_is_its_own(clock: str, shown: str, at: str) -> None:
    report = f"Deal;Login;Time;Type;Direction;Symbol;Volume;Profit\n1;700;{shown};sell;out;EURUSD;10000;1.00\n"
    [line] = read("mt5", report, currency="EUR", time_zone=clock)
    assert event_of(line)["occurred_at"] == at
    seconds = int(datetime.fromisoformat(shown.replace(".", "-")).replace(tzinfo=UTC).timestamp())
    [same] = read("mt5", json.dumps([an_mt5_deal(Time=seconds)]), currency="EUR", time_zone=clock)
    assert event_of(same)["occurred_at"] == at


@pytest.mark.parametrize("time", [10**17, -(10**17), 10**30, "9" * 20, "0", ""])
def test_a_time_beyond_all_calendars_spoils_its_own_row_alone(time: Any) -> None:
    first, second = of_mt5(an_mt5_deal(Time=time), an_mt5_deal(Deal="2"))
    assert told(first) in ("invalid_time", "too_early", "missing")
    assert event_of(second)["event_id"] == "2"
    assert told(called(f"cid=a&event=reg&timestamp={time or 0}")) in ("invalid_time", "too_early")


def test_an_hour_that_a_clock_shows_twice_is_the_first_of_both() -> None:
    shown = datetime(2026, 10, 25, 3, 30, tzinfo=UTC).replace(tzinfo=None)
    assert utc(shown, zone("Europe/Nicosia")) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["", "Nowhere", "../etc/passwd", "/etc/passwd", "Europe", "UTC+", "New York", "x" * 80]
)
def test_what_is_no_clock_is_told_so(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        read("mt5", "[]", currency="EUR", time_zone=name)
    assert refused.value.code == "invalid_settings"


def test_a_report_in_utf_16_with_tabs_reads_as_any_other() -> None:
    report = "Deal\tLogin\tTime\tType\tProfit\r\n1\t700\t2026.03.02 12:00:00\tbalance\t1\u00a0000.00\r\n"
    [line] = read("mt5", report.encode("utf-16"), **MT5)
    assert (event_of(line)["type"], event_of(line)["amount"]) == ("deposit", "1000")


def test_two_servers_may_give_the_same_logins() -> None:
    deal = an_mt5_deal(Client="c-9")
    assert event_of(of_mt5(deal, client_prefix="live2:")[0])["client_id"] == "live2:700"
    assert "account" not in event_of(of_mt5(deal)[0]), "the client is known by it: in clear it would name them"
    assert event_of(of_mt5(deal, client_field="Client")[0])["client_id"] == "c-9"
    assert event_of(of_mt5(deal, client_field="Client")[0])["account"] == "700"


@pytest.mark.parametrize(
    "reply",
    [
        {"retcode": "3 Invalid parameters"},
        {"retcode": "3 Invalid parameters", "answer": []},
        {"retcode": "10 Not enough rights", "answer": None},
    ],
)
def test_a_refusal_is_never_taken_for_an_empty_page(reply: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="platform refused") as refused:
        read("mt5", json.dumps(reply), **MT5)
    assert refused.value.code == "platform_refused"
    assert read("mt5", '{"retcode": "0 Done", "answer": []}', **MT5) == []


def test_a_number_is_read_as_it_is_written_and_never_as_a_float() -> None:
    body = '[{"Deal": 9007199254740993, "Login": 700, "Action": 2, "Time": 1772452800, "Profit": 0.1}]'
    event = event_of(read("mt5", body, **MT5)[0])
    assert (event["event_id"], event["amount"]) == ("9007199254740993", "0.1")
    big = "[" + body[1:-1].replace("0.1", "123456789012.35") + "]"
    assert event_of(read("mt5", big, **MT5)[0])["amount"] == "123456789012.35"


# ---- cTrader ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digits", "amount"), [({"moneyDigits": 2}, "1234.56"), ({"moneyDigits": 5}, "1.23456"), ({}, "1234.56")]
)
def test_money_of_ctrader_has_as_many_digits_as_it_says(digits: dict[str, int], amount: str) -> None:
    row = {"ctidTraderAccountId": 5, "operationType": 0, "balanceHistoryId": 1, "delta": 123456,
           "changeBalanceTimestamp": 1772442000500, **digits}  # fmt: skip
    [line] = read("ctrader", json.dumps({"depositWithdraw": [row]}), **CTRADER)
    assert event_of(line)["amount"] == amount


def test_an_execution_event_and_a_bare_row_read_like_a_page() -> None:
    page = read_sample("ctrader-deals.json")[1]
    payload = json.loads(body_of("ctrader-deals.json"))["payload"]
    one = {"payloadType": 2126, "payload": {"ctidTraderAccountId": 17104032, "deal": payload["deal"][1]}}
    bare = {"ctidTraderAccountId": 17104032, **payload["deal"][1]}
    for body in (one, bare, [bare]):
        [line] = read("ctrader", json.dumps(body), **settings_of("ctrader-deals.json"))
        assert event_of(line) == event_of(page)


def test_a_lot_need_not_be_a_power_of_ten() -> None:
    deal = json.loads(body_of("ctrader-deals.json"))["payload"]["deal"][1]
    symbols = {"1": {"name": "OIL", "lot_size": "300"}}
    [line] = read("ctrader", json.dumps([deal | {"ctidTraderAccountId": 1}]), currency="EUR", symbols=symbols)
    assert event_of(line)["lots"] == "166.66666667"


def test_an_event_of_ctrader_says_when_its_position_was_opened() -> None:
    payload = json.loads(body_of("ctrader-deals.json"))["payload"]
    beside = {"positionId": 450077, "tradeData": {"openTimestamp": 1772445600347}}
    event = {"ctidTraderAccountId": 17104032, "executionType": 3, "position": beside, "deal": payload["deal"][1]}
    [line] = read("ctrader", json.dumps({"payloadType": 2126, "payload": event}), **CTRADER)
    assert event_of(line) == event_of(read_sample("ctrader-deals.json")[1]) | {
        "opened_at": "2026-03-02T10:00:00.347000Z"
    }


@pytest.mark.parametrize("told_as", ["36", "BALANCE_DEPOSIT_TRANSFER"])
@pytest.mark.parametrize("said", [36, "36", "BALANCE_DEPOSIT_TRANSFER"])
def test_an_operation_is_the_same_by_its_number_and_by_its_name(told_as: str, said: Any) -> None:
    row = {"ctidTraderAccountId": 1, "operationType": said, "balanceHistoryId": 5, "delta": 100,
           "changeBalanceTimestamp": 1772442000500}  # fmt: skip
    [line] = read("ctrader", json.dumps([row]), **CTRADER, operations={told_as: "deposit"})
    assert event_of(line)["type"] == "deposit"
    [passed] = read(
        "ctrader", json.dumps([row | {"operationType": "BALANCE_DEPOSIT"}]), **CTRADER, operations={"0": "ignored"}
    )
    assert told(passed) == "not_counted"


@pytest.mark.parametrize("operations", [{"BALANCE_GIFT": "deposit"}, {"0": "deposit", "BALANCE_DEPOSIT": "ignored"}])
def test_an_operation_that_is_none_or_means_two_things_is_refused(operations: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="operation") as refused:
        read("ctrader", "[]", **CTRADER, operations=operations)
    assert refused.value.code == "invalid_settings"


def test_a_deal_that_names_its_account_is_that_accounts() -> None:
    deal = json.loads(body_of("ctrader-deals.json"))["payload"]["deal"][1]
    page = {"ctidTraderAccountId": 1, "deal": [deal | {"ctidTraderAccountId": 2}, deal]}
    assert [event_of(line)["client_id"] for line in read("ctrader", json.dumps(page), **CTRADER)] == ["2", "1"]


def test_a_number_beyond_all_reckoning_spoils_its_own_row_alone() -> None:
    deal = json.loads(body_of("ctrader-deals.json"))["payload"]["deal"][1]
    beyond = deal | {"closePositionDetail": deal["closePositionDetail"] | {"closedVolume": 10**35}}
    first, second = read("ctrader", json.dumps([beyond, deal]), **CTRADER)
    assert (told(first), isinstance(second, Read)) == ("invalid_number", True)


def test_an_error_of_ctrader_is_no_page() -> None:
    reply = {"payloadType": 2142, "payload": {"errorCode": "CH_ACCESS_TOKEN_INVALID", "description": "Invalid token"}}
    with pytest.raises(Malformed, match="CH_ACCESS_TOKEN_INVALID Invalid token"):
        read("ctrader", json.dumps(reply), **CTRADER)


# ---- HasOffers -------------------------------------------------------------------------------------------------------

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "hasoffers" / "conversion.json"


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded replies are not here")
def test_recorded_replies_of_the_network_api_read_to_the_cent() -> None:
    found: list[Line] = []
    refused: list[str] = []
    for recorded in json.loads(RECORDED.read_text())["http_interactions"]:
        packed = base64.b64decode(recorded["response"]["body"]["base64_string"])
        body = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
        try:
            found += read("hasoffers", body, click_field="affiliate_info4")
        except Malformed as error:
            refused.append(error.detail)
    events = {line.event["event_id"]: line.event for line in found if isinstance(line, Read)}
    assert refused and all("API usage exceeded rate limit" in detail for detail in refused)
    assert events["3"] == {
        "type": "deposit", "event_id": "3", "client_id": "102412a789a5aac89e328b5220dfa5",
        "occurred_at": "2016-02-12T14:34:58Z", "country": "CZ", "ip": "127.0.0.1", "currency": "CZK", "amount": "1350",
    }  # fmt: skip
    assert (events["73"]["amount"], events["55632"]["occurred_at"]) == ("243", "2016-06-30T22:29:58Z")
    reasons = {line.reason for line in found if isinstance(line, Ignored)}
    assert reasons == {"pending", "no_amount"}


@pytest.mark.parametrize(("written", "cents"), [("0.00500", "0"), ("1.01500", "1.02"), ("1.02500", "1.02")])
def test_calculated_money_is_rounded_to_its_currency_half_to_even(written: str, cents: str) -> None:
    row = {"id": "1", "ad_id": "a", "goal_id": "0", "datetime": "2026-03-02 00:00:00", "status": "approved",
           "revenue": written, "currency": "EUR"}  # fmt: skip
    assert event_of(read("hasoffers", json.dumps(row))[0])["amount"] == cents


def test_the_address_of_the_conversion_goes_before_that_of_the_visit() -> None:
    row = json.loads(body_of("hasoffers-page.json"))["response"]["data"]["data"]["99601"]["Conversion"]
    line = read("hasoffers", json.dumps(row | {"ip": "198.51.100.7"}), **settings_of("hasoffers-page.json"))[0]
    assert event_of(line)["ip"] == "198.51.100.7"


def test_a_pending_conversion_can_count_until_it_is_rejected() -> None:
    line = read("hasoffers", body_of("hasoffers-page.json"), **settings_of("hasoffers-page.json", pending="take"))[2]
    assert event_of(line)["event_id"] == "99603"


# ---- Bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken", [b'{"event_id": "e1", "ty', b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\xff"}', b"x"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_line_spoils_no_other_wherever_it_stands(broken: bytes, place: int) -> None:
    lines = [b'{"event_id": "e2"}', b'{"event_id": "e3"}']
    lines.insert(place, broken)
    found = read("json", b"\n".join(lines) + b"\n")
    assert [line.line for line in found if isinstance(line, Broken)] == [place + 1]
    assert [event_of(line)["event_id"] for line in found if isinstance(line, Read)] == ["e2", "e3"]


@pytest.mark.parametrize(
    "body", [b'[\n{"a": 1},\n{"a": 2}\n', b'[{"a": 1},\n{"a": 2}', b'{\n"events": [\n{"a": 1},\n{"a": 2}\n']
)
def test_a_list_that_breaks_off_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        read("json", body)
    assert refused.value.code == "not_json"


def test_of_two_columns_of_one_name_nobody_knows_which_one_counts() -> None:
    with pytest.raises(Malformed) as refused:
        read("mt5", "Deal,Login,Time,Type,Time\n1,7,2026.03.02 12:00:00,sell,2026.03.02 13:00:00\n", **MT5)
    assert refused.value.code == "same_column_twice"


def test_what_is_no_text_is_nobodys_name() -> None:
    assert told(of_mt5(an_mt5_deal(Login={"id": 7}))[0]) == "not_a_string"


# ---- Postbacks of networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["click_id", "clickid", "cid", "subid", "transaction_id", "tid", "cxd", "btag"])
def test_a_click_goes_by_many_names(name: str) -> None:
    event = event_of(called(f"{name}=abc&event=reg"))
    assert (event["click_id"], event["client_id"], event["type"]) == ("abc", "abc", "registration")


@pytest.mark.parametrize("name", ["amount", "sum", "sale_amount", "revenue", "payout"])
def test_money_goes_by_many_names(name: str) -> None:
    assert event_of(called(f"click_id=abc&event=ftd&{name}=10.50&currency=usd"))["amount"] == "10.5"


@pytest.mark.parametrize("name", ["txid", "transaction_id", "order_id"])
@pytest.mark.parametrize("event", ["event=ftd", "goal=FTD", "goal_id=ftd", "et=dep", "status=ftd"])
def test_a_conversions_id_and_event_go_by_many_names(name: str, event: str) -> None:
    said = event_of(called(f"click_id=abc&{event}&amount=1&currency=EUR&{name}=T1"))
    assert (said["event_id"], said["type"]) == ("T1", "deposit")


def test_what_a_sale_is_worth_goes_before_what_the_network_is_paid_for_it() -> None:
    assert event_of(called("cid=abc&event=sale&payout=5&revenue=7&amount=100&currency=EUR"))["amount"] == "100"


def test_one_name_says_the_click_here_and_the_conversion_there() -> None:
    assert event_of(called("tid=T1&cid=abc&event=reg"))["click_id"] == "abc"
    assert event_of(called("tid=T1&event=reg"))["click_id"] == "T1"
    event = event_of(called("tid=T1&cid=abc&event=reg", aliases={"event_id": ["TID"], "click_id": ["cid"]}))
    assert (event["event_id"], event["click_id"]) == ("T1", "abc")
    alone = called("tid=T1&event=reg", aliases={"event_id": ["tid"]})
    assert told(alone) == "missing", "then it no longer says the click, nor who it was"


@pytest.mark.parametrize(
    ("call", "settings"),
    [
        ("cid=abc&event=rejected", {}),
        ("cid=abc&status=rejected", {}),
        ("cid=abc&event=rejected&txid=T1", {"id_with_event": True}),
        ("cid=abc&status=rejected&txid=T1", {"id_with_event": True}),
    ],
)
def test_what_takes_back_nobody_knows_what_is_refused(call: str, settings: dict[str, Any]) -> None:
    assert told(called(call, **settings)) == "no_id"


@pytest.mark.parametrize("settings", [{}, {"id_with_event": True}])
@pytest.mark.parametrize("id_", ["", "&txid=T1", "&txid=" + "T" * 96])
def test_what_is_rejected_is_what_was_reported(id_: str, settings: dict[str, Any]) -> None:
    before = event_of(called(f"cid=abc&event=ftd&amount=5&currency=EUR{id_}", **settings))
    line = called(f"cid=abc&event=ftd&status=rejected{id_}", **settings)
    assert event_of(line)["ref"] == before["event_id"]
    assert told(line) == event_of(line), "and it can be accepted"


@pytest.mark.parametrize("status", ["approved", "pending", "rejected"])
def test_a_check_of_identity_has_a_status_of_its_own_that_takes_nothing_back(status: str) -> None:
    said = event_of(called(f"cid=abc&event=kyc&status={status}&txid=K1"))
    assert (said["type"], said["status"], said["event_id"]) == ("kyc", status, "K1")


def test_of_a_parameter_that_is_sent_twice_the_first_counts() -> None:
    assert event_of(called("cid=abc&event=ftd&amount=10&Amount=99&currency=EUR&txid=T1"))["amount"] == "10"


def test_subs_came_with_the_click_and_may_be_called_something_else() -> None:
    assert "sub1" not in event_of(called("cid=abc&event=reg&sub1=x&aff_sub=y&s1=z&afp1=q"))
    assert event_of(called("s1=abc&event=reg", aliases={"click_id": ["s1"]}))["click_id"] == "abc"


def test_without_a_time_it_is_the_receipts_and_known_to_be() -> None:
    line = called("cid=abc&event=reg")
    assert isinstance(line, Read)
    assert (line.event["occurred_at"], line.assumed) == ("2026-03-03T12:00:00Z", {"occurred_at"})
    said = called("cid=abc&event=reg&timestamp=2026-03-02+12:00:00", time_zone="Europe/Nicosia")
    assert isinstance(said, Read)
    assert (said.event["occurred_at"], said.assumed) == ("2026-03-02T10:00:00Z", frozenset())
    for written in ("1772445600", "1772445600000", "2026-03-02T10:00:00Z", "2026-03-02T12:00:00%2B02:00"):
        event = event_of(called(f"cid=abc&event=reg&timestamp={written}", time_zone="Europe/Nicosia"))
        assert event["occurred_at"] == "2026-03-02T10:00:00Z"


def test_without_an_id_it_is_made_of_source_click_and_event() -> None:
    ids = {event_of(called(f"cid={click}&event={word}&currency=EUR&amount=1"))["event_id"]
           for click in ("abc", "abd") for word in ("ftd", "dep")}  # fmt: skip
    assert len(ids) == 4
    assert event_of(called(f"cid={CLICK}&event=reg"))["event_id"] == made_up("reg")


@pytest.mark.parametrize("query", ["", "event=reg", "cid=abc", "client_id=7&event=reg"])
def test_a_call_that_says_too_little_is_told_what_it_lacks(query: str) -> None:
    assert [told(line) for line in read("s2s", query)] in ([], ["no_id"], ["no_event"])


def test_one_id_for_several_events_can_be_told_apart() -> None:
    ids = [event_of(called(f"cid=abc&event={word}&txid=T1", id_with_event=True))["event_id"] for word in ("reg", "kyc")]
    assert ids == ["reg-T1", "kyc-T1"]


@pytest.mark.parametrize(
    "query", ["status=rejected&txid=T1", "event=ftd&status=declined&txid=T1", "event=cancel&txid=T1"]
)
def test_a_rejected_conversion_never_happened(query: str) -> None:
    event = event_of(called(f"cid=abc&{query}"))
    assert (event["type"], event["ref"], event["event_id"]) == ("cancel", "T1", "T1-cancelled")


@pytest.mark.parametrize("place", ["{click}", "[CLICK]", "<click>", "%click%", "#click#", "${click}"])
def test_a_place_that_the_network_left_open_is_nobodys_click(place: str) -> None:
    assert told(called(f"cid={quote(place)}&event=reg")) == "unfilled_place"
    event = event_of(called(f"cid=abc&event=reg&country={quote(place)}"))
    assert "country" not in event, "what is not needed is left out"


def test_money_that_goes_back_is_a_chargeback_whatever_it_is_called() -> None:
    event = event_of(called("cid=abc&event=sale&amount=-5&currency=EUR&txid=T1"))
    assert (event["type"], event["amount"]) == ("chargeback", "5")


def test_the_token_is_in_no_row() -> None:
    [line] = read("s2s", "token=sesame&cid=abc&event=reg&amount=x")
    assert "sesame" not in repr(line)
    [line] = read("s2s", "TOKEN=sesame&cid=abc&event=%7Bevent%7D")
    assert isinstance(line, Broken) and "sesame" not in repr(line)


@pytest.mark.parametrize(
    "settings",
    [
        {"aliases": {"colour": ["x"]}}, {"aliases": {"click_id": ["token"]}}, {"events": {"x": "dance"}},
        {"currency": "XXX"}, {"time_zone": "Nowhere"}, {"colour": "red"}, {"default_event": "dance"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_field(settings: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        called("cid=abc", **settings)
    assert refused.value.code == "invalid_settings"
    [error] = refused.value.facts["errors"]  # type: ignore[misc]
    assert error["field"].split(".")[0] in settings


# ---- Bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", dialects.names())
@given(body=st.binary(max_size=300) | st.text(alphabet='{}[]",:;=&%\n0123456789abDeal', max_size=200).map(str.encode))
def test_no_bytes_make_a_dialect_fail(name: str, body: bytes) -> None:
    settings: dict[str, Any] = {"mt5": MT5, "ctrader": CTRADER}.get(name, {})
    lines: list[Line] = []
    with suppress(Malformed, TooLarge):
        lines = read(name, body, **settings)
    for line in lines:
        if isinstance(line, Broken):
            assert re.fullmatch("[a-z0-9_]+", line.reason) and line.detail and line.line > 0
            assert isinstance(cleared(line.raw, dialects.of(name).plain), dict)


def test_rows_are_numbered_as_an_editor_numbers_lines() -> None:
    report = "\n\nDeal;Login;Time;Type;Profit\n1;7;2026.03.02 12:00;balance;1\n\n2;7;2026.03.02 12:00;balance;x\n"
    assert [line.line for line in read("mt5", report, **MT5)] == [4, 6]


def test_a_quotation_mark_that_nobody_closes_spoils_its_own_line_alone() -> None:
    header = "Deal;Login;Time;Type;Profit;Comment\r\n"
    rows = [f"{n};7;2026.03.02 12:00:00;balance;1.00;{said}\r\n" for n, said in enumerate(('"gift', "", "a\u2028b"), 1)]
    lines = read("mt5", header + rows[0] + '"9;7\r\n' + "".join(rows[1:]), **MT5)
    assert [(line.line, told(line) if isinstance(line, Broken) else event_of(line)["event_id"]) for line in lines] == [
        (2, "1"),
        (3, "wrong_columns"),
        (4, "2"),
        (5, "3"),
    ]


@pytest.mark.parametrize("trait", ["ip=203.0.113.9,10.0.0.1", "email=none", "phone=n/a", "ip=unknown"])
def test_no_deposit_is_lost_for_what_only_serves_to_find_fraud(trait: str) -> None:
    event = event_of(called(f"cid=abc&event=ftd&amount=1&currency=EUR&txid=T1&{trait}"))
    assert event == event_of(called("cid=abc&event=ftd&amount=1&currency=EUR&txid=T1"))
    assert event_of(called("cid=abc&event=reg&ip=203.0.113.9"))["ip"] == "203.0.113.9"


def test_what_may_be_kept_of_a_row_is_short_and_plain() -> None:
    row = {"Deal": Decimal("1.5"), "Price": "x" * 500, "Comment": "Ann", "Order": {"deep": 1}, "Time": None}
    assert cleared(row, dialects.of("mt5").plain) == {
        "Deal": "1.5", "Price": "x" * 200, "Comment": "…", "Order": "…", "Time": None,
    }  # fmt: skip
