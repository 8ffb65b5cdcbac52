"""The demo from start to end: build, live, settle, look at partners, close a month, pay, end contests, write, verify,
tell."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from introducer.domain.configuration import Role
from introducer.services.read_contracts import click_keys
from introducer.services.verify.report import Report
from introducer.services.verify_books import verify_books
from introducer.store.scans import Scans
from introducer_ops.agents import patterns
from introducer_ops.browsers import BROWSERS
from introducer_ops.demo import rates
from introducer_ops.demo.building import Login, World, build_world
from introducer_ops.demo.cases import attackers, read_suspicions
from introducer_ops.demo.communication import TERMS_WAIT, Week
from introducer_ops.demo.contests import Scene
from introducer_ops.demo.desk import Desk, DeskRefused
from introducer_ops.demo.everyday import keep
from introducer_ops.demo.logins import note_logins
from introducer_ops.demo.month_end import (
    MonthEnd,
    adjust,
    close,
    decide_move,
    journals_of_late_event,
    last_month,
    late_slot,
    move_to_decide,
)
from introducer_ops.demo.payouts import PaidRun, open_accounts, pay
from introducer_ops.demo.plan import STAR, make_plan
from introducer_ops.demo.script import HISTORY_DAYS, Script, make_script
from introducer_ops.demo.sending import Sender
from introducer_ops.demo.summary import Outcome, read_figures, show, show_portal, write_run
from introducer_ops.demo.waiting import (
    NotSettled,
    Standing,
    wait_until_applied,
    wait_until_scored,
    wait_until_settled,
)
from introducer_ops.localcloud import CloudError, DeployError, LocalCloud, Stack
from introducer_ops.localcloud.mail_pages import MailPages
from introducer_ops.localcloud.paypal import Paypal
from introducer_ops.localcloud.process import ROOT, port_or_any

RUN_FILE = ROOT / "build" / "run.json"
_SHOWN_TROUBLES = 5


def run(*, once: bool, seed: int, state_dir: Path, portal_port: int, then: Callable[[str], bool] | None = None) -> int:
    """Everything; returns the exit code. `then` gets the portal's address when the world stands, and says whether all
    is well there."""
    console = Console(highlight=False)
    # A polite kill ends like Ctrl-C, also where a shell has told its background jobs to ignore that: in good order.
    for polite in (signal.SIGINT, signal.SIGTERM):
        signal.signal(polite, signal.default_int_handler)
    said: list[str] = []
    watch = _Watch()
    try:
        with watch.phase("start"), console.status("starting the local cloud"):
            cloud = LocalCloud.start(state_dir, portal_port=port_or_any(portal_port), log=said.append)
        with cloud, _a_paypal() as paypal, MailPages(state_dir) as mails:
            outcome = _run(cloud, paypal, mails.url, seed, watch, console)
            write_run(outcome, RUN_FILE)
            note_logins(_logins(outcome), state_dir)
            good = _judge(outcome, console)
            if said:
                lines = "one line" if len(said) == 1 else f"{len(said)} lines"
                console.print(f"The functions had {lines} for a person, the last ones:", style="yellow")
                console.print("\n".join(said[-_SHOWN_TROUBLES:]), markup=False, style="dim")
            if then is not None:
                good = then(outcome.portal_url) and good
            if once:
                return 0 if good else 1
            show_portal(outcome, console)
            _stay(cloud)
            console.print("closing")
            return 0 if good else 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    except (CloudError, DeployError, NotSettled, DeskRefused) as error:
        console.print(str(error), style="red", markup=False)
        console.print("\n".join(said[-20:]), markup=False, style="dim")
        return 1


def _logins(outcome: Outcome) -> dict[str, Login]:
    """Who is told of, one who has just joined, and one who is invited."""
    newcomer = outcome.communication.newcomers[TERMS_WAIT].owner
    others = {"newcomer": newcomer, "invited": outcome.invited}
    return {login.role.value: login for login in outcome.world.logins} | others


class _Watch:
    """Seconds of each phase."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def total(self) -> dict[str, float]:
        return {**self.seconds, "total": time.monotonic() - self.began}


@contextmanager
def _a_paypal() -> Iterator[Paypal]:
    """PayPal on this machine, with credentials of this run alone."""
    paypal = Paypal(secrets.token_urlsafe(12), secrets.token_urlsafe(24))
    try:
        yield paypal
    finally:
        paypal.close()


