"""Payment profiles, verifications and holds: the questions about them, asked of real tables; each step with its audit
record and, where somebody is told, its mail; and what happens when two people act at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from introducer.domain.configuration import Change, Member, PartnerKind, Role
from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, Unavailable
from introducer.domain.hold import Hold, released
from introducer.domain.mail import MailTemplate
from introducer.domain.payment_profile import Destination, PaymentProfile, RailKind
from introducer.domain.verification import (
    Document,
    DocumentKind,
    Verification,
    VerificationStatus,
    decided,
    submitted,
)
from introducer.gateways.vault import Vault
from introducer.services.change_payment_profile import change_payment_profile
from introducer.services.creation import Author
from introducer.services.decide_verification import decide_verification
from introducer.services.open_brand import open_brand
from introducer.services.place_hold import TRIES, place_hold
from introducer.services.register_partner import register_partner
from introducer.services.release_hold import release_hold
from introducer.services.submit_documents import submit_documents
from introducer.store import keys
from introducer.store.configuration import Configuration
from introducer.store.holds import Holds
from introducer.store.ledger import Ledger, balance_attribute
from introducer.store.mails import Mails
from introducer.store.payment_profiles import PaymentProfiles
from introducer.store.verifications import Verifications
from tests.conftest import Tables

pytestmark = pytest.mark.in_memory

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BRAND, PARTNER, OTHER = "brd_1", "par_1", "par_2"
IBAN, DUTCH = "DE89370400440532013000", "NL91ABNA0417164300"
CHANGE = Change(by="kim", at=NOW, why="Because")
LATER = replace(CHANGE, at=NOW + timedelta(seconds=1))
"""A request of its own: the very same one again is answered as the first time."""


def a_profile(version: int = 1, partner: str = PARTNER, **other: Any) -> PaymentProfile:
    given: dict[str, Any] = {
        "partner": partner, "version": version, "rail": RailKind.SEPA, "currency": "EUR", "country": "DE",
        "masked": "DE•• •••• 3000", "sealed": "c2VhbGVk", "data_key": "a2V5", "fingerprint": "f" * 22,
        "content": f"content {version}", "changed_at": NOW, "changed_by": "owner",
        "usable_from": NOW + timedelta(days=3),
    }  # fmt: skip
    return PaymentProfile(**given | other)


def a_document(kind: DocumentKind = DocumentKind.IDENTITY, version: str = "v1") -> Document:
    return Document(
        document=f"doc_{kind}", kind=kind, content_type="image/png", size=1234, object_version=version, uploaded_at=NOW
    )


NEEDED = [a_document(), a_document(DocumentKind.ADDRESS)]


def handed_in(partner: str = PARTNER, brand: str = BRAND, minutes: int = 0) -> Verification:
    at = NOW + timedelta(minutes=minutes)
    return submitted(Verification(partner=partner, brand=brand), NEEDED, "owner", at)


def a_hold(hold: str = "hld_1", partner: str = PARTNER, minutes: int = 0, **other: Any) -> Hold:
    given: dict[str, Any] = {
        "hold": hold, "brand": BRAND, "partner": partner, "reason": "It looks odd — #2 %", "placed_by": "kim",
        "placed_at": NOW + timedelta(minutes=minutes),
    }  # fmt: skip
    return Hold(**given | other)


def refused(act: Callable[[], object], kind: type[IntroducerError] = Conflict) -> str:
    with pytest.raises(kind) as raised:
        act()
    return raised.value.code


def audited(tables: Tables, subject: str = PARTNER) -> list[str]:
    """What was done, in the order of the record."""
    return [each.action for each in reversed(Configuration(tables.books).audit_of_subject(subject).items)]


@contextmanager
def meanwhile(*acts: Callable[[], object]) -> Iterator[None]:
    """Before each of the transactions that are sent now, the next of these things happens."""
    left, write = list(acts), Connection.transact_write_items

    def interrupted(self: Connection, *args: Any, **more: Any) -> Any:
        if left:
            act = left.pop(0)
            with pytest.MonkeyPatch.context() as undone:
                undone.setattr(Connection, "transact_write_items", write)
                act()
        return write(self, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "transact_write_items", interrupted)
        yield
    assert not left, "less was sent than things were to happen"


# ----------------------------------------------------------------------------------------------------- payment profiles


@pytest.mark.pattern("payment_profile_of_partner")
def test_a_profile_reads_as_it_was_written_alone_and_among_many(tables: Tables) -> None:
    profiles = PaymentProfiles(tables.books)
    many = [f"par_{number}" for number in range(120)]
    for partner in many:
        profiles.change(None, a_profile(partner=partner), CHANGE)

    assert profiles.of_partner("par_7") == a_profile(partner="par_7")
    assert profiles.of_partner("par_none") is None
    found = profiles.of_partners([*many, "par_none", "par_7"])
    assert sorted(found) == sorted(many)
    assert found["par_119"] == a_profile(partner="par_119")
    assert profiles.of_partners([]) == {}


@pytest.mark.pattern("payment_profiles_before")
def test_each_version_stays_and_the_newest_comes_first(tables: Tables) -> None:
    profiles = PaymentProfiles(tables.books)
    made = [a_profile(version) for version in range(1, 12)]
    for before, after in zip([None, *made], made, strict=False):
        profiles.change(before, after, CHANGE)

    assert profiles.versions(PARTNER) == made[::-1]
    assert profiles.versions(PARTNER, limit=2) == [made[10], made[9]]
    wanted = [(PARTNER, 3), (PARTNER, 11), (PARTNER, 12), (OTHER, 1)]
    assert profiles.of_versions(wanted) == {(PARTNER, 3): made[2], (PARTNER, 11): made[10]}
    assert profiles.of_partner(PARTNER) == made[-1]
    assert profiles.versions(OTHER) == []


def test_a_version_that_was_overtaken_writes_nothing(tables: Tables) -> None:
    profiles = PaymentProfiles(tables.books)
    profiles.change(None, a_profile(), CHANGE)
    profiles.change(a_profile(), a_profile(2), CHANGE)

    for before, after in ((None, a_profile()), (a_profile(), a_profile(2)), (a_profile(3), a_profile(4))):
        assert refused(lambda b=before, a=after: profiles.change(b, a, LATER))  # type: ignore[misc]

    assert profiles.of_partner(PARTNER) == a_profile(2)
    assert audited(tables) == ["change_payment_profile"] * 2


# --------------------------------------------------------------------------------------------------------- verification


@pytest.mark.pattern("verification_of_partner")
def test_a_verification_reads_as_it_was_written_alone_and_among_many(tables: Tables) -> None:
    verifications = Verifications(tables.books)
    nobody = Verification(partner=PARTNER, brand=BRAND)
    assert verifications.of_partner(PARTNER, BRAND) == nobody
    waits = handed_in()
    verifications.move("submit_documents", nobody, waits, CHANGE)
    assert verifications.of_partner(PARTNER, BRAND) == waits
    approved = decided(waits, version=1, approve=True, by="kim", why="Fine", expires_on="2027-01-31", at=NOW)
    verifications.move("approve_documents", waits, approved, LATER)

    assert verifications.of_partner(PARTNER, BRAND) == approved
    assert verifications.of_partners([PARTNER, OTHER]) == {PARTNER: approved}
    assert verifications.approved([PARTNER, OTHER], "2027-01-31") == {PARTNER: True, OTHER: False}
    assert verifications.approved([PARTNER], "2027-02-01") == {PARTNER: False}
    assert refused(lambda: verifications.move("submit_documents", waits, handed_in(), LATER))
    assert audited(tables) == ["submit_documents", "approve_documents"]


@pytest.mark.pattern("verifications_waiting")
def test_what_waits_for_compliance_is_listed_until_it_is_decided(tables: Tables) -> None:
    verifications = Verifications(tables.books)
    for number in (2, 0, 1, 3):
        waits = handed_in(f"par_{number}", minutes=number)
        verifications.move("submit_documents", Verification(partner=waits.partner, brand=BRAND), waits, CHANGE)
    elsewhere = handed_in("par_9", "brd_2")
    verifications.move("submit_documents", Verification(partner="par_9", brand="brd_2"), elsewhere, CHANGE)
    waits = handed_in("par_1", minutes=1)
    gone = decided(waits, version=1, approve=False, by="kim", why="Too dark", expires_on="", at=NOW)
    verifications.move("reject_documents", waits, gone, CHANGE)

    first = verifications.waiting(BRAND, limit=2)
    rest = verifications.waiting(BRAND, first.cursor, limit=2)
    assert [each.partner for each in (*first.items, *rest.items)] == ["par_0", "par_2", "par_3"]


# ---------------------------------------------------------------------------------------------------------------- holds


@pytest.mark.pattern("hold_by_id")
def test_a_hold_reads_as_it_was_placed_and_as_it_was_released(tables: Tables) -> None:
    holds = Holds(tables.books)
    holds.place(a_hold(), CHANGE)
    assert holds.hold(PARTNER, "hld_1") == a_hold()

    gone = released(a_hold(), "sam", NOW, "Fine")
    holds.release(a_hold(), gone, LATER)

    assert holds.hold(PARTNER, "hld_1") == gone
    assert refused(lambda: holds.hold(OTHER, "hld_1"), NotFound) == "not_found"
    assert audited(tables) == ["place_hold", "release_hold"]


@pytest.mark.pattern("holds_of_partner")
def test_a_partners_holds_come_newest_first_and_the_balance_counts_those_that_stand(tables: Tables) -> None:
    holds, ledger = Holds(tables.books), Ledger(tables.books)
    earned = {**keys.key("balance", partner=PARTNER).item(), balance_attribute("EUR", "available"): 5, "version": 7}
    tables.client.put_item(
        TableName=tables.books, Item={k: {"N": str(v)} if type(v) is int else {"S": v} for k, v in earned.items()}
    )
    for number in (2, 1, 3):
        holds.place(a_hold(f"hld_{number}", minutes=-number), CHANGE)
    holds.place(a_hold(partner=OTHER), CHANGE)
    holds.release(a_hold("hld_2", minutes=-2), released(a_hold("hld_2", minutes=-2), "sam", NOW, "Fine"), CHANGE)

    assert [each.hold for each in holds.of_partner(PARTNER)] == ["hld_1", "hld_2", "hld_3"]
    assert (ledger.balance(PARTNER).holds, ledger.balance(PARTNER).version) == (2, 11)
    assert ledger.balance(PARTNER).amounts == {("EUR", "available", ""): 5}
    # one who never earned anything is held all the same
    assert (ledger.balance(OTHER).holds, ledger.balance(OTHER).currencies()) == (1, [])
    assert ledger.balance("par_none").holds == 0


def test_a_hold_counts_once_and_is_released_once(tables: Tables) -> None:
    holds, ledger = Holds(tables.books), Ledger(tables.books)
    holds.place(a_hold(), CHANGE)
    gone = released(a_hold(), "sam", NOW, "Fine")
    assert refused(lambda: holds.place(a_hold(), LATER))
    holds.release(a_hold(), gone, CHANGE)
    assert refused(lambda: holds.release(a_hold(), gone, LATER))
    assert refused(lambda: holds.release(a_hold("hld_9"), replace(gone, hold="hld_9"), CHANGE))

    assert (ledger.balance(PARTNER).holds, ledger.balance(PARTNER).version) == (0, 2)


# ------------------------------------------------------------------------------------------------------------- services


class World:
    """A brand with one partner, and people."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.configuration = Configuration(tables.books)
        made: dict[str, Any] = {
            "author": Author(by="system:test", why="set up"), "clock": lambda: NOW, "random": lambda n: b"\7" * n
        }  # fmt: skip
        self.brand = open_brand(
            self.configuration, name="Northgate", domain="go.northgate.example", base_currency="EUR",
            fallback_url="https://northgate.example/", **made,
        ).brand  # fmt: skip
        self.partner = register_partner(
            self.configuration, brand=self.brand, name="Harbour", kind=PartnerKind.AFFILIATE, country="DE",
            language="en", currency="EUR", **made,
        )  # fmt: skip
        self.profiles, self.verifications = PaymentProfiles(tables.books), Verifications(tables.books)
        self.holds = Holds(tables.books)
        self.vault = Vault(Kms(), "key", random=bytes)
        self.uploaded = list(NEEDED)
        self.waited: list[int] = []

    def member(self, role: Role, name: str = "kim") -> Member:
        own = None if role.is_staff else self.partner.partner
        return Member(member=name, partner=own, brand=self.brand, role=role, name=name, language="en")

    def mails(self) -> list[dict[str, Any]]:
        found = Mails(self.tables.books).mails(self.partner.partner)
        return [dict(mail.values) | {"template": mail.template} for mail in reversed(found)]

    def change(self, version: int = 0, iban: str = IBAN, *, days: int = 3, **other: Any) -> PaymentProfile:
        destination = Destination(
            rail=RailKind.SEPA, currency="EUR", holder="Robin Vale", country="", iban=iban, **other
        )
        return change_payment_profile(
            self.profiles, self.vault, member=self.member(Role.OWNER), partner=self.partner, version=version,
            destination=destination, cool_off_days=days, brand_key=b"key", clock=lambda: NOW,
        )  # fmt: skip

    def submit(self, version: int = 0) -> Verification:
        class Bucket:
            def uploaded(bucket, partner: str) -> list[Document]:
                return self.uploaded

        return submit_documents(
            self.verifications, Bucket(), member=self.member(Role.OWNER), partner=self.partner, version=version,  # type: ignore[arg-type]
            clock=lambda: NOW,
        )  # fmt: skip

    def decide(self, version: int = 1, approve: bool = True, name: str = "kim", role: Role = Role.COMPLIANCE) -> Any:
        return decide_verification(
            self.configuration, self.verifications, member=self.member(role, name), partner=self.partner.partner,
            version=version, approve=approve, why="Because", expires_on="", clock=lambda: NOW,
        )  # fmt: skip

    def place(self, request: str | None = None, why: str = "It looks odd", name: str = "kim") -> Hold:
        return place_hold(
            self.configuration, self.holds, member=self.member(Role.FINANCE, name), partner=self.partner.partner,
            why=why, clock=lambda: NOW, random=lambda count: name.encode() * 4, pause=self.waited.append,
            request=request,
        )  # fmt: skip

    def release(self, hold: str, name: str = "sam", role: Role = Role.COMPLIANCE) -> Hold:
        return release_hold(
            self.configuration, self.holds, member=self.member(role, name), partner=self.partner.partner, hold=hold,
            why="It was nothing", clock=lambda: NOW, pause=self.waited.append,
        )  # fmt: skip

    def counted(self) -> int:
        return Ledger(self.tables.books).balance(self.partner.partner).holds


