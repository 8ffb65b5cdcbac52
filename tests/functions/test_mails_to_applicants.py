"""Mails to people without a login: the address is opened when the mail goes, and the link is made then."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from introducer.domain.application import Applicant, Application, erased, refused, to_json
from introducer.domain.applying import key_of, read_token
from introducer.domain.events import milliseconds
from introducer.domain.mail import Mail, MailStatus, MailTemplate, applicant_mail
from introducer.gateways.application_vault import ApplicationVault
from introducer.services.read_applied import CONFIRM, AppliedReader
from introducer.store.applications import Applications
from tests.store.test_applications import an_application, check_mail
from tests.support.leading import Keys
from tests.support.mailing import BRAND, CHANGE, NOW, SECRET, World, a_world

MARA = Applicant(
    name="Mara Quill", company="Quill Media", email="mara.quill@example.com", website="", channels=(), plan="Videos"
)


@dataclass
class Pool:
    known: set[str] = field(default_factory=set)

    def sub_of(self, email: str) -> str | None:
        return "sub-1" if email in self.known else None


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def world(pool: Pool) -> Iterator[World]:
    with a_world() as found:
        vault = ApplicationVault(Keys(), "key", random=secrets.token_bytes)
        found.applied = AppliedReader(Applications("books"), lambda: vault, pool, lambda: SECRET)
        yield found


def applies(world: World, **other: str) -> Application:
    vault = ApplicationVault(Keys(), "key", random=secrets.token_bytes)
    made = an_application(brand=BRAND, at=NOW, since=NOW, via="")
    sealed, data_key = vault.seal(made.application, to_json(MARA))
    made = replace(made, sealed=sealed, data_key=data_key, **other)
    Applications("books").submit(made, check_mail(made), CHANGE)
    return made


def the_mail(world: World, application: Application) -> Mail:
    return world.mails.mails(application.partner)[0]


def test_the_link_goes_to_the_address_that_was_typed_in_its_own_language(world: World) -> None:
    made = applies(world, language="en")

    assert world.runs() == []

    [letter] = world.inbox.taken
    assert (letter.to, letter.to_name, letter.language) == ("mara.quill@example.com", "Mara Quill", "en")
    assert letter.subject == "Confirm your address for Northwind & Sons"
    address = f"https://go.example.com{CONFIRM}"
    token = letter.text.partition(address)[2].split()[0]
    link = read_token(key_of(SECRET), token)
    assert link is not None and (link.brand, link.application) == (BRAND, made.application)
    assert milliseconds(link.until) == the_mail(world, made).values["until"]
    assert "somebody applied to be a partner with this address" in letter.text
    assert "unsubscribe" not in letter.text.lower()
    sent = the_mail(world, made)
    assert sent.status is MailStatus.SENT and "mara" not in str(sent).lower(), "the address stands nowhere in clear"
    world.runs()
    assert len(world.inbox.taken) == 1


def test_who_has_a_login_is_told_so_and_gets_no_link(world: World, pool: Pool) -> None:
    pool.known.add(MARA.email)
    applies(world)

    world.runs()

    [letter] = world.inbox.taken
    assert CONFIRM not in letter.text and "/sign-in" in letter.text


def test_a_refusal_is_said_in_its_words_and_whoever_was_erased_gets_none(world: World) -> None:
    made = applies(world)
    world.runs()
    after = refused(replace(made, state="waiting"), by="mem_1", reason="No licence in <Poland> yet.", at=NOW)  # type: ignore[arg-type]
    mail = applicant_mail(
        f"{made.application} refused",
        MailTemplate.APPLICATION_REFUSED,
        {"application": made.application, "reason": after.reason},
        brand=BRAND,
        partner=made.partner,
        at=NOW,
    )
    world.writes(mail)
    world.runs()
    letter = world.inbox.taken[-1]
    assert "No licence in <Poland> yet." in letter.text and "&lt;Poland&gt;" in letter.html

    gone = erased(made, NOW)
    Applications("books").erase(made, gone, CHANGE)
    again = replace(mail, mail="mail_" + "0" * 26)
    world.writes(again)
    world.runs()
    assert world.mails.mail(made.partner, again.mail).status is MailStatus.FAILED
    assert len(world.inbox.taken) == 2
