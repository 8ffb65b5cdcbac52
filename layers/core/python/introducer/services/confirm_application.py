"""An applicant shows that the address is theirs: from then on the application waits for a person, and stands in the
work queue.

The link is the proof. Following it changes nothing; a POST confirms, and may be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from introducer.domain.application import Application, ApplicationState, moved
from introducer.domain.applying import key_of, read_token
from introducer.domain.configuration import Change
from introducer.domain.errors import Conflict, NotFound, Unavailable
from introducer.domain.trigger import Trigger
from introducer.services.application_books import ApplicationBooks
from introducer.services.application_task import see_to_task
from introducer.services.creation import Clock, now
from introducer.services.raise_task import pass_task

BY = "system:application_link"
_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What a link is about."""

    application: Application
    over: bool
    """Whether it confirms nothing any more: its two days have passed."""


def application_of_link(books: ApplicationBooks, token: str, at: datetime) -> Linked:
    """What a link is about. Raises `NotFound` for one that we did not write, or whose application is gone."""
    gone = NotFound("This link leads nowhere any more: apply again.", code="application_link_over")
    link = read_token(key_of(books.secret()), token)
    if link is None:
        raise gone
    try:
        found = books.applications.application(link.brand, link.application)
    except NotFound:
        raise gone from None
    if found.erased_at is not None or (found.expires_at is not None and found.expires_at <= at):
        raise gone
    return Linked(application=found, over=at >= link.until)


def confirm_application(books: ApplicationBooks, *, token: str, clock: Clock) -> Application:
    """The application as it stands now. Confirming again changes nothing, and sees to it that the task is there.

    Raises `NotFound` for a link that leads nowhere; `Conflict` with the code `application_link_over` for one whose time
    is over; `Unavailable`.
    """
    at = now(clock)
    for _ in range(_TRIES):
        linked = application_of_link(books, token, at)
        found = linked.application
        if found.state is not ApplicationState.UNCONFIRMED:
            break
        if linked.over:
            raise Conflict("This link is over: apply again, and use it within two days.", code="application_link_over")
        before = books.applications.last_of(found.brand, found.email_hash, at)
        after = replace(moved(found, ApplicationState.WAITING, at), before=before)
        earlier = _earlier(books, found.brand, before, at)
        change = Change(by=BY, at=at, why="the address was confirmed", origin="portal")
        try:
            books.applications.confirm(found, after, earlier, change)
        except Conflict:
            continue
        if earlier is not None:
            pass_task(books.tasks, earlier[0].partner, Trigger.APPLICATION_WAITS, at)
        found = after
        break
    else:
        raise Unavailable("Somebody else confirms the same address at this moment: try again.", code="confirming_busy")
    see_to_task(
        books.configuration, books.applications, books.tasks,
        brand=found.brand, application=found.application, at=at,
    )  # fmt: skip
    return found


def _earlier(books: ApplicationBooks, brand: str, before: str, at: datetime) -> tuple[Application, Application] | None:
    """The application of the same address that waits, as it is and as it is withdrawn; None where none does."""
    if not before:
        return None
    try:
        found = books.applications.application(brand, before)
    except NotFound:
        return None
    if found.state is not ApplicationState.WAITING:
        return None
    return found, moved(found, ApplicationState.WITHDRAWN, at)
