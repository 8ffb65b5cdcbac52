"""Each dialect's sample, from the door it comes in by to what the partner earns of it: broken rows are kept with their
line, the rest goes on, and the same rows again change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from introducer.domain.configuration import Availability, Source
from introducer.domain.errors import Conflict, Forbidden, Invalid, Malformed, NotFound, Unauthenticated, Unavailable
from introducer.domain.signatures import sign
from introducer.services.accept_events import Status, Taken
from introducer.services.accept_message import MOST_ROWS, Message, accept_message
from introducer.services.accept_rows import accept_rows, settings_of
from introducer.sources import dialects
from tests.support import samples
from tests.support.builders import cpa, lot, revshare, terms
from tests.support.house import SECRET, SET_UP, House, a_house, a_registration, client
from tests.support.payouts import BRAND
from tests.support.samples import body_of

PARTNER, LINK = "par_two", "Xy12Zz34"
DEAL = terms(
    cpa("200.00", min_deposit="50.00", within_hours=72), revshare("30"), lot("5.00"), net_revenue={"commission": "1"}
)
CLICKED = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
DAY = "2026-03-05"
MT5 = {"currency": "EUR", "time_zone": "UTC"}


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as found:
        found.partner(PARTNER, "Harbour Traffic", LINK, DEAL)
        yield found


def a_source(house: House, dialect: str, status: Availability = Availability.ACTIVE, **settings: Any) -> Source:
    """A source of the house's brand."""
    source = Source(
        source=f"{dialect}-one",
        brand=BRAND,
        dialect=dialect,
        status=status,
        settings=json.dumps(settings, sort_keys=True),
    )
    house.configuration.register_source(source, SET_UP)
    return source


def posts(house: House, source: Source, body: bytes) -> Taken:
    """The platform posts this, signed; engine and settler work it off."""
    message = Message(source=source.source, body=body, query="", signature=sign(body, [SECRET], house.now), posted=True)
    taken = accept_message(house.intake, message, now=house.now).taken
    house.works()
    return taken


def calls(house: House, source: Source, query: str, body: bytes = b"", token: str = SECRET.decode()) -> Taken:
    """The network calls; engine and settler work it off."""
    whole = "&".join(part for part in (urlencode({"token": token}) if token else "", query) if part)
    message = Message(source=source.source, body=body, query=whole, signature=None, posted=bool(body))
    accepted = accept_message(house.intake, message, now=house.now)
    assert accepted.in_a_word
    house.works()
    return accepted.taken


def earned(house: House) -> dict[str, int]:
    """What the partner has earned, by rule, in cents."""
    found: dict[str, int] = {}
    for journal in house.ledger.all_journals(PARTNER, "2026-03"):
        found[journal.key.rule] = found.get(journal.key.rule, 0) + journal.amount
    assert sum(found.values()) == sum(house.ledger.balance(PARTNER).amounts.values())
    return {rule: amount for rule, amount in found.items() if amount}


def kept(house: House, source: Source) -> dict[str, str]:
    """What waits for a person, by where it stood."""
    found = house.facts.every_quarantined(BRAND, source.source, DAY)
    return {each.detail.partition(":")[0]: each.reason for each in found}


def statuses(taken: Taken) -> list[str]:
    return [str(receipt.status) for receipt in taken.receipts]


# ---- Each dialect ----------------------------------------------------------------------------------------------------


