"""A mail that is written into the books arrives in each inbox it is for, once, however often the stream delivers it."""

from __future__ import annotations

import httpx
import pytest

from introducer.domain.configuration import Change, Role
from introducer.domain.mail import Mail, MailStatus, MailTemplate, new_mail
from introducer.domain.mail_preferences import MailPreferences
from introducer.store.configuration import Configuration
from introducer.store.mail_figures import Figures, MailFigures
from introducer.store.mail_preferences import MemberMails
from introducer.store.mails import Mails, mail_to_item
from introducer.store.wire import to_wire
from introducer.wording.mails.rendering import EXAMPLES
from introducer_ops.localcloud import Stack
from introducer_ops.localcloud.mail_pages import MailPages
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, by_mail, the_stacks_account

pytestmark = pytest.mark.cloud


def test_a_payout_is_told_to_each_owner_once(stack: Stack) -> None:
    with the_stacks_account(stack):
        # given a partner with two owners and another member
        scenario = Scenario(stack, stack.clock.now())
        partner, _ = scenario.a_partner(terms(cpa("100.00")))
        owners = {scenario.a_login(partner, Role.OWNER)[0] for _ in range(2)}
        scenario.a_login(partner, Role.MEMBER)
        mails = Mails(stack.outputs["BooksTableName"])
        # when it is written down that a payout was paid
        mail = new_mail(
            "pay_1 payout_paid",
            MailTemplate.PAYOUT_PAID,
            EXAMPLES[MailTemplate.PAYOUT_PAID],
            brand=scenario.brand,
            partner=partner,
            at=scenario.today,
        )
        mails.put(mail)
        # then each owner is told

        def told() -> list[Mail]:
            return [each for each in mails.mails(partner) if each.message]

        arrived = by_mail(stack, "two sent mails", lambda: len(sent := told()) == 2 and sent)
        assert {each.status for each in arrived} == {MailStatus.SENT}
        assert (mails.mail(partner, mail.mail).status, mails.mail(partner, mail.mail).people) == (
            MailStatus.HANDED_ON,
            2,
        )
        # and when the stream delivers all of it again, nobody is told twice
        written = [to_wire(mail_to_item(each)) for each in (mail, *arrived)]
        for _ in range(2):
            records = [
                {"eventID": str(n), "eventName": "INSERT", "dynamodb": {"NewImage": image, "SequenceNumber": str(n)}}
                for n, image in enumerate(written)
            ]
            assert stack.invoke("OutboxFunction", {"Records": records}) == {"batchItemFailures": []}
        assert mails.unsent(scenario.brand).items == ()

        inbox = [each for each in stack.mails() if each["To"].addresses[0].domain == scenario.domain]
        assert {each["To"].addresses[0].addr_spec for each in inbox} == owners
        assert len(inbox) == 2
        for each in inbox:
            assert each["Subject"] == "You were paid 13,385.17\N{NO-BREAK SPACE}USD"
            assert each["Auto-Submitted"] == "auto-generated"
            assert [part.get_content_type() for part in each.iter_parts()] == ["text/plain", "text/html"]
            text = each.get_body(("plain",))
            assert text is not None
            assert f"https://{scenario.domain}/payouts/pay_01JDXAMPLE0000000000000000" in text.get_content()
        # and the local page of mails has them, with what the books know
        with MailPages(stack.state_dir, port=0) as pages:
            shown = httpx.get(pages.url, params={"q": scenario.domain}, trust_env=False, timeout=60).text
        assert [shown.count(f"{owner}&gt;") for owner in owners] == [1, 1]
        assert shown.count("<td class=dim>payout_paid<") == 2


def test_what_comes_back_or_is_complained_of_is_counted_and_gets_nothing_more(stack: Stack) -> None:
    with the_stacks_account(stack):
        # given three owners: one whose address is dead, one who calls us spam, and one who is glad
        scenario = Scenario(stack, stack.clock.now())
        partner, _ = scenario.a_partner(terms(cpa("100.00")))
        for named in ("bounce", "complaint", "glad"):
            scenario.a_login(partner, Role.OWNER, named)
        books = stack.outputs["BooksTableName"]
        mails, figures = Mails(books), MailFigures(books)

        def tells(what: str) -> None:
            template = MailTemplate.PAYOUT_PAID
            mails.put(
                new_mail(what, template, EXAMPLES[template], brand=scenario.brand, partner=partner, at=scenario.today)
            )

        # when they are told something
        tells("pay_1 payout_paid")
        # then SES tells what became of it
        counted = Figures(sent=3, delivered=2, bounced=1, complained=1)
        by_mail(stack, "the figures", lambda: figures.of_series(scenario.brand, "payout_paid") == counted)
        # and the next mail goes to the glad one alone
        tells("pay_2 payout_paid")
        by_mail(stack, "a fourth mail", lambda: figures.of_series(scenario.brand, "payout_paid").delivered == 3)
        reasons = by_mail(stack, "two are not told", lambda: len(found := _suppressed(mails, partner)) == 2 and found)
        assert sorted(reasons) == ["bounced", "complained"]


def test_what_is_beyond_the_accounts_rate_waits_and_is_handed_on(stack: Stack) -> None:
    with the_stacks_account(stack):
        scenario = Scenario(stack, stack.clock.now())
        partner, _ = scenario.a_partner(terms(cpa("100.00")))
        for _ in range(3):
            scenario.a_login(partner, Role.OWNER)
        books = stack.outputs["BooksTableName"]
        mails, template = Mails(books), MailTemplate.CONTEST_FINAL
        for login in Configuration(books).members_of_partner(partner).items:
            never = MailPreferences(member=login.member, quiet_from=8, quiet_until=8, version=1)
            change = Change(by=login.member, at=scenario.today, why="a test")
            MemberMails(books).change(scenario.brand, MailPreferences(member=login.member), never, change)
        stack.set_mail_rate(2)
        try:
            what = "ctt_1 final"
            mails.put(
                new_mail(what, template, EXAMPLES[template], brand=scenario.brand, partner=partner, at=scenario.today)
            )

            def all_sent() -> bool:
                return sum(each.status is MailStatus.SENT for each in mails.mails(partner)) == 3

            by_mail(stack, "three sent mails", all_sent)
        finally:
            stack.set_mail_rate(None)


def _suppressed(mails: Mails, partner: str) -> list[str]:
    return [each.reason for each in mails.mails(partner) if each.status is MailStatus.SUPPRESSED]
