"""Erasing a partner: its name, people, accounts and papers are gone, and the books are what they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.adjustment import Act
from introducer.domain.announcement import AnnouncementRead
from introducer.domain.api_key import ApiKey
from introducer.domain.application import ApplicationState
from introducer.domain.board import live_rows, snapshots
from introducer.domain.case import Answer as Said
from introducer.domain.case import Case, CaseStatus
from introducer.domain.case_mail import appealed_mails
from introducer.domain.configuration import Availability, Change, Member, Role, Status
from introducer.domain.contest import ContestStatus, Entry
from introducer.domain.contest_closing import Objection
from introducer.domain.contest_rules import default_name
from introducer.domain.conversation import Kind, opened
from introducer.domain.deal import Basis
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.events import milliseconds
from introducer.domain.goal import Goal, GoalStatus
from introducer.domain.invoice import TaxProfile, Treatment
from introducer.domain.mail import payment_profile_mail
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.payout import LeftOut
from introducer.domain.rate_limit import Limit
from introducer.domain.suppressing import Suppressed, address_hash
from introducer.domain.verification import Document, DocumentKind, Verification, VerificationStatus
from introducer.gateways.user_pool import Login
from introducer.services.change_tax_profile import change_tax_profile
from introducer.services.erase_partner import Books, erase_partner, names_of
from introducer.services.find_named import find_named
from introducer.services.remember_member import remember_member
from introducer.store import keys
from introducer.store.announcements import read_to_item
from introducer.store.api_key_uses import ApiKeyUses
from introducer.store.applications import application_to_item
from introducer.store.boards import Boards
from introducer.store.cases import case_from_item, case_to_item
from introducer.store.contest_results import objection_to_item
from introducer.store.contests import Contests, Joining
from introducer.store.conversations import message_to_item, thread_to_item
from introducer.store.erasing import Erasing
from introducer.store.goals import goal_to_item
from introducer.store.holdings import Holdings
from introducer.store.idempotency import Answer, Idempotency
from introducer.store.invoices import Invoices
from introducer.store.mail_preferences import MemberMails
from introducer.store.mails import Mails
from introducer.store.partner_notes import PartnerNote, note_to_item
from introducer.store.payouts import Payouts
from introducer.store.person_index import PersonIndex
from introducer.store.suppressions import Suppressions
from introducer.store.wire import to_wire
from tests.store.test_applications import an_application
from tests.support.contest_builders import a_contest
from tests.support.house import KEY, LINK, PARTNER, House, a_house, a_registration, an_amount
from tests.support.payouts import BRAND, CHECKER, LONG_AGO, RUN
from tests.support.payouts import NOW as PAYDAY

NAME, LEGAL, STREET, TAX_ID = "Harbour Trading", "Harbour Media sp. z o.o.", "ul. Morska 5", "PL5260001246"
OWNER, OWNER_EMAIL, OWNER_NAME = "sub-owner", "olga@harbour.example", "Olga Harbour"
COLLEAGUE, COLLEAGUE_EMAIL, COLLEAGUE_NAME = "sub-colleague", "jan@harbour.example", "Jan Kowalski"
ADDRESS, MASKED, FINGERPRINT, SEALED, DATA_KEY = "203.0.113.9", "DE•• •••• 3000", "print-of-it", "c2VhbGVkIQ", "a2V5IQ"
APPLIED_HASH = "hash-of-olgas-address"
OTHER, OTHER_NAME, OTHER_LINK = "par_two", "Pips & Coffee", "Zz98Yy76"


@dataclass
class Pool:
    """The logins there are."""

    emails: dict[str, str]

    def login(self, sub: str) -> Login:
        if sub not in self.emails:
            raise NotFound("There is no such login.")
        return Login(self.emails[sub], verified=True, enabled=True)

    def delete(self, sub: str) -> bool:
        return self.emails.pop(sub, None) is not None


@dataclass
class Papers:
    """The documents bucket."""

    kept: list[tuple[str, str]] = field(default_factory=list)

    def versions(self, partner: str) -> list[tuple[str, str]]:
        return [each for each in self.kept if each[0].startswith(f"verification/{partner}/")]

    def destroy(self, partner: str) -> int:
        found = self.versions(partner)
        self.kept = [each for each in self.kept if each not in found]
        return len(found)


@dataclass
class World:
    house: House
    pool: Pool
    papers: Papers

    @property
    def books(self) -> Books:
        return Books(
            configuration=self.house.configuration,
            ledger=self.house.ledger,
            holdings=Holdings("facts", "books"),
            persons=PersonIndex("books"),
            erasing=Erasing("facts", "books"),
            logins=self.pool,
            documents=self.papers,
        )

    def erases(self, partner: str = PARTNER, **given: Any) -> Any:
        change = Change(by="system:operator", at=self.house.now, why="asked for it", origin="introducer erase")
        return erase_partner(self.books, partner=partner, change=change, now=self.house.now, **given)


def a_person(house: House, member: str, name: str, email: str, role: Role, partner: str | None = PARTNER) -> Member:
    """Somebody who signs in."""
    made = Member(member=member, partner=partner, brand=BRAND, role=role, name=name, language="en")
    house.configuration.add_member(made, house.paying.change("invited"))
    remember_member(PersonIndex("books"), made, brand_key=KEY, now=house.now, email=email, address=ADDRESS)
    return made


@pytest.fixture
def world() -> Iterator[World]:
    with a_house() as house:
        yield a_world(house)


def a_world(house: House) -> World:
    """A partner with all that a partner has, which was paid everything and is blocked; and another beside it."""
    paying = house.paying
    house.partner(OTHER, OTHER_NAME, OTHER_LINK)
    click = house.click(house.now - timedelta(days=5), ADDRESS)
    house.posts(a_registration("10234", click_id=click), an_amount("deposit", "10234", "120.00"))
    house.now = paying.now
    owner = a_person(house, OWNER, OWNER_NAME, OWNER_EMAIL, Role.OWNER)
    wishes = MailPreferences(member=OWNER, time_zone="Europe/Warsaw", version=1)
    MemberMails("books").change(BRAND, MailPreferences(member=OWNER), wishes, paying.change("wants it so"))
    hashed = address_hash(KEY, OWNER_EMAIL)
    dead = Suppressed(brand=BRAND, hash=hashed, reason="bounced", since=house.now, member=OWNER, partner=PARTNER,
                      mail="mail_1")  # fmt: skip
    Suppressions("books").suppress(dead, paying.change("came back"))
    a_person(house, COLLEAGUE, COLLEAGUE_NAME, COLLEAGUE_EMAIL, Role.MEMBER)
    a_person(house, "sub-other", "Oscar Other", "oscar@other.example", Role.OWNER, OTHER)
    a_person(house, "sub-staff", "Fay Finance", "fay@broker.example", Role.FINANCE, None)
    paying.verified(PARTNER)
    sealed = {"sealed": SEALED, "data_key": DATA_KEY, "masked": MASKED, "fingerprint": FINGERPRINT}
    paying.profile(PARTNER, **sealed)
    paying.profile(PARTNER, **sealed | {"content": "other"})
    paying.profile(OTHER, fingerprint=FINGERPRINT, masked="GB•• •••• 6819")
    tax = TaxProfile(legal_name=LEGAL, address=(STREET, "81-002 Gdynia"), country="PL", tax_id=TAX_ID,
                     treatment=Treatment.DOMESTIC_VAT, rate=2300)  # fmt: skip
    change_tax_profile(Invoices("books"), member=owner, profile=tax, version=0, clock=lambda: house.now)
    house.pays()
    _papers(house)
    _applied(house)
    _competes(house)
    mails = Mails("books")
    for partner, masked in ((PARTNER, MASKED), (OTHER, "GB•• •••• 6819")):
        mails.put(payment_profile_mail(brand=BRAND, partner=partner, version=2, previous="", masked=masked,
                                       changed_at=house.now, usable_from=house.now))  # fmt: skip
    key = ApiKey(key=f"key_{'0' * 26}", of=PARTNER, brand=BRAND, partner=PARTNER, role=Role.OWNER,
                 name=f"Of {OWNER_NAME}", scopes=("links:read",), secret_hash="0" * 64, created=house.now,
                 created_by=OWNER)  # fmt: skip
    house.configuration.add_api_key(key, paying.change("made"))
    ApiKeyUses("books").take(key.key, Limit(60, 60), milliseconds(house.now), "2026-04-01")
    idempotency = Idempotency("books")
    idempotency.claim(key.key, "key-2", "print", house.now)
    idempotency.claim(OWNER, "key-1", "print", house.now)
    idempotency.answer(OWNER, "key-1", "print", Answer(200, "application/json", json.dumps({"name": OWNER_NAME})))
    paying.stands(PARTNER, Status.BLOCKED, house.now - timedelta(days=1))
    house.works()
    pool = Pool({OWNER: OWNER_EMAIL, COLLEAGUE: COLLEAGUE_EMAIL, "sub-other": "oscar@other.example"})
    papers = Papers([(f"verification/{each}/doc_1", f"v{n}") for each in (PARTNER, OTHER) for n in range(3)])
    return World(house, pool, papers)


def _papers(house: House) -> None:
    """Its documents wait for compliance once more, and a case of it was closed."""
    verifications = house.paying.verifications
    before: Verification = verifications.of_partner(PARTNER, BRAND)
    kind = next(iter(DocumentKind))
    paper = Document(document="doc_1", kind=kind, content_type="application/pdf", size=9, object_version="v0",
                     uploaded_at=house.now)  # fmt: skip
    after = replace(before, status=VerificationStatus.SUBMITTED, version=before.version + 1, documents=(paper,),
                    submitted_at=house.now, reason="The passport of Olga was not readable")  # fmt: skip
    verifications.move("submit_documents", before, after, house.paying.change("handed in"))
    said = Said(at=house.now, by=OWNER, side="partner", text=f"I am {OWNER_NAME}, call me")
    left = LeftOut(partner=PARTNER, name=NAME, currency="USD", amount=9, reason="below_minimum")
    Payouts("books").leave_out(BRAND, RUN, [left])
    case = Case(
        case="cas_1", brand=BRAND, partner=PARTNER, name=NAME, status=CaseStatus.RELEASED, opened_at=house.now,
        opened_by="system:scoring", why="registrations", detectors=("stuffing",), clients=(), answers=(said,),
        decide_by=house.now, escalate_by=house.now, freed_at=house.now, closed_at=house.now, version=3,
    )  # fmt: skip
    house.memory.client.put_item(TableName="books", Item=to_wire(case_to_item(case)))


def _applied(house: House) -> None:
    """It came by an application, and is known by its address."""
    made = an_application(brand=BRAND, state=ApplicationState.APPROVED, email_hash=APPLIED_HASH, sealed=SEALED,
                          data_key=DATA_KEY, reason="Olga knows us")  # fmt: skip
    place = keys.key("application", partner=PARTNER, application=made.application).item()
    known = keys.key("application_known", brand=BRAND, hash=APPLIED_HASH).item()
    for item in (application_to_item(made) | place, known | {"application": made.application, keys.TTL: 2_000_000_000}):
        house.memory.client.put_item(TableName="books", Item=to_wire(item))


def _competes(house: House) -> None:
    """It takes part in a contest under a name that says who it is, somebody looked at the board, and it objected; and
    it declined a goal, wrote to its manager, and read an announcement."""
    contests = Contests("books")
    contest = contests.move(None, a_contest(brand=BRAND, status=ContestStatus.PLANNED), None, window=True)
    assert contest is not None
    for partner, shown_as in ((PARTNER, "Team Olga"), (OTHER, "Coffee")):
        entry = Entry(contest=contest.contest, partner=partner, joined_at=house.now, shown_as=shown_as)
        assert contests.enter(contest, Joining(entry=entry), house.paying.change("November"), "join_contest")
    rows = live_rows(contest, 0, contests.entries(contest.contest))
    boards = Boards("books")
    assert boards.take_turn(contest.contest, 0, house.now)
    boards.write(snapshots(contest, 0, rows, house.now))
    objection = Objection(contest=contest.contest, partner=PARTNER, at=house.now, by=OWNER, text="Olga brought more")
    goal = Goal(
        goal="gol_1", brand=BRAND, partner=PARTNER, by=Basis.QFTD, clients=10, first="2026-12-01", last="2026-12-31",
        amount=500_00, currency="EUR", note="For you, Olga", answer_by=house.now, offered_by="mem_m",
        offered_at=house.now, status=GoalStatus.DECLINED, answered=Act(OWNER, house.now, "Olga is away"),
    )  # fmt: skip
    thread, message = opened(
        thread="thr_1", brand=BRAND, partner=PARTNER, subject="Olga asks", kind=Kind.PARTNER, text="Call Olga",
        message="msg_1", by=OWNER, at=house.now,
    )  # fmt: skip
    read = AnnouncementRead(brand=BRAND, partner=PARTNER, announcement="ann_1", member=OWNER, at=house.now)
    note = PartnerNote(note="not_1", brand=BRAND, partner=PARTNER, text="Olga rang", by="mem_m", at=house.now)
    for item in (
        objection_to_item(objection), goal_to_item(goal), thread_to_item(thread), message_to_item(message),
        read_to_item(read), note_to_item(note),
    ):  # fmt: skip
        house.memory.client.put_item(TableName="books", Item=to_wire(item))


NEEDLES = (
    NAME, LEGAL, STREET, TAX_ID, OWNER_EMAIL, OWNER_NAME, COLLEAGUE_EMAIL, COLLEAGUE_NAME, "Olga", MASKED, SEALED,
    DATA_KEY, APPLIED_HASH,
)  # fmt: skip


def seen(house: House) -> dict[str, Any]:
    report = house.verified()
    assert report.good, report.differences
    names = ("state_hash", "books_hash", "sums", "events", "journals", "payouts", "statements")
    return {name: getattr(report, name) for name in names}


def without_invoices(house: House) -> str:
    """Everything but what stays by law, as one text."""
    found = [*house.scans.facts(), *house.scans.books()]
    return json.dumps([dict(each.item) for each in found if each.kind != "invoice"], ensure_ascii=False)


# ---------------------------------------------------------------------------------------------------------- must show


def test_nothing_names_the_partner_any_more_and_the_books_are_what_they_were(world: World) -> None:
    house = world.house
    before, trail = seen(house), house.of_kind("audit")
    money = house.of_kind("journal", "payout_journal", "balance", "statement", "run", "batch", "invoice")
    persons = {known.person.hash for known in PersonIndex("books").of_members(PARTNER)}
    was = house.all_text()
    assert [each for each in NEEDLES if each not in was and each not in (OWNER_EMAIL, COLLEAGUE_EMAIL)] == []
    assert len(persons) == 2 and all(each in was for each in persons), "two e-mails; the address is the other one's now"
    report, links = house.chained()
    assert report.findings == [], report.findings
    looked_for = names_of(world.books, PARTNER, house.now)
    assert {NAME, LEGAL, OWNER_NAME, COLLEAGUE_EMAIL, MASKED} <= set(looked_for)

    erasure = world.erases()

    # then it is named nowhere, save on invoices
    text = without_invoices(house)
    assert [each for each in (*NEEDLES, *persons) if each in text] == []
    # (The other one is paid to the same account, and is still known by it.)
    assert {place for place in find_named(house.scans, looked_for) if OTHER not in place} == {
        f"BOOKS {item['pk']} / {item['sk']}" for item in house.of_kind("invoice") if item["partner"] == PARTNER
    }
    assert world.pool.emails == {"sub-other": "oscar@other.example"}
    assert {key for key, _ in world.papers.kept} == {f"verification/{OTHER}/doc_1"}
    # and the totals, entries, invoices and the trail are what they were
    assert seen(house) == before
    assert house.of_kind("journal", "payout_journal", "balance", "statement", "run", "batch", "invoice") == money
    assert [each for each in house.of_kind("audit") if each in trail] == trail
    more = {each["action"] for each in house.of_kind("audit") if each not in trail}
    assert more == {"erase_partner", "set_link_status"}
    report, after = house.chained()
    assert (report.findings, after[: len(links)], len(after) - len(links)) == ([], links, 2)
    # and it says what stays, and until when
    invoices = [item["number"] for item in house.of_kind("invoice") if item["partner"] == PARTNER]
    assert any(invoices[0] in each.what and "2036" in each.until for each in erasure.stays)
    assert any(".xml" in each.what for each in erasure.stays)
    assert erasure.done == {
        "applications": 2,
        "links paused": 1, "names of links": 1, "account holders": 1, "tax details": 1, "remembered answers": 2,
        "API keys": 2, "mails": 2,
        "wishes about mail": 1, "addresses that get no mail": 1,
        "payment profiles": 3, "verifications": 1, "payouts": 1, "cases": 1, "documents": 3,
        "e-mails and addresses": 2, "logins": 2, "names": 2, "names in contests": 1, "snapshots of boards": 1,
        "objections": 1, "reasons of runs": 1, "words about goals": 1,
        "messages": 1, "notes about it": 1, "reads of announcements": 1, "subjects of conversations": 1,
    }  # fmt: skip
    # and the other one takes part as it did
    entries = {entry.partner: entry.shown_as for entry in Contests("books").entries("ctt_1")}
    assert entries == {PARTNER: default_name("ctt_1", PARTNER), OTHER: "Coffee"}


def test_what_it_wrote_in_an_appeal_is_gone_from_the_mails_to_staff(world: World) -> None:
    # given appeals of it and of another partner, which staff were told of
    house, wrote = world.house, "My sister Ewa set these accounts up"
    [item] = house.of_kind("case")
    for partner, name in ((PARTNER, NAME), (OTHER, OTHER_NAME)):
        case = replace(case_from_item(item), partner=partner, case=f"cas_{partner}", name=name)
        for mail in appealed_mails(case, house.now, said=f"{wrote} for {partner}", decide_by=house.now):
            Mails("books").put(mail)

    assert world.erases().done["mails to staff"] == 1

    text = house.all_text()
    assert (f"{wrote} for {PARTNER}" in text, f"{wrote} for {OTHER}" in text) == (False, True)
    assert "mails to staff" not in world.erases().done


def test_what_is_anothers_stays(world: World) -> None:
    text_of_other = [json.dumps(each, ensure_ascii=False) for each in world.house.of_kind("card", "member", "mail")]
    world.erases()

    left = [json.dumps(each, ensure_ascii=False) for each in world.house.of_kind("card", "member", "mail")]
    assert {each for each in left if OTHER in each} == {each for each in text_of_other if OTHER in each}
    assert any("Fay Finance" in each for each in left)
    profile = world.house.paying.profiles.of_partner(OTHER)
    assert profile is not None and (profile.sealed, profile.fingerprint) == ("c2VhbGVk", FINGERPRINT)
    [holder] = world.house.of_kind("account_holder")
    assert holder["partner"] == OTHER
    [link] = [each for each in world.house.of_kind("link") if each["code"] == LINK]
    assert (link["status"], link["name"], link["note"]) == (Availability.PAUSED.value, "", "")


def test_its_name_in_mails_to_staff_is_its_id_from_then_on(world: World) -> None:
    house = world.house
    mail = payment_profile_mail(brand=BRAND, partner="", version=1, previous=NAME, masked=f"{NAME}ers, not {NAME}",
                                changed_at=house.now, usable_from=house.now)  # fmt: skip
    Mails("books").put(mail)

    assert world.erases().done["mails to staff"] == 1

    [kept] = [each for each in Mails("books").mails(BRAND) if each.template is mail.template]
    assert (kept.values["previous"], kept.values["masked"]) == (PARTNER, f"{NAME}ers, not {PARTNER}")


def test_erasing_twice_changes_nothing(world: World) -> None:
    world.erases()
    before = world.house.all_text()

    world.house.now += timedelta(days=3)
    again = world.erases()

    assert (again.done, again.before) == ({}, PAYDAY)
    assert world.house.all_text() == before


def test_a_look_at_it_changes_nothing_and_says_what_would_be_done(world: World) -> None:
    before, papers = world.house.all_text(), list(world.papers.kept)

    dry = world.erases(dry_run=True)

    assert (world.house.all_text(), world.papers.kept, len(world.pool.emails)) == (before, papers, 3)
    assert dry.done == world.erases().done


def test_cut_off_anywhere_it_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    totals = seen(world.house)
    left = 1
    while True:
        with a_house() as copy:
            copy.memory.tables = world.house.memory.copy(lambda: 0.0).tables
            copy.now = world.house.now
            other = World(copy, Pool(dict(world.pool.emails)), Papers(list(world.papers.kept)))
            if not _dies(other, monkeypatch, left):
                break
            copy.now += timedelta(minutes=1)
            other.erases()
            text = without_invoices(copy)
            assert [each for each in NEEDLES if each in text] == [], left
            assert FINGERPRINT not in json.dumps([i for i in copy.of_kind("account_holder") if i["partner"] == PARTNER])
            assert PersonIndex("books").of_members(PARTNER) == [], left
            assert other.pool.emails.keys() == {"sub-other"} and len(other.papers.kept) == 3, left
            if left % 5 == 0:
                assert seen(copy) == totals, left
        left += 1
    assert left > 15, "every write was cut off once"


def _dies(world: World, monkeypatch: pytest.MonkeyPatch, after: int) -> bool:
    """Whether erasing died at its n-th write."""
    with monkeypatch.context() as patch:
        real, written = world.house.memory.call, [0]

        def call(operation: str, arguments: Any) -> Any:
            if operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
                written[0] += 1
                if written[0] == after:
                    raise KeyboardInterrupt
            return real(operation, arguments)

        patch.setattr(world.house.memory, "call", call)
        try:
            world.erases()
        except KeyboardInterrupt:
            return True
    return False


# --------------------------------------------------------------------------------------------------------- refusing


def refused(world: World) -> tuple[str, str]:
    before = world.house.all_text()
    with pytest.raises(Conflict) as error:
        world.erases()
    assert world.house.all_text() == before
    return error.value.code, error.value.detail


def test_who_may_still_earn_is_blocked_first(world: World) -> None:
    world.house.paying.stands(PARTNER, Status.ACTIVE, world.house.now - timedelta(hours=1))
    code, says = refused(world)
    assert code == "partner_not_blocked" and "block it" in says


def test_who_is_owed_money_is_paid_first_and_who_owes_some_settles_it(world: World) -> None:
    world.house.paying.earns(PARTNER, 12_34)
    assert refused(world)[1].startswith(f"{PARTNER} is owed 12.34 EUR")
    world.house.paying.earns(PARTNER, -20_00)
    assert refused(world) == (
        "money_owed",
        f"{PARTNER} owes 7.66 EUR: pay it out, or settle it by an adjustment, until nothing is left.",
    )


def test_a_payout_or_a_case_that_is_open_is_finished_first(world: World) -> None:
    house = world.house
    for kind, change in (("case", {"closed_at": None}), ("payout", {"status": "sent"})):
        [item] = house.of_kind(kind)
        house.memory.client.put_item(TableName="books", Item=to_wire({**item, **change}))
        assert refused(world)[0] == f"{kind}_open"
        house.memory.client.put_item(TableName="books", Item=to_wire(item))
    assert world.erases().done


def test_of_a_partner_that_nobody_knows_it_says_so(world: World) -> None:
    with pytest.raises(NotFound):
        world.erases("par_nobody")


def test_logins_that_cannot_be_deleted_now_are_deleted_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(sub: str) -> bool:
        raise Unavailable("Cognito does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(world.pool, "delete", down)
        with pytest.raises(Unavailable):
            world.erases()
    assert len([each for each in world.house.of_kind("member") if each.get("partner") == PARTNER]) == 2
    world.house.now += timedelta(minutes=1)

    world.erases()

    assert [each for each in NEEDLES if each in without_invoices(world.house)] == []
    assert CHECKER.role is Role.FINANCE and LONG_AGO < PAYDAY
