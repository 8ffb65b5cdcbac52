"""An application that is to be decided stands in the work queue, and one that is decided stands there no more.

The portal sees to it at once. The outbox names every application that took a step to triggers, which see to it again:
so that nobody waits unseen where a request was cut off between the step and its task.
"""

from __future__ import annotations

from datetime import datetime

from introducer.domain.application import Application, ApplicationState
from introducer.domain.configuration import Change, Partner, Status
from introducer.domain.errors import Conflict, NotFound
from introducer.domain.task import Outcome, done
from introducer.domain.trigger import Found, Trigger
from introducer.services.raise_task import open_task, pass_task, raise_task
from introducer.store.applications import Applications
from introducer.store.configuration import Configuration
from introducer.store.tasks import Tasks

_TRIES = 4


def see_to_task(
    configuration: Configuration,
    applications: Applications,
    tasks: Tasks,
    *,
    brand: str,
    application: str,
    at: datetime,
) -> None:
    """Raises the application's task, once, or ends it, as the application stands now; again changes nothing. Raises
    `Unavailable`, `Conflict`: come again."""
    found = _found(applications, brand, application)
    if found is None or found.state is ApplicationState.UNCONFIRMED:
        return
    if _asks(found):
        ask(configuration, tasks, found, at)
        # Whoever decided in between found no task to end.
        found = _found(applications, brand, application) or found
    if not _asks(found):
        end_task(tasks, found, found.decided_by, at)


def ask(configuration: Configuration, tasks: Tasks, application: Application, at: datetime) -> None:
    """Has the application stand in the work queue, once: with the recruiter's manager, else with all who decide."""
    evidence = {"application": application.application, "country": application.country, "kind": application.kind.value}
    found = Found(trigger=Trigger.APPLICATION_WAITS, about=application.application, evidence=evidence)
    raise_task(tasks, _stand_in(configuration, application), found, at)


def end_task(tasks: Tasks, application: Application, by: str, at: datetime) -> None:
    """The task that asked for a decision is done `by` whoever decided; nobody did where the applicant applied again.
    Where others are at it all the time, it is left to them."""
    if not by:
        pass_task(tasks, application.partner, Trigger.APPLICATION_WAITS, at)
        return
    for _ in range(_TRIES):
        mark = tasks.marks(application.partner)[Trigger.APPLICATION_WAITS]
        before = open_task(tasks, mark)
        if before is None:
            return
        mark, after = done(mark, before, Outcome.SOLVED, "", by, at)
        try:
            tasks.step("finish_task", before, after, Change(by=by, at=at, why="the application is decided"), mark)
        except Conflict:
            continue
        return


def _asks(application: Application) -> bool:
    """Whether there is something left for a person to do: to decide, or to finish what was cut off."""
    unfinished = application.state is ApplicationState.APPROVED and not application.set_up
    return application.erased_at is None and (application.state is ApplicationState.WAITING or unfinished)


def _found(applications: Applications, brand: str, application: str) -> Application | None:
    try:
        return applications.application(brand, application)
    except NotFound:
        return None


def _stand_in(configuration: Configuration, application: Application) -> Partner:
    """The partner that it would become, for the queue: without a name, which stands nowhere in clear."""
    manager = None
    if application.via:
        try:
            manager = configuration.partner(application.via).manager
        except NotFound:
            manager = None
    return Partner(
        partner=application.partner,
        brand=application.brand,
        name="",
        kind=application.kind,
        status=Status.ACTIVE,
        parent=application.via or None,
        manager=manager,
        country=application.country,
        language=application.language,
        currency=application.currency,
        email_hash=None,
        created=application.at,
    )
