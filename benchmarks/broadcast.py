"""A broadcast to many on a local cloud of its own: `python -m benchmarks.broadcast [--recipients N]
[--quota N]` measures, prints the table and writes what it found into `build/bench.json`, under `broadcast`.

The account may send 500 mails a second; on a machine that sends fewer, a smaller quota shows how near to it mails go.
A manager writes the broadcast and submits it by HTTP, another approves it, and state machine, function, stream and
outbox send it while its page is asked how far it is. Some addresses bounce, some complain, some logins are switched
off, some readers want no news, some addresses came back before: the report must count each of them rightly, to the
last one. A second broadcast is stopped halfway.

How fast mails went is read from the files of those that SES took.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from benchmarks.figures import Figures
from benchmarks.meter import kind_of
from introducer.domain.configuration import PartnerKind, Role
from introducer.domain.identity import brand_key
from introducer.domain.ids import new_id
from introducer.domain.mail import BOUNCED
from introducer.domain.mail_pace import slow_rate
from introducer.domain.mail_preferences import MailPreferences
from introducer.domain.mail_topics import Topic
from introducer.domain.suppressing import Suppressed, address_hash
from introducer.services.register_partner import register_partner
from introducer.store.mail_preferences import preferences_to_item
from introducer.store.suppressions import suppressed_to_item
from introducer.store.wire import to_wire
from introducer_ops.localcloud import LocalCloud, Stack
from tests.support.scenario import AUTHOR, Scenario, the_stacks_account

OUTPUT = Path(__file__).resolve().parents[1] / "build" / "bench.json"
RECIPIENTS, QUOTA = 10_000, 500
PATIENCE = 900.0
"""Seconds until what does not come on is given up, beside those that the quota itself takes."""
TRIES = 4
LOOKS = 5.0
"""Seconds between two looks at its page."""
BOUNCES, COMPLAINS, SWITCHED_OFF, NO_NEWS, BOUNCED_BEFORE = range(1, 6)
"""Which of each hundred recipients."""
CLONED = frozenset({"partner", "card", "member"})
MEANT = {"field": "kind", "operator": "is", "value": PartnerKind.IB.value}
TEXT = {
    "subject_en": "November news for {partner}",
    "text_en": "Dear {name},\n\nyou brought {ftd_30} first deposits in 30 days.\n\nAsk {manager} about anything.",
}


@dataclass
class Run:
    """What one broadcast came to."""

    seconds: float = 0
    """From its approval until nothing waits any more."""
    per_second: Counter[int] = field(default_factory=Counter)
    """Mails that SES took, by second."""
    looks: list[float] = field(default_factory=list)
    """Seconds that each look at its page took."""
    progress: list[int] = field(default_factory=list)
    """How many were sent, as each look said."""
    report: Mapping[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    """What the report says otherwise than was planted, or than SES's own files say."""

    @property
    def most(self) -> int:
        return max(self.per_second.values(), default=0)

    @property
    def rate(self) -> float:
        """Mails a second from the first to the last."""
        spread = max(self.per_second) - min(self.per_second) + 1 if self.per_second else 1
        return sum(self.per_second.values()) / spread


@dataclass
class Found:
    """What was measured."""

    recipients: int
    quota: int = QUOTA
    whole: Run = field(default_factory=Run)
    stopped: Run = field(default_factory=Run)
    after_stop: int = 0
    """Mails that SES took later than the answer to the stop."""
    longest_after_stop: float = 0
    """Seconds from that answer to the last of them."""
    retried: int = 0
    """Times that the outbox had to come back to a mail, because something did not answer."""


def planted(recipients: int) -> Counter[int]:
    """How many recipients are of each kind; 0: nothing is special about them."""
    return Counter(_kind(number) for number in range(recipients))


def _kind(number: int) -> int:
    return place if (place := number % 100) <= BOUNCED_BEFORE else 0


