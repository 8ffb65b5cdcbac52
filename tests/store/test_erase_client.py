"""Erasing a client: nothing that says who it is stays anywhere, and everything that was earned stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain import identity
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import day_of
from introducer.domain.fraud.person import Person
from introducer.services.erase_client import Books, client_hash, erase_client
from introducer.store.erasing import Erasing
from introducer.store.facts import Facts
from introducer.store.holdings import Holdings
from introducer.store.person_index import PersonIndex
from introducer.store.sub_names import SubNames
from tests.conftest import Tables
from tests.support.house import (
    KEY,
    LINK,
    NOW,
    PARTNER,
    SOURCE,
    House,
    a_house,
    a_registration,
    a_trade,
    an_amount,
    client,
)
from tests.support.payouts import BRAND

ANN, BEN = "10234", "20468"
EMAIL, PHONE, DEVICE, ADDRESS, ACCOUNT = "ann.smith@example.com", "+49 30 1234567", "fp-77", "203.0.113.9", "MT5-998877"
SAID = {"email": EMAIL, "phone": PHONE, "device": DEVICE, "ip": ADDRESS, "account": ACCOUNT}
CLICKED = NOW - timedelta(days=5)


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as found:
        yield found


def hashes(email: str = EMAIL, phone: str = PHONE, device: str = DEVICE, address: str = ADDRESS) -> dict[str, str]:
    """The traits of somebody, as the tables have them."""
    said = {
        "email": identity.normal_email(email),
        "phone": identity.normal_phone(phone),
        "device": device,
        "address": address,
    }
    return {kind: identity.keyed_hash(KEY, kind, value) for kind, value in said.items()}


def lives(house: House, who: str = ANN, **said: Any) -> str:
    """A client with clicks, registration, money, a message that was put aside; its click."""
    click = house.click(CLICKED, ADDRESS, query="sub1=ann-from-the-newsletter&sub2=x")
    house.posts(
        a_registration(who, click_id=click, country="DE", **{**SAID, **said}),
        an_amount("deposit", who, "120.00", account=ACCOUNT, ip=ADDRESS),
        a_trade(who, account=ACCOUNT, device=DEVICE),
        a_trade(who, "2026-03-04T10:00:00Z", spread="-3.00"),
        {"event_id": f"odd-{who}", "type": "vip_upgrade", "client_id": who, "email": EMAIL, "name": "Ann Smith"},
    )
    return click


def books_of(house: House) -> Books:
    return Books(
        clients=house.clients,
        configuration=house.configuration,
        holdings=Holdings("facts", "books"),
        erasing=Erasing("facts", "books"),
    )


def erases(house: House, who: str = ANN, **given: Any) -> Any:
    change = Change(by="system:operator", at=house.now, why="asked for it", origin="introducer erase")
    return erase_client(books_of(house), brand=BRAND, client=client(who), change=change, now=house.now, **given)


def seen(house: House) -> dict[str, Any]:
    """What verify makes of the books: all of it but how long it took, and what is in quarantine."""
    report = house.verified()
    assert report.good, report.differences
    return {
        name: getattr(report, name) for name in ("state_hash", "books_hash", "sums", "events", "clicks", "journals")
    }


def money(house: House) -> list[dict[str, Any]]:
    return house.of_kind("journal", "balance", "client", "row", "settled", "event_count", "click_count", "intake_day")


def index(house: House) -> dict[Person, int]:
    """How many clients have each of these."""
    found = PersonIndex("books").known(BRAND, [Person(*each) for each in hashes().items()], house.now)
    return {person: known.clients for person, known in found.items()}


# ---------------------------------------------------------------------------------------------------------- must show


def test_a_value_of_sub1_that_others_came_by_too_is_a_places_and_stays(house: House) -> None:
    # given two clients who came by one newsletter, one of them twice
    for who, clicks in ((ANN, 2), (BEN, 1)):
        made = [house.click(CLICKED, ADDRESS, query="sub1=newsletter") for _ in range(clicks)]
        house.posts(*(a_registration(who, click_id=click, country="DE", event_id=click) for click in made))
    before = seen(house)
    # when both are erased, one after the other
    assert "values of sub1" not in erases(house).done
    assert "values of sub1" not in erases(house, BEN).done
    # then figures still say what they came by
    assert SubNames("books").names(PARTNER) == {LINK: {"0": "newsletter"}}
    assert seen(house) == before


def test_nothing_says_any_more_who_the_client_was_and_every_total_stands(house: House) -> None:
    # given two clients, one of whom is to be erased; they share nothing
    click = lives(house)
    other = hashes("ben@example.org", "+44 20 7946 0000", "fp-99", "198.51.100.7")
    said = {"email": "ben@example.org", "phone": "+44 20 7946 0000", "device": "fp-99", "ip": "198.51.100.7"}
    house.posts(a_registration(BEN, **said))
    needles = [*hashes().values(), ACCOUNT, "ann-from-the-newsletter", EMAIL, "Ann Smith"]
    prefix = house.clicks.click(click)
    assert prefix is not None and prefix.prefix and prefix.visitor is not None
    needles += [prefix.prefix, prefix.visitor]
    before_text, before, entries = house.all_text(), seen(house), money(house)
    assert [needle for needle in needles[:5] if needle not in before_text] == [], "the search finds what is there"
    trail = house.of_kind("audit")
    report, links = house.chained()
    assert report.findings == [], report.findings

    # when it is erased
    erasure = erases(house)

    # then no trait of it is anywhere: items, keys, index
    text = house.all_text()
    assert [needle for needle in needles if needle in text] == []
    assert [item for item in house.of_kind("event", "trace", "quarantined") if mentions_traits(item, ANN)] == []
    assert index(house) == {}
    # and the other one's are
    assert all(value in text for kind, value in other.items() if kind != "address")
    # and totals, states, entries and hashes are what they were
    assert seen(house) == before
    assert money(house) == entries
    # and the trail has one record more, and none less or other
    [record] = [each for each in house.of_kind("audit") if each not in trail]
    assert [each for each in house.of_kind("audit") if each in trail] == trail
    assert (record["action"], record["subject"], record["brand"]) == ("erase_client", client(ANN), BRAND)
    assert json.loads(record["after"]) == {
        "clicks": 1, "events": 3, "persons counted back": 3, "quarantined messages": 1, "traces": 1,
        "values of sub1": 1,
    } == dict(erasure.done)  # fmt: skip
    assert (erasure.before, erasure.dry) == (None, False)
    # and the chain is the one that it was, one link longer
    report, after = house.chained()
    assert (report.findings, after[:-1]) == ([], links)


def mentions_traits(item: dict[str, Any], who: str) -> bool:
    about = client(who) in json.dumps(item)
    return about and any(name.endswith("_hash") or name in ("email", "disposable", "account") for name in item)


def test_whatever_the_client_sends_later_brings_nothing_back(house: House) -> None:
    lives(house)
    erases(house)
    earned = house.ledger.balance(PARTNER).earned

    house.posts(
        an_amount("deposit", ANN, "10.00", email=EMAIL, phone=PHONE, ip=ADDRESS, device=DEVICE, account=ACCOUNT),
        a_registration(ANN, "2026-03-01T09:00:00Z", event_id="again", **SAID),
        a_trade(ANN, "2026-03-04T12:00:00Z", spread="100.00", account=ACCOUNT),
        {"event_id": "odd-2", "type": "vip_upgrade", "client_id": ANN, "email": EMAIL, "note": "Ann Smith"},
    )

    text = house.all_text()
    assert [value for value in (*hashes().values(), ACCOUNT) if value in text] == []
    assert index(house) == {}
    # and it earns as it did
    assert house.ledger.balance(PARTNER).earned != earned
    assert house.verified().good, house.verified().differences


def test_a_repeat_of_an_erased_event_is_a_duplicate(house: House) -> None:
    click = lives(house)
    erases(house)
    taken = house.posts(a_registration(ANN, click_id=click, country="DE", **SAID))
    assert [str(each.status) for each in taken.receipts] == ["duplicate"]
    assert not any(value in house.all_text() for value in hashes().values())


def test_erasing_twice_changes_nothing_and_says_when_it_was_done(house: House) -> None:
    lives(house)
    erases(house)
    before = house.all_text()

    house.now += timedelta(days=3)
    again = erases(house)

    assert (again.done, again.before) == ({}, NOW)
    assert house.all_text() == before


def test_a_look_at_it_changes_nothing_and_says_what_would_be_done(house: House) -> None:
    lives(house)
    before = house.all_text()

    dry = erases(house, dry_run=True)

    assert house.all_text() == before
    assert dry.dry and dry.done == erases(house).done


def test_cut_off_anywhere_it_goes_on_where_it_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lives(house)
    house.posts(a_registration(BEN, email=EMAIL, device=DEVICE))
    whole = house.memory
    totals = seen(house)
    left = 1
    while True:
        # given the same tables, and a process that dies at its n-th write
        with a_house() as copy:
            copy.memory.tables = whole.copy(lambda: 0.0).tables
            copy.now = house.now
            died = _dying(copy, monkeypatch, left)
            if not died:
                break
            # when the command is given again
            copy.now += timedelta(minutes=1)
            erases(copy)
            # then it is erased, every person was counted back once, and the totals stand
            text = copy.all_text()
            ours = hashes()
            assert not [ours[kind] for kind in ("phone", "address") if ours[kind] in text], left
            assert index(copy) == {Person("email", ours["email"]): 1, Person("device", ours["device"]): 1}, left
            assert seen(copy)["state_hash"] == totals["state_hash"] and seen(copy)["sums"] == totals["sums"]
            assert len([each for each in copy.of_kind("audit") if each["action"] == "erase_client"]) in (1, 2)
        left += 1
    assert left > 6, "every write was cut off once"


def _dying(house: House, monkeypatch: pytest.MonkeyPatch, after: int) -> bool:
    """Whether erasing died at its n-th write."""
    with monkeypatch.context() as patch:
        real, written = house.memory.call, [0]

        def call(operation: str, arguments: Any) -> Any:
            if operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
                written[0] += 1
                if written[0] == after:
                    raise KeyboardInterrupt
            return real(operation, arguments)

        patch.setattr(house.memory, "call", call)
        try:
            erases(house)
        except KeyboardInterrupt:
            return True
    return False


# -------------------------------------------------------------------------------------------------------- the details


def test_a_person_that_others_are_too_is_counted_one_less_and_its_first_is_forgotten(house: House) -> None:
    lives(house)
    house.posts(a_registration(BEN, email=EMAIL, phone="+44 20 7946 0000"))
    email = Person("email", hashes()["email"])
    [known] = PersonIndex("books").known(BRAND, [email], NOW).values()
    assert (known.clients, known.first) == (2, client(ANN))

    erases(house)

    [known] = PersonIndex("books").known(BRAND, [email], NOW).values()
    assert (known.clients, known.first, known.first_owner) == (1, "", "")
    # and the other one still says what it said
    assert [each["email_hash"] for each in house.of_kind("event") if "email_hash" in each] == [email.hash]


def test_a_member_with_the_clients_e_mail_stays_known_as_a_member(house: House) -> None:
    lives(house)
    email = Person("email", hashes()["email"])
    PersonIndex("books").remember_member(BRAND, PARTNER, [email], NOW)

    erases(house)

    [known] = PersonIndex("books").known(BRAND, [email], NOW).values()
    assert (known.clients, known.first, known.member_of) == (0, "", PARTNER)


def test_an_event_that_waits_to_be_replayed_keeps_its_place_and_says_no_more(house: House) -> None:
    # given an event that the engine put aside
    lives(house)
    odd = an_amount("deposit", ANN, "5.00", email=EMAIL)
    house.posts(odd, applied=False)
    house.facts.quarantine(
        brand=BRAND, source=SOURCE, at=NOW, reason="no_rate", detail="no rate", event_id=odd["event_id"],
        client=client(ANN), message=json.dumps({"email": "#" + hashes()["email"]}),
    )  # fmt: skip
    house.counts()
    with pytest.raises(Conflict) as refused:
        erases(house)
    assert refused.value.code == "being_applied"
    house.now += timedelta(hours=2)

    erases(house)

    assert hashes()["email"] not in house.all_text()
    [kept] = house.facts.quarantined(BRAND, SOURCE, day_of(NOW)).items
    assert (kept.event_id, kept.message) == (odd["event_id"], "{}")
    assert [(each.event_id, each.reason) for each in house.verified().waiting] == [(odd["event_id"], "no_rate")]
    assert house.verified().good, house.verified().differences


def test_of_a_client_that_nobody_knows_it_says_so(house: House) -> None:
    with pytest.raises(NotFound):
        erases(house, "nobody")
    assert client_hash(KEY, ANN) == client(ANN)


def test_a_click_id_that_is_none_is_passed_over(house: House) -> None:
    house.posts(a_registration(ANN, click_id="not a click", **SAID))
    assert erases(house).done["events"] == 1


def test_of_two_people_who_erase_at_once_both_are_right_or_one_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives(house)
    real = Erasing.begin_client

    def beaten(erasing: Erasing, *given: Any) -> None:
        monkeypatch.setattr(Erasing, "begin_client", real)
        erases(house)
        real(erasing, *given)

    monkeypatch.setattr(Erasing, "begin_client", beaten)
    with pytest.raises(Conflict) as refused:
        erases(house)
    assert refused.value.code == "erased_meanwhile"
    assert not any(value in house.all_text() for value in hashes().values())


@pytest.mark.pattern("erased_client")
def test_who_was_erased_is_known_by_one_read(tables: Tables) -> None:
    erasing, facts = Erasing(tables.facts, tables.books), Facts(tables.facts)
    assert not facts.is_erased(BRAND, "c") and erasing.client_erased_at(BRAND, "c") is None
    change = Change(by="system:operator", at=NOW, why="asked")
    erasing.begin_client(BRAND, "c", change, {})
    erasing.begin_client(BRAND, "c", replace(change, at=NOW + timedelta(days=1)), {"events": 1})
    assert facts.is_erased(BRAND, "c") and not facts.is_erased("brd_two", "c")
    assert erasing.client_erased_at(BRAND, "c") == NOW


def test_a_table_that_does_not_answer_says_so() -> None:
    erasing = Erasing("facts", "books", region="us-east-1", host="http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        erasing.client_erased_at(BRAND, "c")