def test_a_page_of_mt5_becomes_the_earnings_of_its_deals(house: House) -> None:
    source = a_source(house, "mt5", currency="EUR", time_zone="America/New_York+7")
    click = house.click(CLICKED, "203.0.113.9", LINK, PARTNER)
    house.posts(a_registration("700123", "2026-03-02T07:45:00Z", event_id="r-1", click_id=click))

    taken = posts(house, source, body_of("mt5-page.json"))

    expected = "accepted ignored accepted accepted quarantined accepted accepted ignored accepted"
    assert statuses(taken) == expected.split()
    assert [receipt.line for receipt in taken.receipts] == list(range(1, 10))
    # One deal stands (0.50 lots, 1.75 commission and 0.05 fee), the other was cancelled by the server.
    assert earned(house) == {"cpa": 20_000, "rev": 54, "lot": 250}
    assert kept(house, source) == {"line 5": "invalid_time"}
    assert not [name for name in ("Card 4411", "700123") if name in house.all_text()]

    # when the report of the same days comes as a file, with the same deals and one withdrawal that says something else
    report = a_source_of_reports(house, source)
    again = accept_rows(house.intake, source, report, dialect=dialects.of("mt5"), now=house.now, where="deals.csv")
    house.works()
    assert statuses(again) == ["duplicate", "ignored", "duplicate", "quarantined", "quarantined", "quarantined"]
    assert earned(house) == {"cpa": 20_000, "rev": 54, "lot": 250}
    assert kept(house, source) == {
        "line 5": "invalid_time",
        "deals.csv, line 5": "invalid_number",
        "deals.csv, line 6": "event_conflict",
        "deals.csv, line 7": "wrong_columns",
    }


def a_source_of_reports(house: House, source: Source) -> list[Any]:
    dialect, settings = dialects.of("mt5"), {"currency": "EUR", "time_zone": "America/New_York+7", "volume": "lots"}
    checked = dialect.settings(source.source, source.brand, settings)
    return dialect.read(body_of("mt5-report.csv"), source=checked, received_at=house.now)


def test_pages_of_ctrader_become_the_earnings_of_deals_and_cash(house: House) -> None:
    source = a_source(house, "ctrader", **samples.settings_of("ctrader-deals.json"))
    click = house.click(CLICKED, "203.0.113.9", LINK, PARTNER)
    house.posts(a_registration("17104032", "2026-03-02T08:45:00Z", click_id=click))

    deals = posts(house, source, body_of("ctrader-deals.json"))
    assert earned(house) == {"rev": 90, "lot": 250}
    cash = posts(house, source, body_of("ctrader-cash.json"))

    assert statuses(deals) == ["ignored", "accepted", "quarantined", "ignored", "quarantined"]
    assert statuses(cash) == ["accepted", "accepted", "ignored", "quarantined"]
    assert earned(house) == {"cpa": 20_000, "rev": 90, "lot": 250}
    assert kept(house, source) == {
        "line 3": "unknown_symbol",
        "line 5": "too_many_decimals",
        "line 4": "invalid_number",
    }


def test_a_deal_is_one_trade_whether_or_not_its_opening_is_said(house: House) -> None:
    source = a_source(house, "mt5", **MT5, opened_field="TimeOpen")
    deal = json.loads(body_of("mt5-page.json"))["answer"][2]
    opened = deal | {"TimeOpen": "1772449200"}
    sent = [
        deal,
        opened,
        opened | {"Deal": "9"},
        deal | {"Deal": "9"},
        opened | {"Deal": "9", "TimeOpen": "1772449201"},
    ]
    taken = posts(house, source, json.dumps(sent).encode())
    assert statuses(taken) == ["accepted", "duplicate", "accepted", "duplicate", "quarantined"]
    changed = posts(house, source, json.dumps([opened | {"Profit": "7.00"}]).encode())
    assert [receipt.code for receipt in changed.receipts] == ["event_conflict"]
    assert [event.opened_at is None for event in house.facts.events_of_client(BRAND, client("700123"))] == [True, False]


def test_a_page_of_hasoffers_becomes_the_earnings_of_its_conversions(house: House) -> None:
    source = a_source(house, "hasoffers", **samples.settings_of("hasoffers-page.json"))
    body = body_of("hasoffers-page.json", house.click(CLICKED, "203.0.113.9", LINK, PARTNER))

    taken = posts(house, source, body)

    assert statuses(taken) == [
        *("accepted", "accepted", "ignored", "quarantined", "accepted", "accepted", "quarantined")
    ]
    assert earned(house) == {"cpa": 20_000}
    assert kept(house, source) == {"line 4": "invalid_number", "line 7": "unknown_goal"}
    # when the network rejects the deposit after all, the cpa is taken back
    rejected = json.loads(body)["response"]["data"]["data"]["99602"]["Conversion"] | {"status": "rejected"}
    assert statuses(posts(house, source, json.dumps(rejected).encode())) == ["accepted"]
    assert earned(house) == {}
    # when it approves it again, nothing is paid, and a person is told: once a day, however often it is read
    for _ in range(2):
        approved = posts(house, source, json.dumps(rejected | {"status": "approved"}).encode())
        assert [(receipt.status, receipt.code) for receipt in approved.receipts] == [("quarantined", "taken_back")]
    assert earned(house) == {}
    reasons = [each.reason for each in house.facts.every_quarantined(BRAND, source.source, DAY)]
    assert reasons.count("taken_back") == 1