class _Rush:
    def __init__(self, stack: Stack, found: Found, tell: Callable[[str], None]) -> None:
        self.stack, self.found, self.tell = stack, found, tell
        # At noon nobody sleeps.
        noon = stack.clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
        stack.clock.set_to(noon)
        self.world = Scenario(stack, noon - timedelta(days=40))
        self.http = httpx.Client(base_url=stack.portal_url, timeout=60, trust_env=False)
        self.table = stack.outputs["BooksTableName"]

    def run(self) -> None:
        self.tell(f"{self.found.recipients:,} partners with a login each")
        began = time.monotonic()
        self.seed()
        self.tell(f"seeded in {time.monotonic() - began:.0f} s")
        self.writer, self.second = (self.signed_in() for _ in range(2))
        self.stack.set_mail_rate(self.found.quota)
        try:
            self.whole()
            self.half()
        finally:
            self.stack.set_mail_rate(None)
        self.found.retried = self.stack.log("OutboxFunction").read_text().count("a mail is to be tried again")

    # -------------------------------------------------------------------------------------------------------- before

    def seed(self) -> None:
        """One partner by the product's services; the others are its items under other ids, each with a login."""
        model = register_partner(
            self.world.configuration, brand=self.world.brand, name="Amberfield Media", kind=PartnerKind.AFFILIATE,
            country="DE", language="en", currency="EUR", author=AUTHOR, clock=self.world.clock,
            random=secrets.token_bytes,
        ).partner  # fmt: skip
        self.world.a_login(model, Role.OWNER)
        member = self.world.configuration.members_of_partner(model).items[0].member
        books = self.stack.client("dynamodb")
        pages = books.get_paginator("scan").paginate(TableName=self.table)
        items = [item for page in pages for item in page["Items"] if model in json.dumps(item)]
        # The model is of another kind, and no recipient.
        text = json.dumps([item for item in items if kind_of(item) in CLONED]).replace('"affiliate"', '"ib"')
        found = self.stack.client("secretsmanager").get_secret_value(
            SecretId=self.stack.outputs["IdentityKeySecretName"]
        )
        key = brand_key(found["SecretString"].encode(), self.world.brand)
        logins, pool = self.stack.client("cognito-idp"), self.stack.outputs["UserPoolId"]

        def put(number: int) -> None:
            kind = _kind(number)
            begins = {BOUNCES: "bounce", COMPLAINS: "complaint"}.get(kind, "reader")
            email = f"{begins}{number:05d}@{self.world.domain}"
            made = logins.admin_create_user(
                UserPoolId=pool, Username=email, MessageAction="SUPPRESS",
                UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
            )["User"]  # fmt: skip
            sub = next(each["Value"] for each in made["Attributes"] if each["Name"] == "sub")
            if kind == SWITCHED_OFF:
                logins.admin_disable_user(UserPoolId=pool, Username=email)
            partner = new_id("par", 1_750_000_000_000 + number, secrets.token_bytes(10))
            puts = json.loads(text.replace(model, partner).replace(member, sub))
            if kind == NO_NEWS:
                puts.append(to_wire(preferences_to_item(MailPreferences(member=sub, off=frozenset({Topic.NEWS})))))
            if kind == BOUNCED_BEFORE:
                came_back = Suppressed(
                    brand=self.world.brand, hash=address_hash(key, email), reason=BOUNCED,
                    since=self.world.today, member=sub, partner=partner, mail="mail_before",
                )  # fmt: skip
                puts.append(to_wire({k: v for k, v in suppressed_to_item(came_back).items() if v is not None}))
            books.batch_write_item(RequestItems={self.table: [{"PutRequest": {"Item": each}} for each in puts]})

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(put, range(self.found.recipients)))

    def signed_in(self) -> dict[str, str]:
        email, password = self.world.a_login(None, Role.MANAGER)
        answer = self.stack.client("cognito-idp").initiate_auth(
            ClientId=self.stack.outputs["UserPoolClientId"], AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )  # fmt: skip
        token = answer["AuthenticationResult"]["AccessToken"]
        return {"Accept": "application/json", "Authorization": f"Bearer {token}"}

    # ------------------------------------------------------------------------------------------------------------ runs

    def whole(self) -> None:
        """One that everybody gets who may."""
        found = self.found.whole
        kinds = planted(self.found.recipients)
        before = self.taken()
        path, began = self.begins("November news"), time.time()
        self.tell("the first one is sent")
        self.until("end of the first broadcast", lambda: self.over(path, found, lambda told: self.told(told, kinds)))
        found.seconds = time.time() - began
        found.per_second = self.by_second(before)
        sent = sum(number for kind, number in kinds.items() if kind in (0, BOUNCES, COMPLAINS))
        expected = {
            "recipients": self.found.recipients,
            "sent": sent,
            "unsubscribed": kinds[NO_NEWS],
            "suppressed": kinds[SWITCHED_OFF] + kinds[BOUNCED_BEFORE],
            "delivered": sent - kinds[BOUNCES],
            "bounced": kinds[BOUNCES],
            "complained": kinds[COMPLAINS],
        } | dict.fromkeys(("failed", "unclear", "left", "taken_back", "waiting", "opened", "clicked"), 0)
        found.differences = _differences(found.report, expected)
        if sum(found.per_second.values()) != sent:
            found.differences.append(f"SES took {sum(found.per_second.values())} mails, {sent} were to be sent")

    def told(self, report: Mapping[str, int], kinds: Counter[int]) -> bool:
        """Whether everything is known that becomes of mails."""
        return bool(report["delivered"] + report["bounced"] == report["sent"]
                    and report["complained"] == kinds[COMPLAINS])  # fmt: skip

    def half(self) -> None:
        """One that is stopped when a fifth has it."""
        found, recipients = self.found.stopped, self.found.recipients
        before = self.taken()
        path, began = self.begins("Wrong link"), time.time()
        self.tell("the second one is sent, and stopped")
        self.until("fifth of the mails", lambda: self.look(path, found)["report"]["sent"] >= recipients / 5)
        answer = self.post(self.writer, f"{path}/stop", why="wrong link")
        assert answer["status"] == "stopped", answer
        stopped_at = time.time()
        self.until("end of the second broadcast", lambda: self.over(path, found, lambda told: True))
        found.seconds = time.time() - began
        found.per_second = self.by_second(before)
        later = [at for at in self.taken().values() if at > stopped_at]
        self.found.after_stop = len(later)
        self.found.longest_after_stop = max(later, default=stopped_at) - stopped_at
        told = found.report
        rows = ("sent", "suppressed", "unsubscribed", "taken_back", "failed", "unclear", "waiting", "left")
        found.differences = _differences(
            {"all rows": sum(told[row] for row in rows), **told},
            {"all rows": recipients, "sent": sum(found.per_second.values()), "failed": 0, "unclear": 0, "waiting": 0},
        )

    def begins(self, name: str) -> str:
        """The path of a broadcast that was written, submitted, and approved by a second person."""
        made = self.post(self.writer, "/desk/broadcasts", name=name, conditions=[MEANT], **TEXT)
        path = f"/desk/broadcasts/{made['broadcast']}"
        waits = self.post(self.writer, f"{path}/submission", version=made["version"])
        if waits["status"] == "waiting":
            self.post(self.second, f"{path}/approval", version=waits["version"])
        return path

    def over(self, path: str, run: Run, told: Callable[[Mapping[str, int]], bool]) -> bool:
        shown = self.look(path, run)
        report = shown.get("report")
        if shown["status"] not in ("done", "stopped") or not report or report["waiting"] or not told(report):
            if report and report.get("waiting") and run.progress[-2:] == [report["sent"]] * 2:
                # As its schedule does: what SES had no room for, and waits, is handed on.
                self.stack.invoke("DueMailsFunction", {})
            time.sleep(LOOKS)
            return False
        run.report = report
        return True

    # --------------------------------------------------------------------------------------------------------- looking

    def look(self, path: str, run: Run) -> dict[str, Any]:
        began = time.monotonic()
        answer = self.ask("GET", path, self.writer)
        run.looks.append(time.monotonic() - began)
        shown: dict[str, Any] = answer.json()
        report = shown.get("report") or {"sent": 0}
        run.progress.append(report["sent"])
        known = ", ".join(
            f"{report.get(name, 0):,} {name}" for name in ("sent", "waiting", "delivered", "bounced", "complained")
        )
        self.tell(f"{shown['name']}: {shown['status']}, {shown['handed']:,} of {shown['recipients']:,} put, {known}")
        return shown | {"report": report}

    def post(self, who: Mapping[str, str], path: str, **sent: Any) -> dict[str, Any]:
        answer = self.ask("POST", path, {**who, "Idempotency-Key": secrets.token_hex(16)}, sent)
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, method: str, path: str, headers: Mapping[str, str], sent: Any = None) -> httpx.Response:
        """As clients do: on a busy machine a function may be cut off, and the same request is sent again."""
        for again in range(TRIES):
            answer = self.http.request(method, path, json=sent, headers=headers)
            if answer.status_code < 500:
                break
            self.tell(f"{method} {path} answers {answer.status_code}, try {again + 1}")
        if not answer.is_success:
            log = self.stack.log("PortalFunction").read_text()[-3_000:]
            raise RuntimeError(f"{method} {path} answers {answer.status_code}: {answer.text[:300]}\n{log}")
        return answer

    def taken(self) -> dict[str, float]:
        """The mails that SES took, and when each was."""
        return {path.name: path.stat().st_mtime for path in (self.stack.state_dir / "mails").glob("*.eml")}

    def by_second(self, before: Mapping[str, float]) -> Counter[int]:
        return Counter(int(at) for name, at in self.taken().items() if name not in before)

    def until(self, what: str, answer: Callable[[], object]) -> None:
        patience = PATIENCE + self.found.recipients / slow_rate(self.found.quota)
        deadline = time.monotonic() + patience
        while not answer():
            if time.monotonic() > deadline:
                raise RuntimeError(f"after {patience:.0f} s there is no {what}")
            time.sleep(1)