def _run(cloud: LocalCloud, paypal: Paypal, mails: str, seed: int, watch: _Watch, console: Console) -> Outcome:
    with watch.phase("deploy"), console.status("deploying template.yaml"):
        stack = cloud.deploy(parameters={"PaypalUrl": paypal.url})
    paypal.now = stack.clock.now
    # The product's own stores and services run in this process too, against the local cloud.
    os.environ.update(stack.environment)
    day = date.fromisoformat(rates.newest_day())
    plan = make_plan(seed, day)
    script = make_script(plan, day, BROWSERS, crawler_agents())
    first_day = day - timedelta(days=HISTORY_DAYS)
    months = _months(first_day, day)
    with watch.phase("world"), console.status("building the world") as status:
        stack.clock.set_to(script.built_at)
        world = build_world(stack, plan, day, lambda what: status.update(f"building the world: {what}"))
        iban = open_accounts(stack, world, paypal)
        status.update("building the world: contests")
        scene = Scene(stack, world, day)
        scene.plan()
        week = Week(stack, world, day)
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["EdgeSecretName"])["SecretString"]
    with Sender(stack, world, secret) as sender:
        _live(stack, sender, script, months, (week, scene), watch, console)
        with watch.phase("desk"), console.status("working the queue") as status:
            _win_lead(stack, sender, week, months, status.update)
        with watch.phase("month_end"), console.status("closing a month") as status:
            month_end, standing = _end_month(stack, sender, script, months, day, status.update)
        with watch.phase("payouts"), console.status("paying") as status:
            paid_run = pay(stack, world, iban, lambda what: status.update(f"paying: {what}"))
        with watch.phase("contests"), console.status("ending contests") as status:
            contests = scene.end(lambda what: status.update(f"ending contests: {what}"))
        with watch.phase("letters"), console.status("writing") as status:
            communication = week.end(lambda what: status.update(f"writing: {what}"))
        with watch.phase("everyday"):
            invited = keep(stack, world)
    with watch.phase("verify"), console.status("recomputing everything from the facts") as status:
        report = _verify(stack, lambda table, items: status.update(f"verifying {table}: {items:,} items"))
    with watch.phase("summary"):
        figures = read_figures(stack.outputs["BooksTableName"], world, months, day.isoformat())
        suspicions = read_suspicions(stack, world, script.attacks)
    outcome = Outcome(
        world,
        day,
        sender.sent,
        standing,
        figures,
        month_end,
        suspicions,
        paid_run,
        contests,
        communication,
        invited,
        report,
        watch.total(),
        stack.portal_url,
        mails,
    )
    show(outcome, console, rates.published(day.isoformat())[day.isoformat()])
    return outcome


def crawler_agents() -> tuple[str, ...]:
    """Real agents of crawlers, as far as they can stand in a header."""
    agents = (agent.strip() for entry in patterns() for agent in entry.get("instances", ()))
    return tuple(agent for agent in agents if agent.isascii() and agent.isprintable())


