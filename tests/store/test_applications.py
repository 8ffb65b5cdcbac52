"""The questions about applications and recruiting links, asked of real tables; each step is one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from introducer.domain.application import Application, ApplicationState, erased, moved, partner_of, refused
from introducer.domain.configuration import Change, Parenting, Partner, PartnerKind, Status
from introducer.domain.errors import Conflict, NotFound, TooMany
from introducer.domain.events import milliseconds
from introducer.domain.ids import derived_id
from introducer.domain.lead import Consent
from introducer.domain.mail import Mail, MailTemplate, applicant_mail
from introducer.store import keys
from introducer.store.applications import Applications
from introducer.store.configuration import Configuration
from introducer.store.mails import Mails
from introducer.store.wire import to_wire
from tests.conftest import Tables

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
BRAND, RECRUITER = "brd_1", "par_recruiter"
CHANGE = Change(by="mem_manager", at=NOW, why="worked it")
WAITING, WITHDRAWN = ApplicationState.WAITING, ApplicationState.WITHDRAWN


@pytest.fixture
def applications(tables: Tables) -> Applications:
    return Applications(tables.books)


def an_application(number: int = 0, **other: Any) -> Application:
    at = NOW + timedelta(minutes=number)
    application = Application(
        application=derived_id("app", number),
        brand=BRAND,
        at=at,
        country="PL",
        kind=PartnerKind.AFFILIATE,
        language="pl",
        currency="EUR",
        consent=Consent(text="I agree", language="en", at=at),
        via=RECRUITER,
        email_hash=f"e{number}",
        sealed="c2VhbGVk",
        data_key="a2V5",
        since=at,
    )
    return replace(application, **other)


def check_mail(application: Application) -> Mail:
    return applicant_mail(
        f"{application.application} check",
        MailTemplate.APPLICATION_CHECK,
        {
            "application": application.application, "until": milliseconds(application.at), "known": "",
            "link": "/apply",
        },
        brand=application.brand,
        partner=application.partner,
        at=application.at,
    )  # fmt: skip


def comes(applications: Applications, application: Application) -> Application:
    applications.submit(application, check_mail(application), CHANGE)
    return application


def waits(applications: Applications, number: int, **other: Any) -> Application:
    """An application whose address is confirmed."""
    before = comes(applications, an_application(number, **other))
    after = moved(before, WAITING, before.at)
    applications.confirm(before, after, None, replace(CHANGE, at=before.at))
    return after


@pytest.mark.pattern("application_by_id")
def test_an_application_comes_back_as_it_was_made_with_its_mail_and_its_record(
    applications: Applications, tables: Tables
) -> None:
    made = comes(applications, an_application())

    assert applications.application(BRAND, made.application) == made
    [mail] = Mails(tables.books).mails(partner_of(BRAND, made.application))
    assert (mail.audience, mail.member) == ("applicant", "")
    [record] = Configuration(tables.books).audit_of_subject(made.application).items
    assert record.action == "submit_application" and "c2VhbGVk" not in str(record)
    for strange in ("app_none", "#", "app_" + "0" * 3000):
        with pytest.raises(NotFound):
            applications.application(BRAND, strange)
    with pytest.raises(NotFound):
        applications.application("brd_2", made.application)
    with pytest.raises(Conflict):
        comes(applications, replace(made, sealed="other"))


@pytest.mark.pattern("applications_of_brand")
def test_those_that_wait_come_in_pages_the_longest_waiting_first(applications: Applications) -> None:
    made = [waits(applications, number).application for number in range(3)]
    waits(applications, 9, brand="brd_2")
    comes(applications, an_application(7))

    first = applications.of_brand(BRAND, WAITING, limit=2)
    rest = applications.of_brand(BRAND, WAITING, first.cursor, limit=2)

    assert [each.application for each in (*first.items, *rest.items)] == made
    assert len(applications.of_brand(BRAND, ApplicationState.UNCONFIRMED).items) == 1


@pytest.mark.pattern("application_of_email")
def test_the_last_one_of_an_address_is_known_until_it_is_forgotten(applications: Applications) -> None:
    first = waits(applications, 0)
    assert applications.last_of(BRAND, first.email_hash, NOW) == first.application
    assert applications.last_of(BRAND, "e1", NOW) == ""
    assert applications.last_of(BRAND, first.email_hash, NOW + timedelta(days=181)) == ""

    # when the same person applies again, the first one is withdrawn in the same transaction
    second = comes(applications, an_application(1, email_hash=first.email_hash))
    after = replace(moved(second, WAITING, second.at), before=first.application)
    withdrawn = moved(first, WITHDRAWN, second.at)
    with pytest.raises(Conflict):
        applications.confirm(second, replace(after, before=""), None, CHANGE)
    applications.confirm(second, after, (first, withdrawn), CHANGE)

    assert applications.last_of(BRAND, first.email_hash, NOW) == second.application
    assert applications.application(BRAND, first.application) == withdrawn

    # and once erased nobody knows the address
    applications.erase(after, erased(after, second.at), CHANGE)
    assert applications.last_of(BRAND, first.email_hash, NOW) == ""


@pytest.mark.pattern("applications_of_day")
def test_so_many_come_from_one_place_a_day(applications: Applications) -> None:
    for _ in range(3):
        applications.count(BRAND, "address", "here", "2026-11-03", 3, NOW)
    with pytest.raises(TooMany):
        applications.count(BRAND, "address", "here", "2026-11-03", 3, NOW)
    assert applications.sent_on(BRAND, "address", "here", "2026-11-03") == 3
    assert applications.sent_on(BRAND, "email", "here", "2026-11-03") == 0
    applications.count(BRAND, "address", "here", "2026-11-04", 3, NOW)


@pytest.mark.pattern("recruiter_by_code")
def test_a_code_is_one_partners(applications: Applications) -> None:
    applications.make_code(BRAND, RECRUITER, "K7Q2M9XW4T", CHANGE)

    assert applications.recruiter("K7Q2M9XW4T") == RECRUITER
    with pytest.raises(NotFound):
        applications.recruiter("0000000000")
    with pytest.raises(Conflict):
        applications.make_code(BRAND, "par_other", "K7Q2M9XW4T", CHANGE)


@pytest.mark.pattern("recruited_of_partner")
def test_a_recruiter_sees_how_far_its_people_are_and_nothing_of_who_they_are(applications: Applications) -> None:
    first, second = waits(applications, 0), waits(applications, 1)
    waits(applications, 2, via="")
    comes(applications, an_application(3))
    after = refused(second, by="mem_manager", reason="No licence there", at=NOW)
    applications.step("refuse_application", second, after, CHANGE)

    found = {each.application: each.state for each in applications.recruited(RECRUITER)}

    assert found == {first.application: WAITING, second.application: ApplicationState.REFUSED}
    assert applications.recruited("par_other") == ()


def test_of_two_decisions_one_counts(applications: Applications) -> None:
    found = waits(applications, 0)
    after = refused(found, by="mem_manager", reason="No licence there", at=NOW)
    applications.step("refuse_application", found, after, CHANGE)
    with pytest.raises(Conflict):
        applications.step(
            "refuse_application", found, replace(after, reason="Another one"), replace(CHANGE, by="mem_2")
        )
    assert applications.application(BRAND, found.application).reason == "No licence there"


@pytest.mark.pattern("children_of_partner")
def test_children_are_listed_under_their_parent_and_follow_it(tables: Tables) -> None:
    configuration = Configuration(tables.books)

    def register(name: str, parent: str | None, minute: int) -> Partner:
        partner = Partner(
            partner=name, brand=BRAND, name=name, kind=PartnerKind.IB, status=Status.ACTIVE, parent=parent,
            manager=None, country="TH", language="th", currency="EUR", email_hash=None,
            created=NOW + timedelta(minutes=minute),
        )  # fmt: skip
        configuration.register_partner(partner, replace(CHANGE, at=partner.created))
        return partner

    register("par_a", None, 0)
    register("par_b", None, 1)
    made = [register(f"par_c{number}", "par_a", number) for number in range(3)]

    first = configuration.children("par_a", limit=2)
    rest = configuration.children("par_a", first.cursor, limit=2)
    assert [each.partner for each in (*first.items, *rest.items)] == ["par_c2", "par_c1", "par_c0"]
    assert configuration.children("par_b").items == ()

    # when they come from a release that did not list them
    for name in ("par_c0", "par_c1", "par_c2"):
        key = to_wire(keys.key("partner", partner=name).item())
        item = tables.client.get_item(TableName=tables.books, Key=key)["Item"]
        del item[keys.OWNER_PK], item[keys.OWNER_SK]
        tables.client.put_item(TableName=tables.books, Item=item)
    assert configuration.children("par_a").items == ()
    stale = replace(made[0], parent="par_b")
    assert [configuration.list_below(each) for each in (stale, *made, *made)] == [False, *[True] * 3, *[False] * 3]
    assert [each.partner for each in configuration.children("par_a").items] == ["par_c2", "par_c1", "par_c0"]

    # when one moves, and one stands below nobody any more
    for number, parent in ((0, "par_b"), (1, None)):
        parenting = Parenting(
            partner=made[number].partner, parenting=f"prt_{number}", month="2026-12", parent=parent, reason="agreed",
            decided_at=NOW + timedelta(hours=number + 1),
        )  # fmt: skip
        lines = {made[number].partner: "par_a"} | ({"par_b": None} if parent else {})
        configuration.set_parent(parenting, lines, replace(CHANGE, at=parenting.decided_at))
    assert [each.partner for each in configuration.children("par_a").items] == ["par_c2"]
    assert [each.partner for each in configuration.children("par_b").items] == ["par_c0"]