def _differences(told: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    return [f"{name}: {told[name]} for {number}" for name, number in expected.items() if told[name] != number]


# -------------------------------------------------------------------------------------------------------------- figures


def by_the_machine(
    recipients: int = RECIPIENTS, quota: int = QUOTA, tell: Callable[[str], None] = lambda text: None
) -> Found:
    """A whole broadcast to so many, and one that is stopped."""
    found = Found(recipients, quota)
    with tempfile.TemporaryDirectory() as folder, LocalCloud.start(Path(folder)) as cloud:
        stack = cloud.deploy()
        with the_stacks_account(stack):
            _Rush(stack, found, tell).run()
    return found


def add(figures: Figures, found: Found) -> None:
    """What was found, as figures."""
    whole, stopped = found.whole, found.stopped
    what = (
        f"a broadcast to {found.recipients:,} recipients, written, submitted and approved by HTTP, on a local cloud of"
        f" its own whose SES takes {found.quota} mails a second; of each hundred one bounces, one complains, one login"
        " is switched off, one wants no news, one address bounced before"
    )
    figures.add("recipients", found.recipients, "recipients", what)
    figures.add("whole_s", whole.seconds, "s", f"From the approval until all is known of all mails: {what}")
    figures.add("rate_mean", whole.rate, "mails/s", f"What SES took, from the first mail to the last: {what}")
    figures.add("rate_most", whole.most, "mails/s", f"The most that SES took in a second: {what}", goal=found.quota)
    figures.add(
        "retried", found.retried, "times", f"That the outbox came back to a mail, as something did not answer: {what}"
    )
    figures.add(
        "differences",
        len(whole.differences) + len(stopped.differences),
        "rows",
        f"Rows of both reports that are others than what was planted, and than the mails that SES has: {what}."
        f" {'; '.join(whole.differences + stopped.differences)}",
        goal=0,
    )
    figures.add(
        "look_max_s", max(whole.looks + stopped.looks), "s",
        f"The longest of {len(whole.looks) + len(stopped.looks)} looks at its page while it was sent, as JSON: {what}",
    )  # fmt: skip
    figures.add(
        "progress", len(set(whole.progress)), "figures", f"Different numbers of sent mails that those showed: {what}"
    )
    figures.add(
        "after_stop",
        found.after_stop,
        "mails",
        f"That SES took after a stop was answered, of one whose page said that a fifth was sent; the last of them"
        f" {found.longest_after_stop:.1f} s later. It was sent to {stopped.report['sent']:,}, taken back from"
        f" {stopped.report['taken_back']:,}, and {stopped.report['left']:,} were never handed over: {what}",
    )


def measure(figures: Figures, tell: Callable[[str], None]) -> None:
    """It, as figures."""
    add(figures, by_the_machine(tell=tell))


def main() -> int:
    """Exit code 1 when a report is wrong or SES got more than it takes."""
    parser = argparse.ArgumentParser(description="A broadcast to many on a local cloud.")
    parser.add_argument("--recipients", type=int, default=RECIPIENTS)
    parser.add_argument("--quota", type=int, default=QUOTA)
    given = parser.parse_args()
    console, figures = Console(), Figures()
    with console.status("starting the local cloud") as status:

        def tell(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

        found = by_the_machine(given.recipients, given.quota, tell)
    add(figures.part("broadcast"), found)
    figures.write(OUTPUT, beside=True)
    figures.print(console)
    for each in found.whole.differences + found.stopped.differences:
        console.print(each)
    return 1 if found.whole.differences or found.stopped.differences or found.whole.most > given.quota else 0


if __name__ == "__main__":
    sys.exit(main())