class Kms:
    """Gives every data key in clear as well as sealed; the unit tests look at the sealing."""

    def generate_data_key(self, **given: Any) -> dict[str, bytes]:
        return {"Plaintext": bytes(32), "CiphertextBlob": b"sealed key"}


@pytest.fixture
def world(tables: Tables) -> World:
    return World(tables)


def test_a_change_is_sealed_recorded_and_told_with_both_accounts_masked(world: World) -> None:
    first = world.change()
    second = world.change(1, DUTCH, days=5)

    assert (first.version, first.usable_from) == (1, NOW + timedelta(days=3))
    assert (second.version, second.usable_from, second.country) == (2, NOW + timedelta(days=5), "NL")
    assert world.profiles.of_partner(world.partner.partner) == second
    told = world.mails()
    assert [each["template"] for each in told] == [MailTemplate.PAYMENT_PROFILE_CHANGED] * 2
    assert {(each["previous"], each["masked"]) for each in told} == {
        ("", "DE•• •••• 3000"), ("DE•• •••• 3000", "NL•• •••• 4300"),
    }  # fmt: skip
    records = world.configuration.audit_of_subject(world.partner.partner).items
    changes = {each.after or "" for each in records if each.action == "change_payment_profile"}
    assert {json.loads(each)["version"] for each in changes} == {1, 2}
    # The trail is never edited: what would say whose account it is stands in the versions alone.
    assert all(word not in each for each in changes for word in ("masked", "fingerprint", "••"))
    # and the whole account stands in no item
    kept = json.dumps(world.tables.items(world.tables.books), ensure_ascii=False)
    assert IBAN not in kept and IBAN[4:] not in kept and DUTCH[8:] not in kept


