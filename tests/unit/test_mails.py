"""What mails say, in every language; and that they reach SES whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto import mock_aws

from introducer.domain.case import CLOCK, Case, CaseStatus, ReasonCode, Verdict
from introducer.domain.case_mail import (
    appealed_mails,
    closed_mails,
    decided_mails,
    escalated_mails,
    opened_mails,
    reminder_mails,
)
from introducer.domain.configuration import Role
from introducer.domain.mail import (
    FIELDS,
    Audience,
    Kind,
    MailTemplate,
    Value,
    check_values,
    payment_profile_mail,
    payout_mail,
    payouts_waiting_mail,
    verification_mail,
)
from introducer.domain.mail_topics import topic_said
from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Part, Payout, PayoutStatus, Run, RunStatus, added_up
from introducer.domain.rates import Rate
from introducer.gateways.mail import (
    CONFIG,
    Letter,
    Mailer,
    MailNotTaken,
    MailRefused,
    MailServiceFull,
    MailUnclear,
    written,
)
from introducer.gateways.user_pool import UserPool
from introducer.locale import CODES, Language, language
from introducer.wording.mails.rendering import EXAMPLES, OWNER, STAFF, preview, render
from introducer.wording.mails.telling import WORDS, Written

NOW = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
SENDER = "partners@example.com"
EVIL = '<img src=x onerror="alert(1)">{{ 7 * 7 }}%(brand)s'


# ------------------------------------------------------------------------------------------------------------- wording


class Page(HTMLParser):
    """A mail as a reader's program takes it apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.tags: set[str] = set()
        self.text = ""
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.setdefault(tag, dict(attrs))
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("template", MailTemplate)
def test_every_mail_is_whole_in_every_language(template: MailTemplate, code: str) -> None:
    said = preview(template, language(code))
    page = Page(said.html)
    assert page.open == []
    html = page.attributes["html"]
    assert (html["lang"], html["dir"]) == (code, "rtl" if code == "ar" else "ltr")
    unwanted = page.links[1:]
    # Whoever may switch it off sees how, and where everything else is chosen; money and work have neither.
    binding = topic_said(template, EXAMPLES[template]).is_binding
    assert [link.split("/")[3] for link in unwanted] == ([] if binding else ["unsubscribe", "settings"])
    # The text says the same, and nothing was left unfilled.
    for link in page.links:
        assert link.startswith("https://partners.example.com/")
        assert link in said.text
    # Which broker writes, and why.
    why, brand = said.text.split("\n-- \n")[1].splitlines()[0], OWNER.brand
    assert brand in why
    assert why in page.text
    for text in (said.subject, said.text, page.text):
        assert text.strip()
        assert not re.search(r"%\(|\{\{|\{%|None|Undefined", text)
    assert "\n" not in said.subject
    assert "\n\n\n" not in said.text
    assert "<" not in said.text.replace("<https", "")
    assert len(said.html.encode()) < 60_000
    # Nothing comes from elsewhere: no picture that reports who reads it.
    assert not page.tags & {"img", "script", "link", "iframe"}
    assert "url(" not in said.html


def test_amounts_rates_and_days_are_written_as_the_reader_writes_them() -> None:
    polish = preview(MailTemplate.PAYOUT_PAID, language("pl"))
    assert "13\N{NO-BREAK SPACE}385,17\N{NO-BREAK SPACE}USD" in polish.subject
    assert "1 EUR = 1,0842 USD" in polish.text
    english = preview(MailTemplate.PAYOUT_PAID, language("en"))
    assert "Converted from: 12,345.67\N{NO-BREAK SPACE}EUR\n" in english.text
    assert "Rate: 1 EUR = 1.0842 USD · ECB, published on 2 Dec 2026\n" in english.text
    waiting = preview(MailTemplate.PAYOUTS_WAITING, language("en")).text
    assert "90,000\N{NO-BREAK SPACE}JPY" in waiting


def test_no_line_ends_between_a_time_of_day_and_its_zone() -> None:
    said = preview(MailTemplate.PAYMENT_PROFILE_CHANGED, language("en"))
    assert "09:30\N{NO-BREAK SPACE}UTC" in said.html
    assert "09:30 UTC" not in said.html
    # where text is plain there are no lines to be turned round
    assert "09:30 UTC" in said.text


def test_where_nothing_is_converted_no_rate_is_said() -> None:
    values = {**EXAMPLES[MailTemplate.PAYOUT_PAID], "amount": {"minor": 100, "currency": "USD"}, "rates": []}
    said = render(MailTemplate.PAYOUT_PAID, values, language("en"), OWNER)
    assert "Converted" not in said.text
    assert "Rate" not in said.text


