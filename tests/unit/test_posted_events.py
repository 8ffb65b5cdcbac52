"""The event model: digests tell a repeat from a contradiction, and nothing that names a person goes through."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.errors import Invalid
from introducer.domain.events import LOT, Event, EventType
from introducer.domain.identity import brand_key
from introducer.domain.money import DECIMALS, decimal_string
from introducer.sources.events import FUTURE, MODELS, UnknownType, read_event, redacted, to_event

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = brand_key(b"secret", "brd_one")


def taken(message: dict[str, Any], source: str = "meta", accepted_at: datetime = NOW) -> Event:
    return to_event(read_event(message, NOW), brand="brd_one", source=source, brand_key=KEY, accepted_at=accepted_at)


def a_trade(**changes: Any) -> dict[str, Any]:
    return {
        "event_id": "t1",
        "type": "trade",
        "client_id": "10234",
        "account": "900",
        "currency": "EUR",
        "lots": "0.10",
        "symbol": "EURUSD",
        "opened_at": "2026-03-02T09:00:00Z",
        "closed_at": "2026-03-02T09:30:00Z",
        "spread": "1.20",
        "pnl": "-3.15",
    } | changes


def a_registration(**changes: Any) -> dict[str, Any]:
    message = {"event_id": "reg-1", "type": "registration", "client_id": "10234"}
    return {**message, "occurred_at": "2026-03-02T09:00:00Z", **changes}


def test_there_is_a_model_for_every_type() -> None:
    assert set(MODELS) == set(EventType) - {EventType.MOVE, EventType.VERDICT, EventType.LEAD}, "staff decide these"


@given(currency=st.sampled_from(sorted(DECIMALS)), minor=st.integers(1, 10**12 - 1), zeros=st.integers(0, 3))
def test_an_amount_is_taken_to_the_minor_unit_in_every_currency(currency: str, minor: int, zeros: int) -> None:
    amount = decimal_string(minor, currency)
    amount += "0" * zeros if "." in amount else ""
    event = taken(
        {
            "event_id": "e",
            "type": "deposit",
            "client_id": "c",
            "occurred_at": "2026-03-01T00:00:00Z",
            "currency": currency,
            "amount": amount,
        }
    )
    assert (event.amount, event.currency) == (minor, currency)


@given(units=st.integers(1, 999_999_999 * LOT))
def test_lots_are_taken_to_the_last_of_eight_decimals(units: int) -> None:
    assert taken(a_trade(lots=f"{units // LOT}.{units % LOT:08}")).lots == units


@pytest.mark.parametrize(
    "same",
    [
        {"lots": "0.1"},
        {"lots": "0.10000000"},
        {"spread": "1.2"},
        {"swap": "0"},
        {"commission": "0.00"},
        {"commission": None},
        {"commission": "-0.00"},
        {"occurred_at": "2026-03-02T09:30:00Z"},
        {"closed_at": "2026-03-02T10:30:00+01:00"},
        {"closed_at": "2026-03-02T09:30:00.000400Z"},
        {"country": None},
    ],
)
def test_what_means_the_same_has_the_same_digest(same: dict[str, Any]) -> None:
    assert taken(a_trade(**same)).digest == taken(a_trade()).digest


@pytest.mark.parametrize(
    "other",
    [
        {"lots": "0.11"},
        {"spread": "1.21"},
        {"pnl": "3.15"},
        {"currency": "USD"},
        {"symbol": "eurusd"},
        {"account": "901"},
        {"country": "DE"},
        {"email": "ann@example.com"},
        {"closed_at": "2026-03-02T09:30:00.001Z"},
        {"opened_at": "2026-03-02T09:00:01Z"},
        {"occurred_at": "2026-03-02T09:30:01Z"},
        {"click_id": "x"},
    ],
)
def test_what_means_something_else_has_another_digest(other: dict[str, Any]) -> None:
    assert taken(a_trade(**other)).digest != taken(a_trade()).digest


def test_what_the_server_adds_is_not_part_of_the_digest() -> None:
    later = taken(a_trade(), source="other", accepted_at=NOW + timedelta(days=1))
    assert later.digest == taken(a_trade()).digest
    assert later != taken(a_trade())


def test_a_digest_never_changes_because_stored_ones_must_be_met_again() -> None:
    """Hand-made: SHA-256 of `{"amount":100,"currency":"EUR","occurred_at":1772323200000,"type":"deposit"}`."""
    message = {
        "event_id": "e",
        "type": "deposit",
        "client_id": "c",
        "occurred_at": "2026-03-01T00:00:00Z",
        "currency": "EUR",
        "amount": "1.00",
    }
    assert taken(message).digest == "dad71deaed1a4c19f4877efeac4a1898ed969b63c5496012a4cf24c4e5718292"


def test_two_types_never_say_the_same() -> None:
    money = {
        "event_id": "e",
        "client_id": "c",
        "occurred_at": "2026-03-01T00:00:00Z",
        "currency": "EUR",
        "amount": "1.00",
    }
    digests = {taken({**money, "type": kind}).digest for kind in ("deposit", "withdrawal", "credit", "chargeback")}
    assert len(digests) == 4


def test_an_event_holds_nothing_that_names_a_person() -> None:
    event = taken(a_trade(email="Ann@Example.com", phone="+49301234567", ip="203.0.113.9", device="fp-77"))
    text = str(asdict(event)).lower()
    for personal in ("10234", "ann@", "1234567", "203.0.113", "fp-77"):
        assert personal not in text
    hashes = [event.client, event.email_hash, event.phone_hash, event.address_hash, event.device_hash]
    assert len(set(hashes)) == 5 and None not in hashes


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (1, False)])
def test_a_platforms_clock_may_be_ten_minutes_ahead(seconds: int, good: bool) -> None:
    message = {"event_id": "e", "type": "registration", "client_id": "c"}
    message["occurred_at"] = (NOW + FUTURE + timedelta(seconds=seconds)).isoformat()
    if good:
        assert taken(message).occurred_at == NOW + FUTURE
    else:
        with pytest.raises(Invalid) as raised:
            taken(message)
        assert raised.value.code == "in_the_future"


def test_a_sentence_about_a_wrong_value_does_not_repeat_what_names_a_person() -> None:
    with pytest.raises(Invalid) as raised:
        taken(a_trade(email="ann at example", phone="ann", ip="ann", client_id="ann\n"))
    assert len(raised.value.facts["errors"]) == 4  # type: ignore[arg-type]
    assert "ann" not in raised.value.detail


def test_braces_in_a_value_are_only_braces() -> None:
    with pytest.raises(Invalid) as raised:
        taken(a_trade(pnl="{detail}{0}"))
    assert "'{detail}{0}'" in raised.value.detail


def test_an_unknown_type_is_told_from_a_wrong_message() -> None:
    with pytest.raises(UnknownType):
        read_event({"type": "bonus", "event_id": "e"}, NOW)
    with pytest.raises(Invalid) as raised:
        read_event({"type": "bonus", "event_id": ""}, NOW)
    assert not isinstance(raised.value, UnknownType)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=("Cs",)), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    odd=st.dictionaries(st.sampled_from(["full_name", "email", "ip", "notes", "client_id", "card"]), VALUES, max_size=6)
)
def test_what_is_kept_of_an_unknown_message_has_only_what_is_known_to_be_harmless(
    odd: dict[str, Any],
) -> None:
    kept = redacted({"type": "bonus", "event_id": "e", "amount": "5.00", **odd}, KEY)
    assert (kept["type"], kept["event_id"], kept["amount"]) == ("bonus", "e", "5.00")
    assert kept.keys() == {"type", "event_id", "amount", *odd}
    for name, value in odd.items():
        assert (kept[name] is None) if value is None else (kept[name].startswith("#") and len(kept[name]) == 23)


def test_the_same_person_is_the_same_hash_in_quarantine_as_in_an_event() -> None:
    personal = {
        "client_id": "10234",
        "email": "Ann@Example.com",
        "ip": "::ffff:203.0.113.9",
        "phone": "0049301234567",
    }
    kept, event = redacted(personal, KEY), taken(a_trade(**personal))
    assert kept == {
        "client_id": f"#{event.client}",
        "email": f"#{event.email_hash}",
        "ip": f"#{event.address_hash}",
        "phone": f"#{event.phone_hash}",
    }


def test_a_long_or_nested_value_of_a_known_field_is_hashed_too() -> None:
    kept = redacted({"symbol": "x" * 201, "account": {"name": "Ann"}, "lots": "1"}, KEY)
    assert kept["symbol"].startswith("#") and kept["account"].startswith("#") and kept["lots"] == "1"


def test_a_registration_says_which_network_make_of_address_and_provider_it_has() -> None:
    posted = a_registration(email="jo.hill7@mailinator.com", ip="203.0.113.9")
    other = a_registration(email="jo.hill8@mailinator.com", ip="203.0.113.200")

    one, two = taken(posted), taken(other)

    assert one.prefix_hash == two.prefix_hash is not None
    assert one.pattern_hash == two.pattern_hash is not None
    assert one.disposable == two.disposable == 1
    assert one.email_hash != two.email_hash
    assert one.address_hash != two.address_hash


def test_what_the_server_makes_of_an_address_is_no_part_of_what_was_sent() -> None:
    """A list of providers that grows must not make a repeated message a contradiction."""
    posted = a_registration(email="jo.hill7@mailinator.com")

    with_list = taken(posted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("introducer.sources.events.is_disposable", lambda email: False)
        without = taken(posted)

    assert (with_list.disposable, without.disposable) == (1, None)
    assert with_list.digest == without.digest