def test_what_was_rejected_before_it_was_ever_approved_is_told_a_person(house: House) -> None:
    source = a_source(house, "hasoffers", **samples.settings_of("hasoffers-page.json"))
    rejected = json.loads(body_of("hasoffers-page.json"))["response"]["data"]["data"]["99605"]["Conversion"]
    assert statuses(posts(house, source, json.dumps(rejected).encode())) == ["accepted"]
    approved = posts(house, source, json.dumps(rejected | {"status": "approved"}).encode())
    assert [receipt.code for receipt in approved.receipts] == ["taken_back"]


def test_a_call_that_approves_what_was_rejected_is_answered_ok_and_kept_for_a_person(house: House) -> None:
    source = a_source(house, "s2s")
    assert statuses(calls(house, source, CALL + "&status=approved")) == ["accepted"]
    assert statuses(calls(house, source, CALL + "&status=approved")) == ["duplicate"]
    assert statuses(calls(house, source, CALL + "&status=rejected")) == ["accepted"]
    assert statuses(calls(house, source, CALL)) == ["duplicate"], "it may be the first call, sent again"
    assert statuses(calls(house, source, CALL + "&status=approved")) == ["quarantined"]
    assert kept(house, source) == {"line 1": "taken_back"}


def test_calls_of_a_network_become_the_earnings_of_their_conversions(house: House) -> None:
    source = a_source(house, "s2s", **samples.settings_of("s2s-calls.txt", currency="EUR"))
    lines = body_of("s2s-calls.txt", house.click(CLICKED, "203.0.113.9", LINK, PARTNER)).decode().splitlines()

    def call(number: int) -> list[str]:
        query = lines[number - 1].removeprefix("GET /postback/network?token=secret&").removesuffix(" HTTP/1.1")
        return statuses(calls(house, source, query))

    assert call(1) == ["accepted"]
    assert call(2) == ["accepted"]
    assert earned(house) == {"cpa": 20_000}
    assert call(6) == ["accepted"], "the deposit is taken back"
    assert earned(house) == {}
    assert call(3) == ["accepted"]
    assert call(5) == ["ignored"]
    assert call(7) == ["accepted"]
    assert call(8) == ["quarantined"], "kept, and nothing for the network to mend"
    with pytest.raises(Invalid) as refused:
        call(4)
    assert refused.value.code == "unfilled_place"
    assert str(refused.value.facts["receipt"]).startswith("rcp_"), "kept as well"
    assert earned(house) == {"cpa": 20_000}
    waiting = house.facts.every_quarantined(BRAND, source.source, DAY)
    assert sorted(each.reason for each in waiting) == ["unfilled_place", "unknown_type"]

    # when everything is sent again a day later, nothing changes
    house.now += timedelta(days=1)
    assert [call(number) for number in (1, 2, 3, 6, 7)] == [["duplicate"]] * 5
    assert earned(house) == {"cpa": 20_000}


def test_lines_of_our_own_json_become_the_earnings_of_their_events(house: House) -> None:
    source = a_source(house, "json")
    click = house.click(CLICKED, "203.0.113.9", LINK, PARTNER)
    dialect, settings = settings_of(source)
    lines = dialect.each(body_of("json-events.ndjson", click), source=settings, received_at=house.now)

    taken = accept_rows(house.intake, source, lines, dialect=dialect, now=house.now, where="monday.ndjson")
    house.works()

    assert statuses(taken) == ["accepted", "accepted", "quarantined", "quarantined", "accepted"]
    assert earned(house) == {"cpa": 20_000}
    assert kept(house, source) == {"monday.ndjson, line 3": "not_a_string", "monday.ndjson, line 4": "not_json"}


# ---- The door --------------------------------------------------------------------------------------------------------