def test_a_word_for_a_reason_that_is_newer_than_these_words_is_shown_as_it_is() -> None:
    values = {**EXAMPLES[MailTemplate.PAYOUT_FAILED], "reason": "moon_in_the_wrong_house"}
    assert "Reason: moon in the wrong house\n" in render(MailTemplate.PAYOUT_FAILED, values, language("en"), OWNER).text
    for reason, said in (("", ""), ("told_by_staff", ""), ("AC04", "Reason: The account is closed\n")):
        values["reason"] = reason
        text = render(MailTemplate.PAYOUT_FAILED, values, language("en"), OWNER).text
        assert said in text
        assert ("Reason" in text) is bool(said)


def test_the_first_profile_has_none_before_it_and_a_reminder_says_that_it_is_one() -> None:
    values = {**EXAMPLES[MailTemplate.PAYMENT_PROFILE_CHANGED], "previous": ""}
    assert "Before:" not in render(MailTemplate.PAYMENT_PROFILE_CHANGED, values, language("en"), OWNER).text
    values = {**EXAMPLES[MailTemplate.PAYOUTS_WAITING], "reminder": 1}
    assert render(MailTemplate.PAYOUTS_WAITING, values, language("en"), OWNER).subject.startswith("Reminder: ")
    values = {"decision": "approved", "reason": ""}
    assert render(MailTemplate.VERIFICATION_DECIDED, values, language("en"), OWNER).subject == "You are verified"


CASE_MAILS = [template for template in MailTemplate if template.value.startswith("case_")]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("template", CASE_MAILS)
def test_a_case_is_told_to_staff_with_the_partners_name_and_leads_to_the_desk(
    template: MailTemplate, code: str
) -> None:
    said = preview(template, language(code), STAFF)
    [link] = Page(said.html).links
    assert "/desk/cases/par_01JDXAMPLE0000000000000000/cas_" in link
    assert "Amberfield Media" in said.subject
    assert not re.search(r"%\(|None", said.text)


BLAME = re.compile(r"fraud|cheat|abuse|suspic|fake|attack|guilty|blocked", re.I)


@pytest.mark.parametrize("template", [each for each in CASE_MAILS if each is not MailTemplate.CASE_REMINDER])
def test_what_a_partner_is_told_of_a_case_accuses_nobody(template: MailTemplate) -> None:
    for topic in ("", *WORDS["case_topic"]):
        for reader in (OWNER, STAFF):
            said = render(template, {**EXAMPLES[template], "topic": topic}, language("en"), reader)
            assert not BLAME.search(said.subject + said.text)


@pytest.mark.parametrize(
    ("template", "changed", "owner", "staff"),
    [
        (MailTemplate.CASE_OPENED, {"held": [], "clients": 0, "topic": ""},
         "What you earned and were not paid yet is held until then.", "Clients: All clients"),
        (MailTemplate.CASE_DECIDED, {"outcome": "released", "code": ""}, "Your earnings are free again",
         "What was held is released"),
        (MailTemplate.CASE_DECIDED, {"outcome": "released", "by": "clock", "code": "", "why": ""},
         "Nobody decided in time: what was held is released by itself.", "Nobody decided in time"),
        (MailTemplate.CASE_DECIDED, {}, "You can appeal once, until", "The partner may appeal until"),
        (MailTemplate.CASE_DECIDED, {}, "What was held for other clients is yours again.",
         "Clients who earn nothing: 11"),
        (MailTemplate.CASE_CLOSED, {}, "Your appeal was right", "The appeal was right"),
        (MailTemplate.CASE_CLOSED, {"by": "clock", "why": ""}, "Nobody decided in time", "Nobody decided in time"),
        (MailTemplate.CASE_CLOSED, {"outcome": "upheld", "code": "self_referral"}, "The verdict stands",
         "The appeal changed nothing"),
        (MailTemplate.CASE_CLOSED, {"outcome": "disallowed", "code": "self_referral"}, "The time to appeal is over",
         "Nobody appealed"),
    ],
)  # fmt: skip
def test_each_side_is_told_how_a_case_goes(
    template: MailTemplate, changed: dict[str, Any], owner: str, staff: str
) -> None:
    values = {**EXAMPLES[template], **changed}
    assert owner in render(template, values, language("en"), OWNER).text
    assert staff in render(template, values, language("en"), STAFF).text


