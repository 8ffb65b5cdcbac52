"""The text of an API key, its scopes, and the bucket that counts its requests."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.api_key import (
    AREAS_OF_DESK,
    AREAS_OF_PARTNER,
    SECRET_BYTES,
    ApiKey,
    checked_scopes,
    hash_of,
    is_secret,
    read_text,
    scopes_for,
    secret_of,
    text_of,
)
from introducer.domain.configuration import Role
from introducer.domain.errors import Invalid
from introducer.domain.ids import new_id
from introducer.domain.rate_limit import Limit, ask

NOW = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
FORM = r"ink_[0-9A-HJKMNP-TV-Z]{26}[0-9A-Za-z]{38}"
"""What docs/api-keys.md tells secret scanners."""


def a_key(**other: object) -> ApiKey:
    given = {"secret_hash": hash_of("s"), "scopes": ("links:read",), "expires_at": None, "revoked_at": None} | other
    return ApiKey(
        key="key_" + "0" * 26, of="par_1", brand="brd_1", partner="par_1", role=Role.OWNER, name="n", created=NOW,
        created_by="sub", **given,  # type: ignore[arg-type]
    )  # fmt: skip


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10), st.binary(min_size=24, max_size=24))
def test_a_text_is_read_back_and_any_slip_is_found(at: int, chance: bytes, more: bytes) -> None:
    key, secret = new_id("key", at, chance), secret_of(more)
    text = text_of(key, secret)
    assert re.fullmatch(FORM, text) and read_text(text) == (key, secret)
    for place in (4, 17, 33, 61, 63, 67):
        swapped = "1" if text[place] != "1" else "2"
        assert read_text(text[:place] + swapped + text[place + 1 :]) is None
    assert read_text(text + "\n") is None and read_text(text[:-1]) is None


def test_a_secret_has_as_much_chance_as_it_says_and_every_byte_of_it_counts() -> None:
    whole = bytes(range(SECRET_BYTES))
    found = {secret_of(whole[:n] + b"\xff" + whole[n + 1 :]) for n in range(SECRET_BYTES)}
    assert len(found) == SECRET_BYTES and all(re.fullmatch(r"[0-9A-Za-z]{32}", each) for each in found)


def test_only_the_secret_itself_opens() -> None:
    key = a_key(secret_hash=hash_of("secret"))
    assert is_secret("secret", key)
    assert not is_secret("Secret", key) and not is_secret("", key)


def test_a_key_stands_until_its_last_moment_or_until_it_is_revoked() -> None:
    key = a_key(expires_at=NOW + timedelta(hours=1))
    assert key.stands(NOW + timedelta(minutes=59)) and not key.stands(NOW + timedelta(hours=1))
    assert a_key().stands(NOW + timedelta(days=9999)) and not a_key(revoked_at=NOW).stands(NOW)


def test_a_scope_is_reading_or_writing_of_an_area_and_nothing_more() -> None:
    key = a_key(scopes=("links:write", "earnings:read"))
    may = {scope for scope in (*scopes_for(staff=False), *scopes_for(staff=True)) if key.may(scope)}
    assert may == {"links:write", "earnings:read"}
    # All of the desk is all reading of it, and no writing, and nothing of partners.
    desk = a_key(scopes=("desk:read",))
    assert {area for area in AREAS_OF_DESK if desk.may(f"{area}:read")} == set(AREAS_OF_DESK)
    assert not any(desk.may(f"{area}:write") for area in AREAS_OF_DESK)
    assert not any(desk.may(f"{area}:read") for area in AREAS_OF_PARTNER)


def test_scopes_are_kept_in_order_and_once_and_unknown_ones_refused() -> None:
    assert checked_scopes(["earnings:read", "links:read", "links:read"], staff=False) == ("links:read", "earnings:read")
    for wrong in ([], ["links:delete"], ["desk.money:read"], ["earnings:write"]):
        with pytest.raises(Invalid):
            checked_scopes(wrong, staff=False)


@given(
    st.integers(1, 600),
    st.integers(1, 50),
    st.lists(st.integers(0, 5_000), min_size=1, max_size=80),
)
def test_no_more_pass_than_the_bucket_held_and_what_came_back_since(rate: int, burst: int, gaps: list[int]) -> None:
    limit, now, full_at = Limit(rate, burst), 1_700_000_000_000, None
    granted: list[int] = []
    for gap in gaps:
        now += gap
        allowance = ask(limit, full_at, now)
        full_at = allowance.full_at
        if allowance.granted:
            granted.append(now)
        else:
            # Whoever waits as long as they are told is let in, and not before the second they are told.
            assert ask(limit, full_at, now + allowance.retry_after * 1000).granted
            assert allowance.remaining == 0
        since = [each for each in granted if each > now - 10_000]
        assert len(since) <= burst + 10_000 // limit.interval + 1


def test_a_bucket_that_another_clock_filled_holds_nobody_up_for_longer_than_it_takes_to_fill() -> None:
    limit = Limit(60, 3)
    far = ask(limit, 10**15, 1_700_000_000_000)
    assert not far.granted and far.retry_after == 1