def test_the_same_change_again_makes_no_version_no_cool_off_and_no_mail(world: World) -> None:
    made = world.change()

    assert world.change(bic="COBADEFFXXX") == world.change(1) == made
    assert refused(lambda: world.change(0, DUTCH)) == "profile_changed"
    assert refused(lambda: world.change(2, DUTCH)) == "profile_changed"
    assert len(world.mails()) == 1
    # another holder of the same account is a change
    with pytest.raises(Invalid):
        world.change(1, IBAN + "0")
    assert world.profiles.versions(world.partner.partner) == [made]


def test_of_two_changes_at_once_one_stands_and_the_other_is_told(world: World) -> None:
    with meanwhile(lambda: world.change(0, DUTCH)):
        assert refused(world.change) == "profile_changed"
    with meanwhile(lambda: world.change(1)):
        made = world.change(1)

    assert (made.version, made.masked) == (2, "DE•• •••• 3000")
    assert len(world.mails()) == 2


def test_only_the_partners_own_owner_changes_it(world: World) -> None:
    for member in (
        world.member(Role.ADMIN),
        world.member(Role.MEMBER),
        replace(world.member(Role.OWNER), partner=OTHER),
    ):
        with pytest.raises((Forbidden, NotFound)):
            change_payment_profile(
                world.profiles, world.vault, member=member, partner=world.partner, version=0,
                destination=Destination(rail=RailKind.SEPA, currency="EUR", holder="R", country="DE", iban=IBAN),
                cool_off_days=3, brand_key=b"key", clock=lambda: NOW,
            )  # fmt: skip
    assert world.profiles.of_partner(world.partner.partner) is None