def test_without_a_way_to_appeal_none_is_offered_and_reminders_say_what_happens_otherwise() -> None:
    values = {**EXAMPLES[MailTemplate.CASE_DECIDED], "appeal_by": 0, "starts_at": 0, "disallowed": 12}
    for reader in (OWNER, STAFF):
        text = render(MailTemplate.CASE_DECIDED, values, language("en"), reader).text
        assert "ppeal" not in text
        assert "From:" not in text
        assert "other clients" not in text
    said = []
    for stage in ("open", "escalated", "appealed"):
        given = {**EXAMPLES[MailTemplate.CASE_REMINDER], "stage": stage}
        said.append(render(MailTemplate.CASE_REMINDER, given, language("en"), STAFF).text)
    assert "compliance and the admins are asked" in said[0]
    assert "what is held is released by itself" in said[1]
    assert "the appeal counts as right" in said[2]


@pytest.mark.parametrize("template", MailTemplate)
def test_what_people_wrote_does_nothing(template: MailTemplate) -> None:
    values: dict[str, Any] = {
        name: EVIL if kind is Kind.TEXT else EXAMPLES[template][name] for name, kind in FIELDS[template].items()
    }
    reader = replace(OWNER, name=EVIL, brand=EVIL, partner=EVIL)
    written = Written(subject=EVIL, paragraphs=(EVIL,)) if template is MailTemplate.WRITTEN else None
    said = render(template, values, language("ar"), reader, written)
    page = Page(said.html)
    assert "img" not in page.tags
    assert EVIL in page.text
    assert EVIL in said.text
    assert "49" not in page.text


