"""Outbound postbacks, the pure part: what may be a target, what macros become, when the next try is, who has a turn."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from introducer.domain import signatures
from introducer.domain.errors import Invalid, Unauthenticated
from introducer.domain.postback_out import (
    LISTED_TRIES,
    LONGEST_SAID,
    LONGEST_URL,
    MACROS,
    MOST_FAILURES,
    OVERLAP,
    SAMPLE,
    SLOW,
    WAITS,
    Attempt,
    Delivery,
    DeliveryStatus,
    Gate,
    Method,
    News,
    Standing,
    Target,
    Told,
    asked,
    check_url,
    delivery_id,
    filled,
    message,
    new_delivery,
    news_from_text,
    news_of_amount,
    news_to_text,
    printable,
    replayed,
    secret_of,
    secrets_now,
    tried,
    uses_subs,
    values_of,
)

NOW = datetime(2026, 3, 5, 9, 0, 7, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
URL = "https://track.example.com/postback/{partner}?cid={click_id}&s={sub1}&sum={payout}&x=1"
KEY = b"the brand's key"


def a_target(**other: object) -> Target:
    target = Target(
        target="tgt_1", brand="brd_1", partner="par_1", name="Voluum", url=URL, method=Method.GET,
        events=frozenset({Told.FTD, Told.EARNING}), campaigns=frozenset(), standing=Standing.ACTIVE, generation=1,
        rotated_at=None, shown=0, created=NOW, created_by="mem_1", version=1,
    )  # fmt: skip
    return replace(target, **other)  # type: ignore[arg-type]


def some_news(**other: object) -> News:
    news = News(
        event=Told.FTD, event_id="evt_1", brand="brd_1", partner="par_1", client="c" * 22, at=NOW_MS,
        click="k" * 32, link="Ab12Cd34", campaign="cmp_1", country="DE", payout=25_000, currency="EUR",
        deposit=50_000, deposit_currency="JPY",
    )  # fmt: skip
    return replace(news, **other)  # type: ignore[arg-type]


def a_delivery(**other: object) -> Delivery:
    delivery = new_delivery(a_target(), some_news(), dict(SAMPLE), NOW_MS)
    return replace(delivery, **other)  # type: ignore[arg-type]


def failed(at: int = NOW_MS, took: int = 10) -> Attempt:
    return Attempt(at, took, 500, "not_2xx", "")


def arrived(took: int = 10) -> Attempt:
    return Attempt(NOW_MS, took, 204, "", "")


# ------------------------------------------------------------------------------------------------------------ targets


@pytest.mark.parametrize(
    "url",
    [
        "https://track.example.com/p?cid={click_id}",
        "https://TRACK.example.com:8443/p/{sub1}/{sub2}?a={payout}",
        "https://a-b.xn--bcher-kva.example:443",
        f"https://track.example.com/?{'&'.join(f'{name}={{{name}}}' for name in MACROS)}",
    ],
)
def test_a_url_of_a_tracker_is_taken(url: str) -> None:
    assert check_url(f"  {url} ") == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://track.example.com/", "url_not_https"),
        ("ftp://track.example.com/", "url_not_https"),
        ("//track.example.com/", "url_not_https"),
        ("javascript:alert(1)", "url_not_https"),
        ("https://user:secret@track.example.com/", "url_with_user"),
        ("https://track.example.com@evil.example/", "url_with_user"),
        ("https://track.example.com/#x", "url_with_fragment"),
        ("https://track.example.com/#", "url_with_fragment"),
        ("https://track.example.com:80/", "url_port"),
        ("https://track.example.com:22/", "url_port"),
        ("https://track.example.com:99999/", "url_unreadable"),
        ("https://track.example.com:/", "url_host"),
        ("https://127.0.0.1/", "url_host"),
        ("https://[::1]/", "url_host"),
        ("https://0x7f.1/", "url_host"),
        ("https://2130706433/", "url_host"),
        ("https://localhost/", "url_host"),
        ("https://track.example.com./", "url_host"),
        ("https:///p", "url_host"),
        ("https://-a.example.com/", "url_host"),
        ("https://bücher.example/", "url_unreadable"),
        ("https://track.example.com/a b", "url_unreadable"),
        ("https://track.example.com/\r\nHost: evil", "url_unreadable"),
        ("https://track.example.com/" + "a" * 2000, "url_unreadable"),
        ("https://{sub1}.example.com/", "macro_in_host"),
        ("https://track.example.com:{sub1}/", "macro_in_host"),
        ("{sub1}://track.example.com/", "url_not_https"),
        ("https://track.example.com/{click}", "macro_unknown"),
        ("https://track.example.com/{click_id", "macro_unreadable"),
        ("https://track.example.com/}", "macro_unreadable"),
        ("https://track.example.com/{{click_id}}", "macro_unreadable"),
        ("", "url_unreadable"),
    ],
)
def test_what_is_no_url_of_a_target_is_refused_with_what_to_change(url: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url)
    assert refused.value.code == code


def test_the_local_stage_takes_this_machine_over_plain_http_and_nothing_else_of_the_kind() -> None:
    assert check_url("http://127.0.0.1:4321/p", loopback=True) == "http://127.0.0.1:4321/p"
    for url in ("http://127.0.0.2/", "http://localhost/", "http://10.0.0.1/", "http://track.example.com/"):
        with pytest.raises(Invalid):
            check_url(url, loopback=True)


def test_a_target_hears_what_it_asked_for_of_its_own_partner() -> None:
    news = some_news()
    assert a_target().wants(news)
    assert not a_target(events=frozenset({Told.KYC})).wants(news)
    assert not a_target(partner="par_2").wants(news)
    assert not a_target().wants(replace(news, partner=""))
    assert not a_target(campaigns=frozenset({"cmp_2"})).wants(news)
    assert not a_target(campaigns=frozenset({"cmp_1"})).wants(replace(news, campaign=""))
    assert a_target(campaigns=frozenset({"cmp_1", "cmp_2"})).wants(news)
    brand = a_target(partner="")
    assert brand.of == "brd_1"
    assert brand.wants(news) and brand.wants(replace(news, partner="par_2")) and brand.wants(replace(news, partner=""))


# ------------------------------------------------------------------------------------------------------------- macros

ANYTHING = st.text(max_size=40)


@given(some=st.lists(ANYTHING, min_size=1, max_size=3), at=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_whatever_a_macro_stands_for_it_stays_one_value_of_its_place(some: list[str], at: int) -> None:
    values = {name: some[(number + at) % len(some)] for number, name in enumerate(MACROS[at:])}
    template = "https://track.example.com/a/{sub1}/b?" + "&".join(f"{name}={{{name}}}" for name in MACROS)
    url = filled(template, {name: value.encode("utf-8", "ignore").decode() for name, value in values.items()})

    assert re.fullmatch(r"[\x21-\x7e]+", url)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "track.example.com", "")
    assert len(parts.path.split("/")) == 4
    said = {name: value.encode("utf-8", "ignore").decode() for name, value in values.items()}
    place = said.get("sub1", "")
    assert unquote(parts.path.split("/")[2]) == (place if place.strip(".") else "")
    assert parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) == [
        (name, said.get(name, "")) for name in MACROS
    ]


def test_a_value_is_not_read_for_macros_itself() -> None:
    url = filled("https://t.example.com/?a={sub1}&b={sub2}", {"sub1": "{sub2}", "sub2": "secret"})
    assert parse_qs(urlsplit(url).query) == {"a": ["{sub2}"], "b": ["secret"]}


@pytest.mark.parametrize("dots", [".", "..", "..."])
def test_a_value_of_dots_alone_leads_to_no_other_path(dots: str) -> None:
    url = filled("https://t.example.com/hooks/{sub1}/paid?s={sub1}", {"sub1": dots})
    assert url == f"https://t.example.com/hooks//paid?s={dots}"


def test_a_url_that_grows_too_long_is_not_sent() -> None:
    with pytest.raises(Invalid) as refused:
        filled("https://t.example.com/?a={sub1}", {"sub1": "x" * LONGEST_URL})
    assert refused.value.code == "url_too_long"


def test_amounts_are_decimal_strings_of_their_currency_and_what_is_not_known_is_empty() -> None:
    values = values_of(some_news(), "dlv_1", ("summer", "", "", "", "x"), "K7Q2")
    assert set(values) == set(MACROS) == set(SAMPLE)
    assert (values["payout"], values["currency"]) == ("250.00", "EUR")
    assert (values["deposit_amount"], values["deposit_currency"]) == ("50000", "JPY")
    assert (values["sub1"], values["sub5"], values["client"]) == ("summer", "x", "K7Q2")
    assert values["timestamp"] == str(NOW_MS // 1000)
    nothing = values_of(News(event=Told.KYC, event_id="evt_1"), "dlv_1", (), "")
    assert {name for name, value in nothing.items() if value} == {
        "event",
        "event_id",
        "delivery_id",
        "timestamp",
        "payout",
    }
    assert uses_subs("https://t/{sub3}") and not uses_subs("https://t/{click_id}")


def test_a_preview_shows_every_macro() -> None:
    url = filled("https://t.example.com/?" + "&".join(f"{name}={{{name}}}" for name in MACROS), SAMPLE)
    assert "sub1=summer%20%26%20sun&sub2=banner%2F3" in url


# ------------------------------------------------------------------------------------------------------------ messages


def checked(text: bytes, header: str, secret: str) -> None:
    signatures.check(header, text, [secret.encode()], NOW)


def test_a_get_signs_path_and_query_and_a_post_its_body() -> None:
    secret = secret_of(KEY, "tgt_1", 1)
    get = message(a_target(), a_delivery(), secrets_now(KEY, a_target(), NOW), NOW)
    assert (get.method, get.body) == ("GET", None)
    assert get.url == "https://track.example.com/postback/par_sample?cid=" + SAMPLE["click_id"] + (
        "&s=summer%20%26%20sun&sum=250.00&x=1"
    )
    assert asked(get.url).decode() == get.url.removeprefix("https://track.example.com")
    checked(asked(get.url), get.headers[signatures.HEADER], secret)

    target = a_target(method=Method.POST_JSON)
    post = message(target, a_delivery(), secrets_now(KEY, target, NOW), NOW)
    assert post.method == "POST" and post.body is not None
    assert json.loads(post.body) == SAMPLE
    checked(post.body, post.headers[signatures.HEADER], secret)
    with pytest.raises(Unauthenticated):
        checked(post.body + b" ", post.headers[signatures.HEADER], secret)

    target = a_target(method=Method.POST_FORM)
    form = message(target, a_delivery(), secrets_now(KEY, target, NOW), NOW)
    assert form.body is not None
    assert dict(parse_qsl(form.body.decode(), keep_blank_values=True)) == SAMPLE
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_message_names_its_delivery_and_which_try_it_is() -> None:
    sent = message(a_target(), a_delivery(tries=3), [b"x"], NOW)
    assert sent.headers["Introducer-Delivery"] == delivery_id("tgt_1", "evt_1")
    assert (sent.headers["Introducer-Event"], sent.headers["Introducer-Attempt"]) == ("ftd", "4")
    assert "Introducer-Test" not in sent.headers
    assert message(a_target(), a_delivery(test=True), [b"x"], NOW).headers["Introducer-Test"] == "1"


def test_every_target_has_a_secret_of_its_own_and_the_one_before_is_good_for_two_days() -> None:
    assert len({secret_of(key, tgt, gen) for key in (KEY, b"x") for tgt in ("tgt_1", "tgt_2") for gen in (1, 2)}) == 8
    rotated = a_target(generation=2, rotated_at=NOW)
    old, new = (secret_of(KEY, "tgt_1", each).encode() for each in (1, 2))
    assert secrets_now(KEY, rotated, NOW + OVERLAP - timedelta(seconds=1)) == [new, old]
    assert secrets_now(KEY, rotated, NOW + OVERLAP) == [new]


def test_of_an_answer_the_beginning_is_kept_as_plain_text() -> None:
    assert printable(b"OK\r\n\x00<b>\xff") == "OK   <b>"
    assert len(printable(b"x" * 5000)) == LONGEST_SAID


# --------------------------------------------------------------------------------------------------------------- tries


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999999])
def test_a_delivery_that_never_arrives_is_tried_ten_times_within_a_day_and_a_bit(chance: float) -> None:
    delivery, now, waits = a_delivery(), NOW_MS, []
    while delivery.status is DeliveryStatus.WAITING:
        delivery = tried(delivery, failed(now), now, chance)
        if delivery.status is DeliveryStatus.WAITING:
            waits.append((delivery.next_at - now) / 1000)
            now = delivery.next_at
    assert (delivery.status, delivery.tries) == (
        DeliveryStatus.FAILED,
        len(WAITS) + 1 if chance < 0.9 else delivery.tries,
    )
    assert delivery.tries >= len(WAITS)
    assert all(each * 0.75 <= wait <= each * 1.25 for wait, each in zip(waits, WAITS, strict=False))
    assert waits == sorted(waits)
    assert timedelta(hours=12) < timedelta(milliseconds=now - NOW_MS) < timedelta(hours=26)


def test_a_delivery_that_arrives_is_done_and_a_replay_begins_anew_under_its_id() -> None:
    once = tried(a_delivery(), failed(), NOW_MS, 0.5)
    done = tried(once, arrived(), NOW_MS + 60_000, 0.5)
    assert (done.status, done.tries, [each.status for each in done.attempts]) == (
        DeliveryStatus.DELIVERED,
        2,
        [500, 204],
    )
    again = replayed(done, NOW_MS + 120_000)
    assert (again.status, again.delivery, again.tries) == (DeliveryStatus.WAITING, done.delivery, 2)
    assert tried(again, failed(), NOW_MS + 120_000, 0.5).next_at == NOW_MS + 120_000 + WAITS[0] * 1000


def test_a_test_is_tried_once_and_only_the_last_tries_are_listed() -> None:
    assert tried(a_delivery(test=True), failed(), NOW_MS, 0.5).status is DeliveryStatus.FAILED
    many = a_delivery(attempts=tuple(failed(at) for at in range(LISTED_TRIES)))
    assert [each.at for each in tried(many, failed(99), NOW_MS, 0.5).attempts] == [*range(1, LISTED_TRIES), 99]


def test_what_happens_while_a_target_is_paused_is_held_and_a_test_goes_out() -> None:
    paused = a_target(standing=Standing.FAILING)
    assert new_delivery(paused, some_news(), {}, NOW_MS).status is DeliveryStatus.HELD
    assert new_delivery(paused, some_news(), {}, NOW_MS, test=True).status is DeliveryStatus.WAITING
    assert new_delivery(paused, some_news(client=""), {}, NOW_MS).about == paused.target


# ---------------------------------------------------------------------------------------------------------------- gate


def test_a_target_that_answers_quickly_is_open_to_all_and_writes_nothing() -> None:
    assert Gate().passed(arrived(), NOW_MS, 0.5) == Gate()
    assert (Gate().by_turns, Gate(until=NOW_MS + 1).wait(NOW_MS)) == (False, 0)


def test_a_slow_target_is_met_by_one_at_a_time_until_it_is_quick_again() -> None:
    slow = Gate().passed(arrived(SLOW), NOW_MS, 0.5)
    assert (slow.by_turns, slow.wait(NOW_MS), slow.version) == (True, 0, 1)
    taken = slow.taken(NOW_MS)
    assert taken.wait(NOW_MS) > 0
    assert not taken.passed(arrived(), NOW_MS, 0.5).by_turns


def test_a_target_that_fails_is_tried_less_and_less_often_and_counted_in_a_row() -> None:
    gate, waits = Gate(), []
    for _ in range(MOST_FAILURES):
        gate = gate.passed(failed(), NOW_MS, 0.5)
        waits.append(gate.wait(NOW_MS) // 1000)
    assert (gate.failures, waits[:6], waits[-1]) == (MOST_FAILURES, [15, 30, 60, 120, 300, 300], 300)
    assert gate.passed(arrived(), NOW_MS, 0.5).failures == 0


# ---------------------------------------------------------------------------------------------------------------- news


def test_news_stand_beside_a_state_and_come_back_as_they_were() -> None:
    news = (some_news(), some_news(event=Told.DEPOSIT, event_id="evt_2", click="", payout=0, currency=""))
    text = news_to_text(news)
    assert "brd_1" not in text and "c" * 22 not in text, "the key says that already"
    assert news_from_text(text, "brd_1", "c" * 22) == news


def test_an_amount_is_an_earning_or_a_clawback_and_names_a_client_and_nothing_else() -> None:
    make: Callable[[str, int], News] = lambda scope, amount: news_of_amount(  # noqa: E731
        "jrn_1", "par_1", scope, "cpa", amount, "EUR", NOW_MS
    )
    assert (make("c" * 22, 500).event, make("c" * 22, 500).client) == (Told.EARNING, "c" * 22)
    assert (make("c" * 22, -500).event, make("c" * 22, -500).payout) == (Told.CLAWBACK, -500)
    for scope in ("", "par_" + "0" * 26, "adj_" + "0" * 26, "ctt_" + "0" * 26 + ".1"):
        assert make(scope, 500).client == "", scope
