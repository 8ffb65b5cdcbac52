"""The questions about mails, asked of real tables; and that a mail is there once, and goes one way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.exceptions import TransactWriteError

from introducer.domain.errors import Conflict, NotFound
from introducer.domain.mail import Mail, MailStatus, MailTemplate, handed_on_to, new_mail, verification_mail
from introducer.store import keys
from introducer.store.mails import Mails, mail_of_image, mail_put
from introducer.store.wire import connect
from tests.conftest import Tables

NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
PARTNER, BRAND = "par_p", "brd_1"

pytestmark = pytest.mark.in_memory


@pytest.fixture
def mails(tables: Tables) -> Mails:
    return Mails(tables.books)


def a_mail(what: str = "kyc_1 refused", *, minutes: int = 0, **other: Any) -> Mail:
    at = NOW + timedelta(minutes=minutes)
    values = {"decision": "refused", "reason": "The passport's page is cut off — #2 % ✓"}
    given = {"brand": BRAND, "partner": PARTNER, "at": at} | other
    return new_mail(what, MailTemplate.VERIFICATION_DECIDED, values, **given)


@pytest.mark.pattern("mail_by_id")
def test_a_mail_reads_as_it_was_put_and_a_second_put_changes_nothing(mails: Mails) -> None:
    assert mails.put(a_mail())
    sent = mails.mark(mails.mark(a_mail(), MailStatus.SENDING, NOW), MailStatus.SENT, NOW, message="0100-abc")

    assert not mails.put(a_mail())

    assert mails.mail(PARTNER, a_mail().mail) == sent
    assert (sent.values, sent.message) == (a_mail().values, "0100-abc")
    with pytest.raises(NotFound):
        mails.mail("par_other", a_mail().mail)


@pytest.mark.pattern("mails_of")
def test_a_partners_mails_come_newest_first_and_a_brands_staff_has_its_own(mails: Mails) -> None:
    written = [a_mail(f"step {number}", minutes=number) for number in range(3)]
    for mail in (*written, a_mail(partner="par_other"), a_mail(partner="", member="sub-1")):
        mails.put(mail)

    assert mails.mails(PARTNER) == tuple(reversed(written))
    assert [mail.member for mail in mails.mails(BRAND)] == ["sub-1"]
    assert mails.mails("par_nobody") == ()


@pytest.mark.pattern("mails_unsent")
def test_what_nobody_was_told_is_listed_until_somebody_was(mails: Mails) -> None:
    steps = {
        "waits": (),
        "is under way": (MailStatus.SENDING,),
        "failed": (MailStatus.SENDING, MailStatus.FAILED),
        "is unclear": (MailStatus.SENDING, MailStatus.UNCLEAR),
        "was sent": (MailStatus.SENDING, MailStatus.SENT),
        "was sent after all": (MailStatus.SENDING, MailStatus.UNCLEAR, MailStatus.SENT),
        "was handed on": (MailStatus.HANDED_ON,),
        "must not be": (MailStatus.SUPPRESSED,),
    }
    for number, (what, way) in enumerate(steps.items()):
        mail = a_mail(what, minutes=number)
        mails.put(mail)
        for status in way:
            mail = mails.mark(mail, status, NOW)
    mails.put(a_mail("of another brand", brand="brd_2"))

    assert [mail.what for mail in mails.unsent(BRAND).items] == ["waits", "is under way", "failed", "is unclear"]
    first = mails.unsent(BRAND, limit=3)
    assert [mail.what for mail in mails.unsent(BRAND, first.cursor).items] == ["is unclear"]


def test_a_mail_is_put_with_what_it_tells_of_or_not_at_all(tables: Tables, mails: Mails) -> None:
    connection = connect(tables.books)
    connection.transact_write_items((), (), [mail_put(connection, tables.books, a_mail())], ())
    assert mails.mail(PARTNER, a_mail().mail) == a_mail()

    again = [mail_put(connection, tables.books, each) for each in (a_mail(), a_mail("another step"))]
    with pytest.raises(TransactWriteError):
        connection.transact_write_items((), (), again, ())
    assert len(mails.mails(PARTNER)) == 1


def test_of_two_who_would_send_it_one_may(mails: Mails) -> None:
    mails.put(a_mail())
    mails.mark(a_mail(), MailStatus.SENDING, NOW)
    with pytest.raises(Conflict):
        mails.mark(a_mail(), MailStatus.SENDING, NOW)


@pytest.mark.parametrize("status", [MailStatus.SENT, MailStatus.FAILED, MailStatus.UNCLEAR, MailStatus.WAITING])
def test_what_was_never_claimed_was_not_sent_and_does_not_come_into_being(mails: Mails, status: MailStatus) -> None:
    with pytest.raises(Conflict):
        mails.mark(a_mail(), status, NOW)
    assert mails.mails(PARTNER) == ()
    mails.put(a_mail())
    if status is not MailStatus.FAILED:
        with pytest.raises(Conflict):
            mails.mark(a_mail(), status, NOW)


def test_mails_of_the_stream_are_told_from_what_looks_like_them(tables: Tables, mails: Mails) -> None:
    mails.put(a_mail())
    mails.put(a_mail(partner=""))
    images = tables.items(tables.books)
    found = {mail_of_image(image) for image in images}
    assert found == {(PARTNER, a_mail().mail), (BRAND, a_mail(partner="").mail)}
    for name, value in ((keys.PK, "P#par_q#mails"), (keys.SK, "mail_x"), ("mail", "pay_1")):
        assert mail_of_image({**images[0], name: {"S": value}}) is None
    assert mail_of_image({keys.PK: {"S": "x"}, keys.SK: {"S": "mail_1"}}) is None


def test_it_is_forgotten_after_400_days(tables: Tables, mails: Mails) -> None:
    mails.put(a_mail())
    [item] = tables.items(tables.books)
    assert int(item[keys.TTL]["N"]) == int((NOW + timedelta(days=400)).timestamp())


def test_one_step_and_person_have_one_id() -> None:
    ids = [
        a_mail().mail,
        a_mail("kyc_2 refused").mail,
        a_mail(partner="par_q").mail,
        a_mail(member="sub-1").mail,
        a_mail(member="sub-2").mail,
        a_mail(partner="", member="sub-1").mail,
        a_mail(brand="brd_2").mail,
        handed_on_to(a_mail(), "sub-1", NOW).mail,
        handed_on_to(a_mail(), "sub-2", NOW).mail,
    ]
    assert len(set(ids)) == len(ids)
    assert a_mail(minutes=5).mail == a_mail().mail
    assert handed_on_to(a_mail(), "sub-1", NOW + timedelta(days=1)).mail == handed_on_to(a_mail(), "sub-1", NOW).mail


@pytest.mark.parametrize(
    "values",
    [
        {"decision": "approved"},
        {"decision": "approved", "reason": "", "more": ""},
        {"decision": "not a word", "reason": ""},
        {"decision": "approved", "reason": 1},
        {"decision": "approved", "reason": "x" * 501},
    ],
)
def test_values_that_do_not_fit_are_refused_when_the_mail_is_made(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"verification_decided"):
        new_mail("x", MailTemplate.VERIFICATION_DECIDED, values, brand=BRAND, partner=PARTNER, at=NOW)


def test_a_decision_is_told_to_the_owners() -> None:
    mail = verification_mail("kyc_1", brand=BRAND, partner=PARTNER, decision="approved", reason="", at=NOW)
    assert (mail.audience.value, mail.of, mail.status) == ("owners", PARTNER, MailStatus.WAITING)
    assert replace(mail, partner="").of == BRAND