def test_a_missing_or_wrong_value_is_refused() -> None:
    for template, values in EXAMPLES.items():
        check_values(template, values)
        for name, kind in FIELDS[template].items():
            less = {other: value for other, value in values.items() if other != name}
            wrong: Value = 7 if kind not in (Kind.COUNT, Kind.MOMENT) else -1
            for given in (less, {**less, name: wrong}, {**values, "more": "x"}):
                with pytest.raises(ValueError, match=template.value):
                    render(template, given, language("en"), OWNER)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("amount", {"minor": "1", "currency": "EUR"}),
        ("amount", {"minor": 1.5, "currency": "EUR"}),
        ("amount", {"minor": 1}),
        ("day", "3 Dec"),
        ("payout", "two words"),
        ("rates", [{"source": "EUR"}]),
        ("rates", "none"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused(kind: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=kind):
        check_values(MailTemplate.PAYOUT_PAID, {**EXAMPLES[MailTemplate.PAYOUT_PAID], kind: bad})


# ------------------------------------------------------------------------------------------------- who is told of what

RATE = Rate("EUR", "USD", 1_084_200_000_000, "2026-12-02", "ecb")
OLDER = Rate("EUR", "USD", 1_100_000_000_000, "2026-10-31", "ecb")
PAYOUT = Payout(
    payout="pay_1", brand="brd_1", run="2026-11-monthly", partner="par_1", name="Amberfield", rail=RailKind.SEPA,
    currency="EUR", amount=10_000, pay_currency="USD", pays=10_842, masked="DE•• •••• 3000", profile_version=1,
    parts=(Part(4_000, "", RATE), Part(3_000, "", RATE), Part(3_000, "2026-10", OLDER)),
    status=PayoutStatus.RETURNED, status_since=NOW, created_at=NOW, reason="account_closed",
)  # fmt: skip


def test_what_became_of_a_payout_is_told_to_the_owners_with_each_rate_once() -> None:
    mail = payout_mail(MailTemplate.PAYOUT_RETURNED, PAYOUT, NOW)
    assert (mail.partner, mail.audience, mail.audience.roles) == ("par_1", Audience.OWNERS, {Role.OWNER})
    assert mail.values["amount"] == {"minor": 10_000, "currency": "EUR"}
    assert mail.values["pays"] == {"minor": 10_842, "currency": "USD"}
    assert [(rate["rate"], rate["day"]) for rate in _listed(mail.values["rates"])] == [
        ("1.0842", "2026-12-02"),
        ("1.1", "2026-10-31"),
    ]
    assert mail.values["reason"] == "account_closed"
    # Whenever it is asked, it is the same mail; another step is another.
    assert payout_mail(MailTemplate.PAYOUT_RETURNED, PAYOUT, NOW + timedelta(days=1)).mail == mail.mail
    assert payout_mail(MailTemplate.PAYOUT_PAID, PAYOUT, NOW).mail != mail.mail


def test_what_a_bank_or_a_person_wrote_never_stops_the_step_that_it_is_told_of() -> None:
    said = replace(PAYOUT, reason="Konto erloschen, IBAN •••• 3000: bitte prüfen")
    assert payout_mail(MailTemplate.PAYOUT_FAILED, said, NOW).values["reason"] == ""
    long = verification_mail("x", brand="brd_1", partner="par_1", decision="refused", reason="x" * 2000, at=NOW)
    assert long.values["reason"] == "x" * 500


def test_a_run_that_waits_says_what_is_still_to_be_paid_and_each_reminder_is_a_mail() -> None:
    waits = replace(PAYOUT, status=PayoutStatus.CREATED)
    others = [waits, replace(waits, currency="USD", pays=1), replace(waits, pay_currency="EUR", pays=5)]
    rejected = replace(waits, status=PayoutStatus.REJECTED)
    run = Run(
        brand="brd_1", run="2026-11-monthly", schedule="monthly", first="2026-11-01", through="2026-11-30",
        pay_day="2026-12-03", status=RunStatus.WAITING, started_at=NOW, started_by="system:schedule",
        sums=added_up([*others, rejected]), deadline=NOW + timedelta(days=2),
    )  # fmt: skip
    mail = payouts_waiting_mail(run, NOW)
    assert (mail.of, mail.audience.roles) == ("brd_1", {Role.FINANCE, Role.ADMIN})
    assert mail.values["payouts"] == 3
    assert mail.values["sums"] == [{"minor": 5, "currency": "EUR"}, {"minor": 10_843, "currency": "USD"}]
    again = payouts_waiting_mail(replace(run, reminders=1), NOW)
    assert again.mail != mail.mail


def test_a_change_of_details_is_one_mail_by_version() -> None:
    given: dict[str, Any] = {"brand": "brd_1", "partner": "par_1", "previous": "", "masked": "GB•• •••• 6819"}
    moments = {"changed_at": NOW, "usable_from": NOW + timedelta(days=3)}
    first, again, next_ = (payment_profile_mail(version=number, **given, **moments) for number in (1, 1, 2))
    assert first.mail == again.mail != next_.mail


CASE = Case(
    case="cas_1", brand="brd_1", partner="par_1", name="Amberfield", status=CaseStatus.OPEN, opened_at=NOW,
    opened_by="system:scoring", why="x" * 900, detectors=("stuffing",), clients=("c1", "c2"),
    decide_by=NOW + timedelta(days=7), escalate_by=NOW + timedelta(days=14),
    held={("EUR", "2026-12-10"): 300, ("EUR", ""): 200, ("USD", ""): 1},
)  # fmt: skip
VERDICT = Verdict(
    at=NOW, by="mem_1", disallowed=True, code=ReasonCode.COOKIE_STUFFING, why="Seen by hand", clients=("c1",)
)


def test_a_case_is_told_to_the_partner_and_to_its_manager_and_of_none_to_compliance() -> None:
    to_owners, to_manager = opened_mails(CASE, NOW, manager="mem_9")
    assert (to_owners.of, to_owners.audience, to_owners.values["why"]) == ("par_1", Audience.OWNERS, "")
    assert (to_manager.of, to_manager.audience, to_manager.member) == ("brd_1", Audience.MEMBER, "mem_9")
    assert to_manager.values["why"] == "x" * 500
    assert to_manager.values["held"] == [{"minor": 500, "currency": "EUR"}, {"minor": 1, "currency": "USD"}]
    assert opened_mails(replace(CASE, whole=True), NOW)[1].values["clients"] == 0
    for mails in (opened_mails(CASE, NOW), escalated_mails(CASE, NOW)):
        assert mails[1].audience.roles == {Role.COMPLIANCE, Role.ADMIN}


def test_each_reminder_is_a_mail_and_who_was_late_is_not_reminded_of_what_is_no_longer_theirs() -> None:
    def reminder(**changed: Any) -> Any:
        [mail] = reminder_mails(replace(CASE, **changed), NOW, decide_by=NOW + timedelta(days=1), manager="mem_9")
        return mail

    first = reminder(reminders=1)
    assert (first.member, first.values["stage"]) == ("mem_9", "open")
    others = [reminder(reminders=2), reminder(reminders=1, status=CaseStatus.ESCALATED),
              reminder(reminders=1, status=CaseStatus.APPEALED)]  # fmt: skip
    assert len({first.mail, *(mail.mail for mail in others)}) == 4
    assert [mail.audience for mail in others] == [Audience.MEMBER, Audience.COMPLIANCE, Audience.COMPLIANCE]


def test_a_verdict_is_told_with_its_reason_and_the_way_to_appeal() -> None:
    disallowed = replace(CASE, status=CaseStatus.DISALLOWED, verdict=VERDICT, appeal_by=NOW + timedelta(days=14))
    values = decided_mails(disallowed, NOW)[0].values
    assert (values["outcome"], values["code"], values["disallowed"], values["starts_at"]) == (
        "disallowed", "cookie_stuffing", 1, 0,
    )  # fmt: skip
    assert values["appeal_by"]
    clock = replace(VERDICT, by=CLOCK, disallowed=False, code=None, why="Nobody decided in time.", clients=())
    values = decided_mails(replace(CASE, status=CaseStatus.RELEASED, verdict=clock), NOW)[0].values
    assert (values["outcome"], values["by"], values["why"], values["appeal_by"]) == ("released", "clock", "", 0)
    appealed = appealed_mails(disallowed, NOW, said="y" * 2000, decide_by=NOW)
    assert [mail.audience for mail in appealed] == [Audience.OWNERS, Audience.COMPLIANCE]
    assert appealed[0].values["said"] == "y" * 500


def test_an_end_is_told_where_it_is_news() -> None:
    second = replace(VERDICT, by="mem_2", disallowed=False, code=None)
    over = replace(CASE, status=CaseStatus.OVERTURNED, verdict=VERDICT, second=second)
    assert [mail.values["outcome"] for mail in closed_mails(over, NOW)] == ["overturned", "overturned"]
    kept = replace(CASE, status=CaseStatus.DISALLOWED, verdict=VERDICT)
    assert [mail.values["outcome"] for mail in closed_mails(kept, NOW)] == ["disallowed", "disallowed"]
    # Of a release all was said with the verdict.
    assert closed_mails(replace(CASE, status=CaseStatus.RELEASED, verdict=second), NOW) == []


def _listed(value: Value) -> list[Mapping[str, Any]]:
    assert isinstance(value, list)
    return value


# --------------------------------------------------------------------------------------------------------- over to SES

LETTER = Letter(
    id="mail_01J", to="owner@example.com", to_name="Zoë", from_name="Łódź Markets, Ltd", subject="You were paid",
    text="Zapłaciliśmy\n" * 3, html="<p>Zapłaciliśmy</p>", language="pl",
)  # fmt: skip


def read(letter: Letter) -> Any:
    raw = written(letter, SENDER, NOW)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) < 998
    return message_from_bytes(raw, policy=default)