def test_documents_are_decided_once_by_compliance_and_the_partner_is_told(world: World) -> None:
    waits = world.submit()
    assert world.submit() == world.submit(1) == waits
    assert refused(lambda: world.decide(role=Role.FINANCE), Forbidden) == "compliance_only"

    done = world.decide(approve=False)

    assert world.decide(approve=False) == done
    assert refused(world.decide) == "decided_already"
    assert refused(lambda: world.decide(approve=False, name="sam")) == "decided_already"
    assert [(each["decision"], each["reason"]) for each in world.mails()] == [("refused", "Because")]
    # handed in anew, it is another version, and another mail
    world.uploaded.append(a_document(DocumentKind.COMPANY))
    assert refused(lambda: world.submit(1)) == "verification_changed"
    assert world.submit(2).version == 3
    assert world.decide(3).approved("2026-11-29")
    assert len(world.mails()) == 2


def test_documents_that_change_under_the_decider_are_not_decided(world: World) -> None:
    world.submit()

    def anew() -> None:
        world.uploaded[0] = a_document(version="v2")
        world.submit(1)

    with meanwhile(anew):
        assert refused(world.decide) == "decided_already"
    with meanwhile(lambda: world.decide(2, name="sam")):
        assert refused(lambda: world.decide(2, approve=False)) == "decided_already"
    with meanwhile(lambda: None):
        assert world.verifications.of_partner(world.partner.partner, world.brand).status is VerificationStatus.APPROVED
        world.submit(3)


