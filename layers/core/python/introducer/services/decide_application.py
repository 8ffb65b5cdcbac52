"""Staff decide an application: it becomes a partner whose owner is invited, or it is refused with a reason.

Approving is several steps in several places. The decision is written first, whole; everything after it follows from
what was written, under ids that follow from the application, so that whoever comes again (a second press, a request
that was cut off) goes on where the first one stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from introducer.domain.application import (
    DECIDERS,
    Applicant,
    Application,
    ApplicationState,
    approved,
    check_decider,
    erased,
    reason_of,
    refused,
)
from introducer.domain.configuration import Change, Member, Role
from introducer.domain.errors import Conflict, Invalid, NotFound
from introducer.domain.mail import MailTemplate, applicant_mail
from introducer.services.application_books import ApplicationBooks, applicant_of, application_for, is_active
from introducer.services.application_task import end_task
from introducer.services.creation import Author, Clock, Randomness, now
from introducer.services.decisions import reason
from introducer.services.invite_member import invite_member
from introducer.services.propose_deal import check_proposal, propose_deal, text_of
from introducer.services.register_partner import register_partner
from introducer.services.remember_member import remember_member


def approve_application(
    books: ApplicationBooks,
    *,
    member: Member,
    application: str,
    version: int,
    manager: str = "",
    below_recruiter: bool = True,
    terms: Mapping[str, Any] | None = None,
    like: str = "",
    clock: Clock,
    random: Randomness,
) -> Application:
    """The application, approved: its partner is registered and its owner invited. `manager` looks after the partner,
    whoever decides where none is named. It stands below the partner by whose link it came, unless it is not to. It is
    proposed these `terms`, or those in force with the partner that it is to be treated `like`; nothing without either.

    One that is approved stays as it was decided; what that was cut off from is done. Raises `NotFound`, `Forbidden`;
    `Invalid` for a manager, terms or partner that cannot be; `Conflict` with the code `application_changed`,
    `application_decided`, `application_erased`, `recruiter_not_active` where nobody may stand below the partner by
    whose link it came, or `address_has_login` where somebody else signs in with its address.
    """
    at = now(clock)
    found = application_for(books, member, application, at)
    check_decider(member)
    if found.state is not ApplicationState.APPROVED:
        _check_version(found, version)
        applicant = _applicant(books, found)
        after = approved(
            found,
            by=member.member,
            manager=_manager(books, member, manager or member.member),
            below=_below(books, found, at) if below_recruiter else "",
            terms=_terms(books, found, terms, like, at),
            at=at,
        )
        _check_login(books, found, applicant)
        change = Change(by=member.member, at=at, why="approved the application", origin="portal")
        books.applications.step("approve_application", found, after, change)
        found = after
    if not found.set_up:
        found = _set_up(books, found, _applicant(books, found), member, clock, random)
    end_task(books.tasks, found, member.member, at)
    return found


def refuse_application(
    books: ApplicationBooks, *, member: Member, application: str, version: int, why: str, clock: Clock
) -> Application:
    """The application, refused; the applicant is written the reason, word for word. Refusing again for the same reason
    changes nothing. Raises as `approve_application` does."""
    at = now(clock)
    found = application_for(books, member, application, at)
    check_decider(member)
    said = reason_of(why)
    if found.state is not ApplicationState.REFUSED or found.reason != said:
        _check_version(found, version)
        _applicant(books, found)
        after = refused(found, by=member.member, reason=said, at=at)
        mail = applicant_mail(
            f"{found.application} refused",
            MailTemplate.APPLICATION_REFUSED,
            {"application": found.application, "reason": said},
            brand=found.brand,
            partner=found.partner,
            at=at,
        )
        change = Change(by=member.member, at=at, why="refused the application", origin="portal")
        books.applications.step("refuse_application", found, after, change, [mail])
        found = after
    end_task(books.tasks, found, member.member, at)
    return found


def erase_application(
    books: ApplicationBooks, *, member: Member, application: str, version: int, why: str, clock: Clock
) -> Application:
    """The application without who it is: its data key is destroyed. One that waits is withdrawn. Again changes nothing.

    Raises `NotFound`, `Forbidden`; `Invalid` without a reason; `Conflict` with the code `erase_the_partner` for one
    that became a partner: that is erased with all that it holds, this too.
    """
    at = now(clock)
    found = application_for(books, member, application, at)
    check_decider(member)
    if found.erased_at is None:
        if found.state is ApplicationState.APPROVED and _is_partner(books, found):
            raise Conflict(
                f"This application became the partner {found.partner}: erase that, and this goes with it.",
                code="erase_the_partner",
            )
        _check_version(found, version)
        after = erased(found, at)
        change = Change(by=member.member, at=at, why=reason(why), origin="portal")
        books.applications.erase(found, after, change)
        found = after
    end_task(books.tasks, found, member.member, at)
    return found


# --------------------------------------------------------------------------------------------------------- setting up


def _set_up(
    books: ApplicationBooks,
    application: Application,
    applicant: Applicant,
    member: Member,
    clock: Clock,
    random: Randomness,
) -> Application:
    """All that follows from the decision, as it was written down; each part may have been done before."""
    author = Author(by=application.decided_by, why="the application was approved", origin="portal")
    configuration, brand = books.configuration, application.brand
    try:
        configuration.partner(application.partner)
    except NotFound:
        register_partner(
            configuration,
            brand=brand,
            name=applicant.company,
            kind=application.kind,
            country=application.country,
            language=application.language,
            currency=application.currency,
            parent=application.below or None,
            manager=application.manager,
            email=applicant.email,
            brand_key=books.brand_key(brand),
            author=author,
            clock=clock,
            random=random,
            request=application.application,
        )
    if application.terms and not configuration.deals(application.partner):
        # They could be proposed when they were approved. Where days passed since, and a window of theirs, whoever looks
        # after the partner proposes others.
        with suppress(Invalid):
            propose_deal(
                configuration, partner=application.partner, terms=json.loads(application.terms), version=1,
                author=author, clock=clock,
            )  # fmt: skip
    invite_member(
        configuration,
        books.logins(),
        brand=brand,
        partner=application.partner,
        role=Role.OWNER,
        email=applicant.email,
        name=applicant.name,
        language=application.language,
        author=author,
        clock=clock,
        noted=partial(_noted, books, now(clock)),
    )
    after = replace(application, set_up=True, version=application.version + 1)
    change = Change(by=member.member, at=now(clock), why="its partner is set up", origin="portal")
    try:
        books.applications.step("set_up_application", application, after, change)
    except Conflict:
        # Of two at once one was first, and did the same.
        found = books.applications.application(brand, application.application)
        if not found.set_up:
            raise
        return found
    return after


def _noted(books: ApplicationBooks, at: datetime, member: Member, address: str) -> None:
    remember_member(books.persons, member, brand_key=books.brand_key(member.brand), now=at, email=address)


# ------------------------------------------------------------------------------------------------------------- checks


def _check_version(application: Application, version: int) -> None:
    if application.version != version:
        raise Conflict("The application changed since you looked at it: look again.", code="application_changed")


def _applicant(books: ApplicationBooks, application: Application) -> Applicant:
    found = applicant_of(books.vault(), application)
    if found is None:
        raise Conflict("Whoever applied was erased: there is nobody to decide about.", code="application_erased")
    return found


def _manager(books: ApplicationBooks, member: Member, name: str) -> str:
    """Who looks after the partner. Raises `Invalid`."""
    wrong = Invalid("Choose a manager or an admin of this brand.", code="no_such_manager")
    try:
        found = books.configuration.member(name)
    except NotFound:
        raise wrong from None
    if found.brand != member.brand or found.role not in DECIDERS or found.removed_at is not None:
        raise wrong
    return found.member


def _is_partner(books: ApplicationBooks, application: Application) -> bool:
    """Whether an approved one became a partner already, or was cut off before that."""
    try:
        books.configuration.partner(application.partner)
    except NotFound:
        return False
    return True


def _below(books: ApplicationBooks, application: Application, at: datetime) -> str:
    """The partner by whose link it came; empty without one. Raises `Conflict`."""
    if application.via and not is_active(books.configuration, application.via, at):
        raise Conflict(
            "The partner that invited it is suspended or blocked: approve it below nobody.", code="recruiter_not_active"
        )
    return application.via


def _terms(
    books: ApplicationBooks, application: Application, terms: Mapping[str, Any] | None, like: str, at: datetime
) -> str:
    """The terms that are to be proposed, as they are kept. Raises `Invalid`."""
    if terms is None and like:
        terms = json.loads(terms_of(books, application.brand, like, at))
    if terms is None:
        return ""
    check_proposal(terms, [], None, at)
    return text_of(terms)


def terms_of(books: ApplicationBooks, brand: str, partner: str, at: datetime) -> str:
    """The newest terms that a partner of the brand has accepted. Raises `Invalid` where there are none."""
    wrong = Invalid("There is no such partner of this brand with a deal: look at its number.", code="no_such_deal")
    try:
        found = books.configuration.partner(partner)
    except NotFound:
        raise wrong from None
    accepted = [each for each in books.configuration.deals(partner) if each.accepted_at is not None]
    if found.brand != brand or not accepted:
        raise wrong
    return accepted[-1].terms


def _check_login(books: ApplicationBooks, application: Application, applicant: Applicant) -> None:
    """Before anything is written: afterwards there would be a partner that nobody signs in for."""
    sub = books.logins().sub_of(applicant.email)
    if sub is None:
        return
    try:
        known = books.configuration.member(sub)
    except NotFound:
        return
    if known.partner != application.partner:
        raise Conflict(
            "Somebody signs in with this address already: refuse the application, and invite them where they belong.",
            code="address_has_login",
        )