def test_a_mail_has_its_headers_a_text_and_the_same_as_html() -> None:
    mail = read(LETTER)
    assert str(mail["From"]) == '"Łódź Markets, Ltd" <partners@example.com>'
    assert str(mail["To"]) == "Zoë <owner@example.com>"
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<mail_01j@example.com>", "auto-generated")
    assert mail["Date"].datetime == NOW
    assert mail["Content-Language"] == "pl"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().strip() == LETTER.html
    # The same mail is the same bytes.
    assert written(LETTER, SENDER, NOW) == written(LETTER, SENDER, NOW)


@pytest.mark.parametrize("field", ["subject", "to_name", "from_name"])
@pytest.mark.parametrize(
    "text", ["Hello\r\nBcc: evil@example.com", "\nBcc: evil@example.com\n\n<p>", "a\x00b\u2028Bcc: x", "\r", "x" * 999]
)
def test_no_text_adds_a_header(field: str, text: str) -> None:
    mail = read(replace(LETTER, **{field: text}))
    assert set(mail.keys()) == set(read(LETTER).keys())
    assert [address.addr_spec for address in mail["To"].addresses] == ["owner@example.com"]
    assert "Bcc" not in mail


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "a b@example.com",
     "Ünï@example.com", "a@bücher.example", "<a@example.com>"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(MailRefused):
        written(replace(LETTER, to=address), SENDER, NOW)


def test_a_mail_that_is_too_large_is_refused() -> None:
    with pytest.raises(MailRefused) as refusal:
        written(replace(LETTER, html="x" * 1_000_000), SENDER, NOW)
    assert refusal.value.code == "mail_too_large"