CALL = "cid=abc&event=ftd&amount=10.00&currency=EUR&txid=T1"


def test_a_call_may_come_as_a_form(house: House) -> None:
    source = a_source(house, "s2s")
    assert statuses(calls(house, source, "", CALL.encode())) == ["accepted"]
    assert statuses(calls(house, source, CALL)) == ["duplicate"]
    assert statuses(calls(house, source, "", CALL.replace("&txid", "\r\n&txid").encode())) == ["duplicate"], "one call"
    form = (urlencode({"token": SECRET.decode()}) + "&" + CALL).encode()
    assert statuses(calls(house, source, "", form, token="")) == ["duplicate"]


@pytest.mark.parametrize(
    ("token", "code"), [("", "token_missing"), ("wrong", "token_wrong"), ("ü\udc80", "token_wrong")]
)
def test_who_cannot_prove_who_it_is_is_not_heard(house: House, token: str, code: str) -> None:
    source = a_source(house, "s2s")
    query = f"token={token}&{CALL}"
    message = Message(source=source.source, body=b"", query=query, signature=None, posted=False)
    with pytest.raises(Unauthenticated) as refused:
        accept_message(house.intake, message, now=house.now)
    assert refused.value.code == code
    assert house.of_kind("event", "quarantined") == []


def test_a_token_is_good_for_its_own_source_alone_and_not_while_it_is_paused(house: House) -> None:
    paused = a_source(house, "s2s", Availability.PAUSED)
    with pytest.raises(Forbidden):
        calls(house, paused, CALL)
    with pytest.raises(NotFound):
        calls(house, Source(source="nobody", brand=BRAND, dialect="s2s", status=Availability.ACTIVE), CALL)
    signs = a_source(house, "mt5", currency="EUR", time_zone="UTC")
    with pytest.raises(Malformed) as refused:
        calls(house, signs, CALL)
    assert refused.value.code == "post_only"
    with pytest.raises(Unauthenticated):
        calls(house, signs, CALL, body=b"[]")