def _live(
    stack: Stack,
    sender: Sender,
    script: Script,
    months: list[str],
    stories: tuple[Week, Scene],
    watch: _Watch,
    console: Console,
) -> None:
    """Send the script and wait until it is in the books. `stories` go on as the clock does."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(40),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]:<22}", style="dim"),
        TimeElapsedColumn(),
    )
    parts = (("history", "Six weeks before", False), ("day", "The trading day", True))
    with Progress(*columns, console=console) as progress:
        for phase, title, busy in parts:
            slots = [slot for slot in script.slots if slot.busy == busy]
            size = sum(len(slot.clicks) + sum(len(post.messages) for post in slot.posts) for slot in slots)
            task = progress.add_task(title, total=size, what="")
            with watch.phase(phase):
                for slot in slots:
                    when = slot.at.strftime("%H:%M" if busy else "%-d %B")
                    progress.update(task, what=when)
                    for story in stories:
                        story.before(slot)
                    sender.send(slot, lambda some, more, task=task: progress.advance(task, some + more))
            progress.update(task, what="")
        task = progress.add_task("Into the books", total=script.distinct, what="events applied")
        with watch.phase("settle"):
            _applied(stack, sender, lambda now: progress.update(task, completed=now.applied))
            progress.update(task, what="months settled")
            _settled(stack, sender.world, months, range(len(sender.world.partners)))
        with watch.phase("scoring"):
            progress.update(task, what="partners looked at")
            _look_at_everybody(stack, sender.world)


def _look_at_everybody(stack: Stack, world: World) -> None:
    """What a schedule does once a day in AWS: every partner is named to scoring, whatever came of its events before."""
    stack.invoke("ScoringFunction", {"brand": world.brand.brand})
    wait_until_scored(stack, world.brand.brand, [partner.partner for partner in attackers(world)])


def _win_lead(stack: Stack, sender: Sender, week: Week, months: list[str], say: Callable[[str], None]) -> None:
    """A lead becomes a client, and the demo partner's; then a manager works some of the week's tasks."""
    say("winning a lead")
    sender.send(week.client_slot(), lambda some, more: None)
    _applied(stack, sender)
    week.win()
    _applied(stack, sender)
    _settled(stack, sender.world, months, (STAR,))
    say("working the queue")
    week.work_tasks()


def _applied(stack: Stack, sender: Sender, seen: Callable[[Standing], None] = lambda standing: None) -> Standing:
    return wait_until_applied(
        stack, sender.world.plan.source, clicks=sender.sent.clicks, events=sender.sent.accepted, seen=seen
    )


def _settled(stack: Stack, world: World, months: list[str], numbers: Iterable[int]) -> None:
    """Wait for these partners of the plan, and for those above them."""
    waited: set[int] = set()
    for number in numbers:
        above: int | None = number
        while above is not None:
            waited.add(above)
            above = world.plan.partners[above].parent
    # Whoever stands below was made after whoever stands above.
    wait_until_settled(stack, [world.partners[number].partner for number in sorted(waited, reverse=True)], months)


def _end_month(
    stack: Stack, sender: Sender, script: Script, months: list[str], day: date, say: Callable[[str], None]
) -> tuple[MonthEnd, Standing]:
    """An adjustment, a move, the close of the last ended month, and an event that comes too late for it."""
    world, month = sender.world, last_month(day)
    with Desk(stack, world.login(Role.MANAGER)) as manager, Desk(stack, world.login(Role.FINANCE)) as finance:
        say("adjusting by hand")
        adjustment = adjust(manager, finance, world, month)
        say("moving a client")
        move = move_to_decide(world.plan, script, day)
        decision = decide_move(manager, world, move)
        _applied(stack, sender)
        _settled(stack, world, months, (move.holder, move.target))
        say(f"closing {month}")
        closed = close(stack, finance, world, month)
    say("telling of a trade too late")
    sender.send(late_slot(script, month, stack.clock.now()), lambda some, more: None)
    standing = _applied(stack, sender)
    _settled(stack, world, months, (STAR,))
    late = journals_of_late_event(stack, world, months)
    return MonthEnd(adjustment, move, decision, closed, tuple(late)), standing


def _judge(outcome: Outcome, console: Console) -> bool:
    """Whether everything is as it must be; says what is not."""
    sent, standing = outcome.sent, outcome.standing
    wrong = list(sent.troubles)
    if standing.clicks != sent.clicks:
        wrong.append(f"{sent.clicks} clicks were sent, {standing.clicks} are recorded.")
    if standing.flagged < sent.crawlers:
        wrong.append(f"{sent.crawlers} clicks were crawlers', only {standing.flagged} are flagged.")
    if standing.applied != sent.accepted:
        wrong.append(f"{sent.accepted} events were accepted, {standing.applied} are applied.")
    closed, late, partners = outcome.month_end.closed, outcome.month_end.late, len(outcome.world.partners)
    if closed.close.closed_at is None or closed.statements != partners:
        wrong.append(
            f"{closed.close.month} has {closed.statements} statements for {len(outcome.world.partners)} partners."
        )
    if not late or any(journal.post_month <= closed.close.month for journal in late):
        wrong.append(f"The event that came too late for {closed.close.month} is not in the month after it.")
    wrong += outcome.suspicions.wrong
    wrong += _unpaid(outcome.paid_run)
    wrong += outcome.contests.wrong
    wrong += outcome.communication.wrong
    wrong += [
        f"{each.kind}: {each.what}: {each.expected} expected, {each.found} found ({each.where})"
        for each in outcome.report.differences
    ]
    for sentence in wrong[:_SHOWN_TROUBLES]:
        console.print(sentence, style="red", markup=False)
    if len(wrong) > _SHOWN_TROUBLES:
        console.print(f"and {len(wrong) - _SHOWN_TROUBLES} more", style="red")
    return not wrong


def _unpaid(paid_run: PaidRun) -> list[str]:
    """What is not as it must be about the payouts, in words."""
    run, wrong = paid_run.run, []
    if run.closed_at is None:
        wrong.append(f"{run.run} is not closed.")
    if not paid_run.paid or len(paid_run.paid) != len(paid_run.payouts):
        wrong.append(f"{len(paid_run.payouts)} payouts were made, {len(paid_run.paid)} are paid.")
    if paid_run.money_differences:
        wrong.append(f"Payouts and balances are not what was earned in {paid_run.money_differences} places.")
    return wrong


def _stay(cloud: LocalCloud) -> None:
    """Until Ctrl-C, or until the cloud is gone."""
    try:
        while cloud.alive:
            time.sleep(0.5)
    except KeyboardInterrupt:
        return


def _months(first: date, last: date) -> list[str]:
    """The months that journals and counters of these days can stand in."""
    months, day = [], first.replace(day=1)
    while day <= last:
        months.append(day.strftime("%Y-%m"))
        day = (day + timedelta(days=32)).replace(day=1)
    return months


def _verify(stack: Stack, progress: Callable[[str, int], None]) -> Report:
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["ClickKeySecretName"])
    tables = Scans(
        stack.client("dynamodb"), facts=stack.outputs["FactsTableName"], books=stack.outputs["BooksTableName"]
    )
    return verify_books(
        tables,
        click_keys=click_keys(json.loads(secret["SecretString"])),
        now=stack.clock.now(),
        elapsed=time.monotonic,
        progress=progress,
    )
