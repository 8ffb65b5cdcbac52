"""A mail that is written into the books arrives in each inbox it is for, once, however often the stream delivers it."""

from __future__ import annotations

import pytest

from introducer.domain.configuration import Role
from introducer.domain.mail import MailStatus, MailTemplate, new_mail
from introducer.store.mails import Mails, mail_to_item
from introducer.store.wire import to_wire
from introducer.wording.mails.rendering import EXAMPLES
from introducer_ops.localcloud import Stack
from tests.support.builders import cpa, terms
from tests.support.scenario import Scenario, eventually, the_stacks_account

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
        arrived = eventually(
            "two sent mails", lambda: len(sent := [each for each in mails.mails(partner) if each.message]) == 2 and sent
        )
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