def test_a_file_that_is_no_document_is_not_handed_in(world: World) -> None:
    world.uploaded[1] = replace(world.uploaded[1], content_type="")
    assert refused(world.submit, Invalid) == "documents_missing"


def test_a_hold_is_placed_once_per_request_and_released_by_another_person(world: World) -> None:
    made = world.place("key-1")
    assert world.place("key-1") == made
    assert refused(lambda: world.place("key-1", why="Another reason")) == "conflict"
    assert world.place("key-2").hold != made.hold
    assert world.counted() == 2

    assert refused(lambda: world.release(made.hold, "kim"), Forbidden) == "same_person"
    assert refused(lambda: world.release(made.hold, role=Role.MANAGER), Forbidden) == "hold_role"
    gone = world.release(made.hold)
    assert world.release(made.hold) == gone
    assert refused(lambda: world.release(made.hold, "ada")) == "released_already"
    assert world.counted() == 1


def test_of_two_releases_at_once_one_counts(world: World) -> None:
    made = world.place()
    with meanwhile(lambda: world.release(made.hold, "ada")):
        assert refused(lambda: world.release(made.hold)) == "released_already"
    assert world.counted() == 0


def test_a_busy_balance_is_tried_again_and_then_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write, left = Holds._write, [TRIES - 1]

    def busy(self: Holds, *given: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise Conflict("The books changed meanwhile: read again.")
        write(self, *given)

    monkeypatch.setattr(Holds, "_write", busy)
    made = world.place()
    assert world.waited == [1, 2, 3, 4]
    left[0] = 1
    world.release(made.hold)
    left[0] = TRIES
    assert refused(lambda: world.place("key-9"), Unavailable) == "store_busy"
    assert world.counted() == 0