def test_a_call_that_says_nothing_is_told_so(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        calls(house, a_source(house, "s2s"), "")
    assert refused.value.code == "no_event"


def test_a_call_that_contradicts_an_earlier_one_is_a_conflict_and_the_first_stands(house: House) -> None:
    source = a_source(house, "s2s")
    calls(house, source, CALL)
    with pytest.raises(Conflict):
        calls(house, source, CALL.replace("10.00", "99.00"))
    [event] = house.facts.events_of_client(BRAND, client("abc"))
    assert event.amount == 1_000
    assert kept(house, source) == {"line 1": "event_conflict"}


def test_a_call_with_a_time_of_its_own_is_held_to_it(house: House) -> None:
    source = a_source(house, "s2s")
    timed = CALL + "&timestamp="
    assert statuses(calls(house, source, timed + "1772445600")) == ["accepted"]
    assert statuses(calls(house, source, timed + "1772445600")) == ["duplicate"]
    with pytest.raises(Conflict):
        calls(house, source, timed + "1772445601")


def test_what_waits_for_a_person_waits_once_a_day_however_often_it_is_read(house: House) -> None:
    source = a_source(house, "mt5", currency="EUR", time_zone="UTC")
    body = body_of("mt5-page.json")
    for hours in (0, 1, 2):
        house.now += timedelta(hours=hours)
        posts(house, source, body)
    assert len(list(house.facts.every_quarantined(BRAND, source.source, DAY))) == 1


@pytest.mark.parametrize(
    ("dialect", "settings", "rows", "reason"),
    [
        ("json", {}, b'{"a": 1}\n{"event_id": "e1", "cli\n{"event_id": "e2", "cli\n{"b": 2}\n', "not_json"),
        ("mt5", MT5, b"Deal,Login\n1,7,ann\n1,7,bob\n", "wrong_columns"),
        ("mt5", MT5, b'[{"Deal": 1, "Login": 7}, {"Deal": 1, "Login": 8}]', "unknown_row"),
        ("s2s", {}, b"cid=\xff&txid=1\ncid=\xff&txid=2\n", "not_utf8"),
        ("s2s", {}, b"txid={id}&event=reg&email=a@b.c\ntxid={id}&event=reg&email=d@b.c", "unfilled_place"),
    ],
)  # fmt: skip
def test_rows_that_read_the_same_when_names_are_withheld_each_wait_for_a_person(
    house: House, dialect: str, settings: dict[str, Any], rows: bytes, reason: str
) -> None:
    source = a_source(house, dialect, **settings)
    for _ in range(2):
        language, told = settings_of(source)
        lines = language.read(rows, source=told, received_at=house.now)
        accept_rows(house.intake, source, lines, dialect=language, now=house.now)
    found = [each for each in house.facts.every_quarantined(BRAND, source.source, DAY) if each.reason == reason]
    assert len(found) == len({each.message for each in found}) + 1 == 2
    assert not [name for name in ("ann", "bob", "a@b.c") if name in house.all_text()]


def test_a_row_of_thousands_of_fields_is_kept_in_a_part_that_can_be_stored(house: House) -> None:
    source = a_source(house, "json")
    dialect, settings = settings_of(source)
    wide = {"event_id": "e1", "type": "kyc", "client_id": "c1"} | {f"field {n}": "x" * 300 for n in range(3000)}
    lines = dialect.read(json.dumps([wide]).encode(), source=settings, received_at=house.now)
    assert statuses(accept_rows(house.intake, source, lines, dialect=dialect, now=house.now)) == ["quarantined"]
    [item] = house.of_kind("quarantined")
    assert (item["reason"], len(json.loads(item["message"]))) == ("too_many_fields", 100)


def test_a_message_with_too_many_rows_is_taken_in_no_part(house: House) -> None:
    source = a_source(house, "mt5", currency="EUR", time_zone="UTC")
    deal = json.loads(body_of("mt5-page.json"))["answer"][0]
    with pytest.raises(Exception, match=f"{MOST_ROWS} are accepted") as refused:
        posts(house, source, json.dumps([{"Deal": deal["Deal"]}] * (MOST_ROWS + 1)).encode())
    assert refused.value.code == "too_many_rows"  # type: ignore[attr-defined]
    assert house.of_kind("event", "quarantined") == []


def test_a_source_that_is_set_up_wrongly_asks_its_platform_to_wait(house: House) -> None:
    for dialect in ("mt5", "klingon"):
        with pytest.raises(Unavailable) as refused:
            posts(house, a_source(house, dialect), b"[]")
        assert refused.value.code == "source_settings"


def test_what_is_said_of_an_erased_client_is_kept_without_saying_who_it_is(house: House) -> None:
    source = a_source(house, "s2s")
    house.memory.client.put_item(TableName="facts", Item=_erased("abc"))
    calls(house, source, CALL + "&ip=203.0.113.9&account=77")
    [event] = house.facts.events_of_client(BRAND, client("abc"))
    assert (event.address_hash, event.account) == (None, None)
    with pytest.raises(Invalid):
        calls(house, source, "cid=abc&event=ftd&amount=x1&currency=EUR&txid=T2&ip=203.0.113.9")
    with pytest.raises(Invalid):
        calls(house, source, "cid=abc&event=ftd&amount=1.001&currency=EUR&txid=T4&ip=203.0.113.9&account=77")
    calls(house, source, "cid=abc&event=dance&txid=T3&ip=203.0.113.9&account=77")
    for item in house.of_kind("quarantined"):
        said = json.loads(item["message"])
        assert "77" not in said.values() and said.get("ip", "…") == "…"


def _erased(platform_id: str) -> dict[str, Any]:
    from introducer.store import keys

    key = keys.key("erased", brand=BRAND, client=client(platform_id))
    return {keys.PK: {"S": key.pk}, keys.SK: {"S": key.sk}}


def test_receipts_of_rows_say_their_line_and_nothing_that_is_empty(house: House) -> None:
    source = a_source(house, "mt5", currency="EUR", time_zone="UTC")
    first, second = [receipt.document() for receipt in posts(house, source, body_of("mt5-page.json")).receipts[:2]]
    assert first.keys() == {"line", "event_id", "status", "receipt"}
    assert second == {
        "line": 2,
        "event_id": None,
        "status": str(Status.IGNORED),
        "code": "opens",
        "detail": "A position was opened: it counts when it is closed.",
    }
