"""The ECB's files: the real ones are read, anything else is refused; fetching them from a server that misbehaves."""

from __future__ import annotations

import contextlib
import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Conflict, Invalid, Unavailable
from introducer.gateways import ecb
from introducer.gateways.ecb import Ecb, Published, publishes_on, read_history, read_xml
from introducer.services.fetch_rates import days_behind, fetch_rates, is_due
from tests.support.bank import Server, a_bank, sending, xml

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FRIDAY, MONDAY = "2026-02-27", "2026-03-02"


def recorded(name: str) -> bytes:
    """A file that the bank published."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the recorded file {name} is not on this machine")
    return path.read_bytes()


ONE_DAY: Published = {MONDAY: {"USD": "1.1698", "JPY": "184.00"}}


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_the_banks_daily_xml_is_read() -> None:
    (found,) = read_xml(recorded("eurofxref-daily.xml")).items()
    assert found[0] == "2025-05-09"
    assert len(found[1]) == 30
    assert (found[1]["USD"], found[1]["GBP"], found[1]["IDR"]) == ("1.1252", "0.84770", "18606.59")


def test_the_banks_history_is_read_and_agrees_with_its_other_files() -> None:
    history = read_history(recorded("eurofxref-hist.zip"))
    assert (len(history), min(history), max(history)) == (6983, "1999-01-04", "2026-04-13")
    assert "BGN" not in history["2026-04-13"]  # N/A since Bulgaria has the euro
    for other in (read_xml(recorded("eurofxref-daily.xml")), read_history(recorded("eurofxref.csv"))):
        ((day, per_euro),) = other.items()
        assert {name: Decimal(units) for name, units in per_euro.items()} == {
            name: Decimal(units) for name, units in history[day].items()
        }


def test_the_history_is_the_same_zipped_or_not() -> None:
    packed = recorded("eurofxref-hist.zip")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        plain = archive.read("eurofxref-hist.csv")
    assert read_history(plain) == read_history(packed)


def test_holes_and_the_comma_at_the_end_are_the_banks() -> None:
    text = b"Date,USD,JPY,SIT,HRK,\n2026-03-02,1.1698,184.00,N/A,,\n2026-02-27,1.1805,N/A,239.64,7.5,\n"
    # The tolar and the kuna went: ISO 4217 lists them no more, and nothing can be priced in them.
    assert read_history(text) == {MONDAY: {"USD": "1.1698", "JPY": "184.00"}, FRIDAY: {"USD": "1.1805"}}


def test_an_xml_of_many_days_is_read() -> None:
    days = {MONDAY: {"USD": "1.1698"}, FRIDAY: {"USD": "1.1805", "JPY": "184.13"}}
    assert read_xml(xml(days)) == days


BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(12))
    + "]>"
)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no element found"),
        (b"<html><body>Service unavailable</body></html>", "no gesmes:Envelope"),
        (xml(ONE_DAY)[:-40], "ECB's XML"),
        (xml(ONE_DAY, before=BOMB), "document type"),
        (xml(ONE_DAY, before="<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"), "document type"),
        (xml(ONE_DAY, after="&m;"), "undefined entity"),
        (xml(ONE_DAY, after="<script/>"), "'script' where the bank has none"),
        (xml(ONE_DAY, after="<Cube><Cube><Cube/></Cube></Cube>"), "attributes"),
        (xml(ONE_DAY, after=f"<Cube><Cube time='{MONDAY}'/></Cube>"), "stands twice"),
        (xml({}), "no days"),
        (xml({"2026-02-30": {"USD": "1"}}), "day"),
        (xml({"20260302": {"USD": "1"}}), "2026-03-02"),
        (xml({MONDAY: {"JPY": "184.00"}}), "no US dollar"),
        (xml({MONDAY: {"USD": "1.1", "usd": "1.1"}}), "no currency"),
        *(
            (xml({MONDAY: {"USD": units}}), "no rate")
            for units in ("0", "0.00", "-1", "1,17", "1e3", "", "NaN", "1" * 13)
        ),
    ],
)
def test_what_is_not_the_banks_xml_is_refused(data: bytes, says: str) -> None:
    started = time.monotonic()
    with pytest.raises(Invalid, match=says) as refusal:
        read_xml(data)
    assert refusal.value.code == "invalid_rates_file"
    assert time.monotonic() - started < 2  # nothing was expanded


def zipped(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


CSV = b"Date,USD,\n2026-03-02,1.1698,\n"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin with Date"),
        (b"Date,USD,\n", "no days"),
        (b"Date,USD,USD,\n2026-03-02,1,1,\n", "each currency once"),
        (b"Date,US dollar,\n2026-03-02,1,\n", "each currency once"),
        (b"Date,USD,\n2026-03-02,1.1698\n", "argument"),
        (b"Date,USD,\n\n", "unpack"),
        (CSV + b"2026-03-02,1.1698,\n", "stands twice"),
        (CSV + b"02/03/2026,1.1698,\n", "isoformat"),
        (CSV + b"30 February 2026,1.1698,\n", "day"),
        (CSV + b"2026-02-27,N/A,\n", "no US dollar"),
        (CSV + b"2026-02-27,1.1.8,\n", "no rate"),
        (b"\xff\xfe" + CSV, "codec"),
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "one CSV"),
        (zipped(("a.txt", CSV)), "one CSV"),
        (zipped(("bomb.csv", b"0" * (ecb.LARGEST_UNZIPPED + 1))), "larger"),
    ],
)
def test_what_is_not_the_banks_csv_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        read_history(data)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 40))
def test_a_damaged_file_is_refused_or_read_but_nothing_else(noise: bytes, place: int, cut: int) -> None:
    for read, good in ((read_xml, xml(ONE_DAY)), (read_history, CSV), (read_history, zipped(("a.csv", CSV)))):
        damaged = good[: place % len(good)] + noise + good[place % len(good) + cut :]
        with contextlib.suppress(Invalid):
            assert all("USD" in per_euro for per_euro in read(damaged).values())


# ---- the calendar ----------------------------------------------------------------------------------------------------


def test_the_calendar_says_of_every_day_since_2002_whether_the_bank_published() -> None:
    published = read_history(recorded("eurofxref-hist.zip"))
    day, wrong = date(2002, 1, 1), []
    while day <= date(2026, 4, 13):
        if publishes_on(day.isoformat()) != (day.isoformat() in published):
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


@pytest.mark.parametrize("day", ["2026-02-28", "2026-04-03", "2026-04-06", "2026-05-01", "2025-12-26", "2027-01-01"])
def test_the_bank_is_closed_on_weekends_and_target_holidays(day: str) -> None:
    assert not publishes_on(day)


@pytest.mark.parametrize("day", ["2026-02-27", "2026-04-02", "2026-04-07", "2025-12-24", "2025-12-31", "2028-02-29"])
def test_the_bank_is_open_on_the_others(day: str) -> None:
    assert publishes_on(day)


# ---- fetching --------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    with a_bank(sending(xml(ONE_DAY))) as server:
        yield server


def test_each_file_has_its_name_in_the_folder(server: Server) -> None:
    bank = Ecb(server.url, time.monotonic)
    assert bank.daily() == bank.last_90_days() == ONE_DAY
    server.answer = sending(zipped(("eurofxref-hist.csv", CSV)))
    assert bank.history() == {MONDAY: {"USD": "1.1698"}}
    assert server.asked == [f"/stats/eurofxref-{name}" for name in ("daily.xml", "hist-90d.xml", "hist.zip")]


@pytest.mark.parametrize("status", [204, 304, 403, 404, 500, 503])
def test_another_status_is_to_be_tried_again(server: Server, status: int) -> None:
    server.answer = sending(b"" if status in (204, 304) else xml(ONE_DAY), status)
    with pytest.raises(Unavailable, match=f"status {status}"):
        Ecb(server.url, time.monotonic).daily()


def test_a_packed_answer_is_not_taken(server: Server) -> None:
    server.answer = sending(xml(ONE_DAY), Content_Encoding="gzip")
    with pytest.raises(Unavailable, match="unexpected form"):
        Ecb(server.url, time.monotonic).daily()


def test_an_answer_that_breaks_off_is_to_be_tried_again(server: Server) -> None:
    server.answer = sending(xml(ONE_DAY), Content_Length="5000")
    with pytest.raises(Unavailable):
        Ecb(server.url, time.monotonic).daily()


def test_a_silent_server_is_given_up(server: Server) -> None:
    server.answer = lambda handler: time.sleep(3)
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"TimeoutError|timeout"):
        Ecb(server.url, time.monotonic, step=0.2).daily()
    assert time.monotonic() - started < 2


def test_a_server_that_drips_is_given_up(server: Server) -> None:
    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for byte in xml(ONE_DAY):
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)

    server.answer = dripping
    started = time.monotonic()
    with pytest.raises(Unavailable, match="more than"):
        Ecb(server.url, time.monotonic, whole=0.4).daily()
    assert time.monotonic() - started < 3


def test_ten_megabytes_are_not_read(server: Server) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(160):
            handler.wfile.write(b" " * 65_536)

    server.answer = flood
    with pytest.raises(Invalid, match="larger"):
        Ecb(server.url, time.monotonic).daily()


def test_an_entity_bomb_is_refused(server: Server) -> None:
    server.answer = sending(xml(ONE_DAY, before=BOMB))
    with pytest.raises(Invalid, match="document type"):
        Ecb(server.url, time.monotonic).daily()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(server: Server, status: int) -> None:
    other = Server(sending(xml(ONE_DAY)))
    server.answer = sending(b"", status, Location=f"{other.url}eurofxref-daily.xml")
    with pytest.raises(Unavailable, match=f"status {status}"):
        Ecb(server.url, time.monotonic).daily()
    other.close()
    assert other.asked == []


def test_a_redirect_to_a_file_of_this_machine_is_not_followed(server: Server) -> None:
    server.answer = sending(b"", 302, Location="file:///etc/hostname")
    with pytest.raises(Unavailable):
        Ecb(server.url, time.monotonic).daily()


def test_a_redirect_within_the_host_is_followed_but_not_for_ever(server: Server) -> None:
    def moved(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/new.xml":
            sending(xml(ONE_DAY))(handler)
        else:
            sending(b"", 302, Location="/new.xml")(handler)

    server.answer = moved
    assert Ecb(server.url, time.monotonic).daily() == ONE_DAY
    server.asked.clear()
    server.answer = sending(b"", 302, Location="eurofxref-daily.xml")
    with pytest.raises(Unavailable):
        Ecb(server.url, time.monotonic).daily()
    assert len(server.asked) < 8


def test_nobody_there_is_to_be_tried_again(server: Server) -> None:
    server.close()
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        Ecb(server.url, time.monotonic).daily()


def test_no_proxy_of_the_environment_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Server(sending(xml(ONE_DAY)))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Ecb(server.url, time.monotonic).daily() == ONE_DAY
    other.close()
    assert other.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://www.ecb.europa.eu/stats/eurofxref/",
        "http://127.0.0.1.example/x/",
        "https:///x/",
        "ftp://127.0.0.1/x/",
        "file:///tmp/",
        "https://www.ecb.europa.eu/stats/eurofxref",
        "",
    ],
)
def test_only_a_folder_over_tls_or_on_this_machine_is_asked(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Ecb(url, time.monotonic)
    assert refusal.value.code == "invalid_feed_url"


# ---- which days become known, and when -------------------------------------------------------------------------------


class Rates:
    """Stored days, put in order and never changed, as `store.rates.RateStore` has them (its own tests say so)."""

    def __init__(self, complete: str | None, days: Published | None = None) -> None:
        self.days: dict[str, dict[str, str]] = dict(days or {})
        if complete is not None:
            self.days.setdefault(complete, {})

    def completed_through(self, feed: str) -> str | None:
        return max(self.days, default=None)

    def day(self, feed: str, day: str) -> dict[str, str] | None:
        return self.days.get(day)

    def put_day(self, feed: str, day: str, per_euro: dict[str, str]) -> None:
        last = self.completed_through(feed)
        if last is not None and date.fromisoformat(day) > date.fromisoformat(last) + timedelta(days=1):
            raise Conflict("a gap", code="rates_gap")
        if self.days.setdefault(day, dict(per_euro)) != dict(per_euro):
            raise Conflict("differs", code="rates_differ")


class Bank:
    """Has published these days. Publishes at 15:00 UTC."""

    def __init__(self, *days: str, units: str = "1.17") -> None:
        self.published: Published = {day: {"USD": units} for day in sorted(days, reverse=True)}
        self.asked: list[str] = []

    def daily(self) -> Published:
        self.asked.append("daily")
        newest = max(self.published)
        return {newest: self.published[newest]}

    def last_90_days(self) -> Published:
        self.asked.append("90 days")
        oldest = (date.fromisoformat(max(self.published)) - timedelta(days=90)).isoformat()
        return {day: rates for day, rates in self.published.items() if day >= oldest}

    def history(self) -> Published:
        self.asked.append("history")
        return dict(self.published)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fetch(rates: Rates, bank: Bank, when: str) -> Any:
    return fetch_rates(rates, bank, now=moment(when))  # type: ignore[arg-type]


def test_a_days_rates_are_stored_that_evening() -> None:
    rates, bank = Rates("2026-02-26"), Bank("2026-02-26", FRIDAY)
    found = fetch(rates, bank, "2026-02-27 15:05")
    assert (found.complete, found.new_days, found.changed, bank.asked) == (FRIDAY, 1, (), ["daily"])


def test_the_bank_is_not_asked_when_it_can_have_nothing_new() -> None:
    bank = Bank(FRIDAY)
    for complete, when in [
        ("2026-02-26", "2026-02-27 13:59"),  # not yet
        (FRIDAY, "2026-02-27 22:00"),  # there already
        (FRIDAY, "2026-02-28 16:00"),  # Saturday is not over
    ]:
        assert fetch(Rates(complete), bank, when).new_days == 0
    assert bank.asked == []


def test_a_closed_day_is_written_down_when_it_is_over() -> None:
    rates, bank = Rates(FRIDAY, {FRIDAY: {"USD": "1.17"}}), Bank(FRIDAY)
    assert fetch(rates, bank, "2026-02-28 23:59").complete == FRIDAY
    assert fetch(rates, bank, "2026-03-01 00:00").complete == "2026-02-28"
    assert fetch(rates, bank, "2026-03-02 00:00").complete == "2026-03-01"
    assert rates.days["2026-02-28"] == rates.days["2026-03-01"] == {}


def test_easter_is_closed_day_by_day() -> None:
    rates, bank = Rates("2026-04-02", {"2026-04-02": {"USD": "1.17"}}), Bank("2026-04-02")
    for day, complete in [("04", "03"), ("05", "04"), ("06", "05"), ("07", "06")]:
        assert fetch(rates, bank, f"2026-04-{day} 00:01").complete == f"2026-04-{complete}"


def test_a_working_day_without_its_publication_stays_open_until_it_comes() -> None:
    rates, bank = Rates("2026-03-01"), Bank(FRIDAY)
    for when in ("2026-03-02 18:00", "2026-03-03 00:01", "2026-03-03 12:00"):
        assert fetch(rates, bank, when).complete == "2026-03-01"
    assert days_behind("2026-03-01", moment("2026-03-03 12:00")) == 1
    late = Bank(FRIDAY, MONDAY)
    assert fetch(rates, late, "2026-03-03 12:15").complete == MONDAY


def test_a_working_day_that_the_bank_left_out_is_closed_by_its_next_publication() -> None:
    rates, bank = Rates("2026-03-01"), Bank(FRIDAY, "2026-03-03")
    assert fetch(rates, bank, "2026-03-03 15:00").complete == "2026-03-03"
    assert (rates.days[MONDAY], rates.days["2026-03-03"]) == ({}, {"USD": "1.17"})
    assert bank.asked == ["daily", "90 days"]


def test_the_first_run_begins_with_last_year() -> None:
    rates, bank = Rates(None), Bank("1999-01-04", "2024-12-31", "2025-01-02", MONDAY)
    found = fetch(rates, bank, "2026-03-02 16:00")
    assert bank.asked == ["history"]
    assert (min(rates.days), rates.days["2025-01-01"], found.new_days) == ("2025-01-01", {}, 426)


@pytest.mark.parametrize(
    ("complete", "asked"),
    [
        ("2026-03-01", ["daily"]),
        (FRIDAY, ["daily"]),
        ("2026-02-26", ["daily", "90 days"]),
        ("2025-11-30", ["daily", "90 days", "history"]),
    ],
)
def test_the_smallest_file_that_leaves_no_gap_is_fetched(complete: str, asked: list[str]) -> None:
    days = (date(2025, 6, 1) + timedelta(days=n) for n in range(275))
    bank, rates = Bank(*(day.isoformat() for day in days if publishes_on(day.isoformat()))), Rates(complete)
    assert fetch(rates, bank, "2026-03-02 16:00").complete == MONDAY
    assert bank.asked == asked
    assert {day for day, found in rates.days.items() if found} == {day for day in bank.published if day > complete}


def test_a_changed_figure_is_told_and_not_taken() -> None:
    rates = Rates(None, {FRIDAY: {"USD": "1.17"}, "2026-02-28": {}, "2026-03-01": {}})
    bank = Bank(FRIDAY, units="1.18")
    assert fetch(rates, bank, "2026-03-02 14:00").changed == (FRIDAY,)
    assert rates.days[FRIDAY] == {"USD": "1.17"}
    # and what is new is stored all the same
    found = fetch(rates, Bank(FRIDAY, MONDAY, units="1.18"), "2026-03-02 15:00")
    assert (found.complete, rates.days[MONDAY]) == (MONDAY, {"USD": "1.18"})


def test_rates_of_a_day_that_is_known_to_have_none_are_told_and_not_taken() -> None:
    rates = Rates(None, {FRIDAY: {"USD": "1.17"}, "2026-02-28": {}, "2026-03-01": {}})
    assert fetch(rates, Bank("2026-03-01"), "2026-03-02 14:00").changed == ("2026-03-01",)
    assert rates.days["2026-03-01"] == {}


def test_the_same_figure_written_otherwise_is_no_change() -> None:
    rates = Rates(None, {FRIDAY: {"USD": "1.1700"}, "2026-02-28": {}, "2026-03-01": {}})
    assert fetch(rates, Bank(FRIDAY, units="1.17"), "2026-03-02 14:00").changed == ()


def test_rates_of_tomorrow_are_refused() -> None:
    rates = Rates("2026-03-01")
    with pytest.raises(Invalid, match="not begun"):
        fetch(rates, Bank("2026-03-03"), "2026-03-02 16:00")
    assert rates.completed_through("ECB") == "2026-03-01"


def test_another_run_in_between_is_harmless() -> None:
    # given a run that finds the day stored just when it stores it, with the same and with other figures
    for units, changed in (("1.17", ()), ("1.16", (MONDAY,))):
        rates, bank = Rates("2026-03-01"), Bank(FRIDAY, MONDAY)
        bank.daily = lambda rates=rates, units=units: (  # type: ignore[method-assign]
            rates.days.update({MONDAY: {"USD": units}}) or {MONDAY: {"USD": "1.17"}}
        )
        assert fetch(rates, bank, "2026-03-02 15:00").changed == changed
        assert rates.days[MONDAY] == {"USD": units}


def test_another_run_between_the_look_and_the_write_is_harmless() -> None:
    # given a store in which another run's day appears at the very moment of the put
    class Raced(Rates):
        def put_day(self, feed: str, day: str, per_euro: dict[str, str]) -> None:
            self.days.setdefault(day, {"USD": "1.16"})
            super().put_day(feed, day, per_euro)

    rates = Raced("2026-03-01")
    found = fetch(rates, Bank(FRIDAY, MONDAY), "2026-03-02 15:00")
    assert (found.complete, found.new_days, found.changed) == (MONDAY, 0, (MONDAY,))
    assert rates.days[MONDAY] == {"USD": "1.16"}


def test_what_is_stored_does_not_depend_on_when_it_was_fetched() -> None:
    # given the bank's real publications around a turn of the year, and two installations that ask at other hours
    published = read_history(recorded("eurofxref-hist.zip"))
    stored = []
    for hours in (1, 7, 31, 100):
        rates, now = Rates("2025-12-15"), moment("2025-12-16 00:30")
        while now <= moment("2026-01-20 00:30"):
            known = [day for day in published if day >= "2025-11-01" and moment(f"{day} 15:00") <= now]
            bank = Bank()
            bank.published = {day: published[day] for day in known}
            fetch_rates(rates, bank, now=now)  # type: ignore[arg-type]
            assert all(rates.days.get(day, published[day]) == published[day] for day in known if day > "2025-12-15")
            now += timedelta(hours=hours)
        stored.append({day: found for day, found in rates.days.items() if day <= "2026-01-15"})
    assert all(each == stored[0] for each in stored)
    assert len(stored[0]) == 32


def test_being_due_and_behind_are_told_by_the_utc_day() -> None:
    assert is_due(None, moment("2026-03-02 00:00"))
    assert is_due("2026-02-28", moment("2026-03-02 00:00"))
    assert not is_due("2026-03-01", moment("2026-03-02 00:00"))
    assert days_behind(None, moment("2026-03-02 00:00")) == 1
    assert days_behind("2026-03-01", moment("2026-03-02 00:00")) == 0
    assert days_behind("2026-03-02", moment("2026-03-02 20:00")) == 0
    assert days_behind(FRIDAY, moment("2026-03-02 00:00")) == 2