@pytest.mark.parametrize("part", ["text", "html"])
def test_a_mail_may_say_sixty_thousand_bytes_and_not_one_more(part: str) -> None:
    most = "ü" * 30_000
    assert written(replace(LETTER, **{part: most}), SENDER, NOW)
    with pytest.raises(MailRefused) as refusal:
        written(replace(LETTER, **{part: f"{most}x"}), SENDER, NOW)
    assert refusal.value.code == "mail_too_large"


class Ses:
    """A client that answers, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[dict[str, Any]] = []

    def send_email(self, **given: Any) -> dict[str, str]:
        self.sent.append(given)
        if self.error:
            raise self.error
        return {"MessageId": "0100"}


def test_who_gets_it_is_said_beside_the_mail() -> None:
    ses = Ses()
    assert Mailer(ses, SENDER).send(LETTER, NOW) == "0100"
    [given] = ses.sent
    assert given["Destination"] == {"ToAddresses": ["owner@example.com"]}
    assert (given["FromEmailAddress"], given["EmailTags"]) == (SENDER, [{"Name": "mail", "Value": "mail_01J"}])


@pytest.mark.parametrize(
    ("most", "sent", "rate", "says"),
    [
        (50_000, 0, 14, 14),
        (50_000, 39_999, 14, 14),
        (50_000, 40_000, 14, 0),
        (200, 200, 1, 0),
        (50_000, 10, 0.5, 1),
        (-1, 9_000_000, 500, 500),  # without an end
    ],
)
def test_a_fifth_of_a_days_mails_is_kept_for_what_cannot_wait(most: float, sent: float, rate: float, says: int) -> None:
    class Account(Ses):
        def get_account(self) -> Any:
            return {"SendQuota": {"Max24HourSend": float(most), "SentLast24Hours": float(sent), "MaxSendRate": rate}}

    assert Mailer(Account(), SENDER).per_second() == says


def answered(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendEmail")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (answered("MessageRejected", 400), MailRefused, "MessageRejected"),
        (answered("MailFromDomainNotVerifiedException", 400), MailRefused, "MailFromDomainNotVerifiedException"),
        (answered("AccessDeniedException", 403), MailRefused, "AccessDeniedException"),
        (answered("SendingPausedException", 400), MailRefused, "SendingPausedException"),
        (answered("TooManyRequestsException", 429), MailServiceFull, "mail_service_full"),
        (answered("LimitExceededException", 400), MailServiceFull, "mail_service_full"),
        (answered("ExpiredTokenException", 403), MailNotTaken, "mail_not_taken"),
        (EndpointConnectionError(endpoint_url="x"), MailNotTaken, "mail_not_taken"),
        (ConnectTimeoutError(endpoint_url="x"), MailNotTaken, "mail_not_taken"),
        (ReadTimeoutError(endpoint_url="x"), MailUnclear, "mail_unclear"),
        (ConnectionClosedError(endpoint_url="x"), MailUnclear, "mail_unclear"),
        (answered("InternalServiceErrorException", 500), MailUnclear, "mail_unclear"),
        (answered("", 503), MailUnclear, "mail_unclear"),
    ],
)
def test_what_is_certain_after_a_failure_is_told_apart(error: Exception, kind: type[Exception], code: str) -> None:
    with pytest.raises(kind) as raised:
        Mailer(Ses(error), SENDER).send(LETTER, NOW)
    assert type(raised.value) is kind
    assert raised.value.code == code  # type: ignore[attr-defined]


def test_the_library_never_tries_a_second_time() -> None:
    assert CONFIG.retries == {"total_max_attempts": 1}


def test_a_logins_address_is_found_by_its_sub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = client.create_user_pool(PoolName="p", UsernameAttributes=["email"])["UserPool"]["Id"]
        pool = UserPool(client, pool_id)
        sub = pool.create_user("owner@example.com", send_invitation=False)
        login = pool.login(sub)
        assert (login.email, login.verified, login.enabled) == ("owner@example.com", True, True)
        assert "owner@example.com" not in repr(login)
        client.admin_disable_user(UserPoolId=pool_id, Username=sub)
        assert not pool.login(sub).enabled
        with pytest.raises(Exception, match="no such login"):
            pool.login("another")


def test_a_language_without_translations_yet_falls_back_to_english_texts_and_keeps_its_own_figures() -> None:
    said = preview(MailTemplate.PAYOUT_RETURNED, _Untranslated("th"))
    assert said.subject.startswith("Your payout of 13,385.17")
    assert 'lang="th"' in said.html
    assert "ธ.ค." in said.text


class _Untranslated(Language):
    def text(self, message: str) -> str:
        return message
