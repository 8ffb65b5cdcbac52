"""What each write of the portal is sent in the world of everything, and who may send it, so that it is done.

Whoever adds a write to the portal adds its line here: `tests/api` says which one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.support.applying import APPLIED
from tests.support.camt import Entry, Tx, a_statement
from tests.support.everything import LOGINS, MARCH, OWNERS_ADDRESS, PLATFORM, STAFFS_ADDRESS, Everything, Pool
from tests.support.hooked import URL, WISH
from tests.support.leading import PERSON
from tests.support.payday import CHECKER, IBANS, LAST_RUN, PIPS, SCHEDULE
from tests.support.pictures import drawn

Body = Mapping[str, Any]
WHY = {"why": "Looked at all of it"}
REASON = {"reason": "As agreed with them"}
TEXTS = {"subject_en": "News", "text_en": "Good day,\n\nthis is new."}


@dataclass(frozen=True)
class Write:
    """`body` is sent; where it depends on what there is, it is a function of the world, which may also do first what
    must have been done before. `by` is a role, or a login where a second person of a role is meant."""

    by: str
    body: Body | Callable[[Everything], Body] = ()  # type: ignore[assignment]
    content: bytes = b""
    """A file, sent as it is."""
    query: str = ""

    def sent(self, world: Everything) -> dict[str, Any]:
        return dict(self.body(world) if callable(self.body) else self.body)

    @property
    def login(self) -> str:
        return LOGINS.get(self.by, self.by)


def seen(world: Everything, by: str, route: str) -> Any:
    """What somebody reads before."""
    answer = world.machine(LOGINS.get(by, by)).get(world.path(route) if "{" in route else route)
    assert answer.status == 200, (route, answer.body)
    return answer.json


def me(world: Everything, role: str) -> str:
    """The member that has a role."""
    return world.people[LOGINS[role]].member


def does(world: Everything, route: str) -> Any:
    """What must have been done before, by its own line."""
    write = WRITES[route]
    answer = world.machine(write.login).post(world.path(route), write.sent(world), as_json=True)
    assert answer.status in (200, 201), (route, answer.status, answer.body)
    return answer.json


def version(by: str, route: str, **more: Any) -> Callable[[Everything], Body]:
    """The version that somebody reads, and more."""
    return lambda world: {"version": seen(world, by, route)["version"]} | more


def after(*routes: str, body: Body | Callable[[Everything], Body] = ()) -> Callable[[Everything], Body]:  # type: ignore[assignment]
    """The body, when these were done before."""

    def made(world: Everything) -> Body:
        for route in routes:
            does(world, route)
            world.now += timedelta(minutes=1)
        return body(world) if callable(body) else dict(body)

    return made


def _accepting(world: Everything) -> Body:
    does(world, "/desk/partners/{partner}/deal/new")
    opened = next(each for each in seen(world, "owner", "/deal")["versions"] if each["accepted_at"] is None)
    return {"version": opened["version"], "terms_hash": opened["terms_hash"]}


def _proposed(**more: str) -> Callable[[Everything], Body]:
    def made(world: Everything) -> Body:
        found = seen(world, "manager", "/desk/partners/{partner}/deal/new")
        terms = found["terms"] | {"rules": [found["terms"]["rules"][0] | {"percent": "35"}]}
        return {"terms": terms, "version": found["version"]} | more

    return made


def _contest(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "weights": {"ftd": "1"}, "currency": "EUR", "time_zone": "Europe/Berlin",
        "first_day": "2026-05-01", "last_day": "2026-05-31",
        "divisions": [{"prizes": [{"kind": "fixed", "first": 1, "last": 1, "amount": "500.00"}]}],
    } | more  # fmt: skip


def _disallowed(world: Everything) -> Body:
    """A verdict that was carried out, and is appealed against."""
    does(world, "/desk/cases/{partner}/{case}/decision")
    found = world.case_books.cases.case(world.harbour, world.values["case"])
    world.carries_out(found)
    return WHY


def _of_objection(world: Everything) -> Body:
    does(world, "/contests/{contest}/objections")
    [objection] = seen(world, "manager", "/desk/contests/{contest}/result")["objections"]
    return {"partner": world.harbour, "at": objection["at_ms"], "verdict": "refuse", **WHY}


def _of_draft(world: Everything) -> Body:
    contest = world.values_of("/desk/contests/{contest}/approval")["contest"]
    return {"version": seen(world, "finance", f"/desk/contests/{contest}")["version"]}


def _handed_over(world: Everything) -> Body:
    """Two partners get another manager."""
    them = [world.harbour, world.partners[PIPS]]
    return {"do": "manager", "partners": them, "to": me(world, "manager"), **REASON}


def _joint(world: Everything) -> Body:
    """Two partners are offered the same terms."""
    rule = {"type": "revshare", "id": "rev", "percent": "40", "negative": "reset"}
    terms = {"currency": "EUR", "hold": {"days": 30, "from": "month_end"}, "rules": [rule]}
    return {"terms": terms, "partners": [world.harbour, world.partners[PIPS]], **REASON}


def _goal(world: Everything) -> Body:
    [goal] = seen(world, "owner", "/goals")["items"]
    return {"terms_hash": goal["acceptance"]["terms_hash"]}


def _stopped(world: Everything) -> Body:
    """The run's execution has failed."""
    world.executions.failed[f"{LAST_RUN}-{world.brand}"] = "The bank did not answer"
    return WHY


def a_bank_file() -> bytes:
    """The bank's report of one transfer that nobody here knows."""
    return a_statement(Entry([Tx(end_to_end="nobody-knows", amount="1.00")]))


def _gift(world: Everything) -> Body:
    rows = seen(world, "manager", "/desk/contests/{contest}/awards")["items"]
    row = next(each for each in rows if each["kind"] == "gift")
    return {"partner": row["partner"], "award": row["number"], "status": "sent", "note": "By post"}


def _step(world: Everything) -> Body:
    found = seen(world, "manager", "/desk/sequences/{sequence}")
    return {
        "version": found["version"], "place_in_order": 1, "wait_hours": 1, "place": "/links", "subject_en": "Hello",
        "text_en": "Hello {name},\n\nwelcome. {manager}", **WHY,
    }  # fmt: skip


def _later(world: Everything) -> Body:
    world.now += timedelta(minutes=10)
    return {}


def _targets(base: str, by: str) -> dict[str, Write]:
    """The writes of one house of targets."""
    one, added = base + "/{target}", dict(WISH) | {"url": URL}

    def generation(world: Everything) -> Body:
        return {"generation": seen(world, by, one)["target"]["generation"]}

    return {
        base: Write(by, added),
        one: Write(by, added | {"name": "Another name"}),
        one + "/pause": Write(by),
        one + "/resume": Write(by, after(one + "/pause")),
        one + "/delete": Write(by),
        one + "/rotate": Write(by, after(one + "/secret", body=generation)),
        one + "/secret": Write(by),
        one + "/test": Write(by, {"event": "ftd"}),
        one + "/held": Write(by),
        one + "/deliveries/{created}/{delivery}/replay": Write(by, _later),
    }


def _reports(base: str, by: str) -> dict[str, Write]:
    one = base + "/saved/{report}"
    read = seen_version(by, base)
    return {
        base: Write(by, {"name": "By link", "asked": "by=link"}),
        one: Write(by, lambda world: {"name": "Otherwise", **read(world)}),
        one + "/delete": Write(by, read),
    }


def seen_version(by: str, base: str) -> Callable[[Everything], Body]:
    """The version of the saved report of this world."""

    def read(world: Everything) -> Body:
        [row] = [
            each
            for each in seen(world, by, f"{base}/saved")["items"]
            if each["report"] == world.special[base]["report"]
        ]
        return {"version": row["version"]}

    return read


def _settings(base: str, team: str, by: str, role: Body, key: Body) -> dict[str, Write]:
    return {
        base + "/keys": Write(by, {"name": "Another system", **key}),
        base + "/keys/{key}/revoke": Write(by),
        team: Write(by, {"email": "new@people.example", "name": "Nora New", **role}),
        team + "/{member}/role": Write(by, role),
        team + "/{member}/remove": Write(by),
        team + "/{member}/invitation": Write(by),
    }


WRITES: dict[str, Write] = {
    # partners
    "/settings/tax": Write("owner", {
        "version": 0, "legal_name": "Harbour Ltd", "address": "Quay 1, Hamburg", "country": "DE",
    }),
    "/links": Write("owner", lambda world: {"campaign": world.values["campaign"], "name": "Newsletter"}),
    "/campaigns/{campaign}/links": Write("owner", {"name": "From the campaign"}),
    "/links/{code}/status": Write("owner", {"status": "paused"}),
    "/links/{code}/slugs": Write("owner", {"slug": "harbour-more"}),
    "/links/{code}/slugs/{slug}/removal": Write("owner"),
    "/cases/{case}/answers": Write("owner", {"text": "They met us at a fair"}),
    "/cases/{case}/appeal": Write("owner", _disallowed),
    "/contests/{contest}/join": Write(
        "owner", lambda world: {"rules": seen(world, "owner", "/contests/{contest}")["rules_hash"]}
    ),
    "/contests/{contest}/name": Write("owner", {"shown_as": "Quick ones"}),
    "/contests/{contest}/leave": Write("owner"),
    "/contests/{contest}/objections": Write("owner", {"text": "Two clients are missing"}),
    "/deal": Write("owner", _accepting),
    "/goals/{goal}/accept": Write("owner", _goal),
    "/goals/{goal}/decline": Write("owner", {"why": "Not this month"}),
    "/messages": Write("owner", {"subject": "Prices", "text": "What is paid for Spain?"}),
    "/messages/{thread}": Write("owner", {"text": "And for Chile?"}),
    "/settings/mail": Write("owner", {
        "version": 0, "on": ["contests", "news"], "time_zone": "Europe/Berlin", "quiet_from": 21, "quiet_until": 8,
    }),
    "/settings/mail/again": Write("owner"),
    "/settings/payment": Write("owner", version(
        "owner", "/settings/payment", rail="sepa", currency="EUR", holder="Robin Vale", country="NL", iban=IBANS[1],
    )),
    "/settings/verification": Write("owner", {"version": 2}),
    "/settings/verification/documents/{document}/removal": Write("owner"),
    "/reports/summary": Write("owner", {"cadence": "weekly", "time_zone": "Europe/Berlin"}),
    **_reports("/reports", "owner"),
    **_reports("/desk/reports", "manager"),
    # settings
    "/settings": Write("owner", {"name": "Robin Vale", "language": "pl", "time_zone": "Europe/Warsaw"}),
    "/desk/settings/brand": Write("admin", lambda world: {
        "name": "Northgate", "time_zone": "Europe/Berlin", "fallback_url": "https://northgate.example/start",
        **{f"was_{name}": getattr(world.configuration.brand(world.brand), name) for name in (
            "name", "time_zone", "fallback_url",
        )},
        **WHY,
    }),
    **_settings("/settings", "/settings/team", "owner", {"role": "owner"}, {"scopes": ["links:read"]}),
    **_settings("/desk/settings", "/desk/settings/staff", "admin", {"role": "manager"}, {
        "scopes": ["desk:read"], "role": "manager",
    }),
    "/preferences": Write("owner", {"theme": "dark"}),
    "/sign-out": Write("member"),
    "/sign-in": Write("stranger", {"email": OWNERS_ADDRESS, "password": Pool.password}),
    "/sign-in/own-password": Write("stranger", {
        "email": OWNERS_ADDRESS, "session": "a session", "password": "Correct-horse-8-battery",
        "again": "Correct-horse-8-battery",
    }),
    "/leads/{code}": Write("stranger", PERSON | {"consent": True, "email": "new@example.com", "phone": "+4930999"}),
    "/unsubscribe/{token}": Write("stranger"),
    "/unsubscribe/{token}/undo": Write("stranger"),
    "/apply": Write("stranger", lambda world: dict(APPLIED) | {"brand": world.brand, "email": "ola@example.com"}),
    "/apply/confirm/{token}": Write("stranger"),
    "/desk/applications/{application}/approval": Write("manager", version(
        "manager", "/desk/applications/{application}",
    )),
    "/desk/applications/{application}/refusal": Write("manager", version(
        "manager", "/desk/applications/{application}", why="Your site shows no address",
    )),
    "/desk/applications/{application}/erasure": Write("admin", version(
        "admin", "/desk/applications/{application}", **WHY,
    )),
    "/desk/deals/joint/check": Write("manager", _joint),
    "/desk/deals/joint": Write("manager", _joint),
    "/desk/deals/joint/{proposal}": Write("admin", {"approve": True, **REASON}),
    "/desk/partners/find": Write("manager", {"email": OWNERS_ADDRESS}),
    "/desk/partners/bulk/check": Write("manager", _handed_over),
    "/desk/partners/bulk": Write("manager", _handed_over),
    # money
    "/desk/partners/{partner}/adjustments": Write("manager", {
        "amount": "12.00", "currency": "EUR", "earn_month": MARCH, **WHY,
    }),
    "/desk/partners/{partner}/adjustments/{adjustment}/decision": Write(
        "finance", {"version": 1, "verdict": "approve", **WHY}
    ),
    "/desk/partners/{partner}/adjustments/{adjustment}/reversal": Write("manager", WHY),
    "/desk/runs": Write("finance", {"schedule": SCHEDULE, "first": "2026-01-01", "through": "2026-01-31", **WHY}),
    "/desk/runs/{run}/decision": Write(
        CHECKER, version("finance", "/desk/runs/{run}", verdict="approve", **WHY)
    ),
    "/desk/runs/{run}/again": Write("finance", _stopped),
    "/desk/runs/{run}/payouts/{payout}/removal": Write("finance", WHY),
    "/desk/runs/{run}/payouts/{payout}/outcome": Write("finance", {"outcome": "returned", **WHY}),
    "/desk/runs/{run}/batches/{batch}/confirmation": Write("finance", WHY),
    "/desk/runs/bank-file": Write("finance", content=a_bank_file()),
    "/desk/runs/schedules": Write("finance", {
        "schedule": "weekly", "seen": "new", "cadence": "weekly", "time_zone": "UTC", "days_after": 2,
        "cool_off_days": 3, "deadline_hours": 72, "remind_hours": 24, "confirm_days": 10, **WHY,
    }),
    "/desk/months": Write("finance", {"month": MARCH, **WHY}),
    "/desk/payees/{partner}/verification": Write("compliance", lambda world: {
        "version": seen(world, "compliance", "/desk/payees/{partner}")["verification"]["version"], "verdict": "approve",
        "expires_on": "2027-04-02", **WHY,
    }),
    "/desk/payees/{partner}/holds": Write("compliance", REASON),
    "/desk/payees/{partner}/holds/{hold}/release": Write(CHECKER, WHY),
    # deals, goals and promotion
    "/desk/partners/{partner}/deal/new/check": Write("manager", _proposed()),
    "/desk/partners/{partner}/deal/new": Write("manager", _proposed(**REASON)),
    "/desk/partners/{partner}/goals": Write("manager", {
        "by": "ftd", "clients": 5, "first": "2026-06-01", "last": "2026-06-30", "amount": "200.00", "currency": "EUR",
    }),
    "/desk/partners/{partner}/goals/{goal}/withdraw": Write("manager", WHY),
    "/desk/partners/{partner}/codes": Write("manager", {"code": "HARBOUR20", **REASON}),
    "/desk/partners/{partner}/codes/end": Write("manager", {"end_code": "HARBOUR10", "end_reason": "It is over"}),
    "/desk/partners/{partner}/parent": Write("manager", lambda world: {
        "parent": world.partners[PIPS], "month": "2026-05", **REASON,
    }),
    "/desk/partners/{partner}/standing": Write("manager", {"status": "suspended", **REASON}),
    "/desk/partners/{partner}/mail": Write("admin", {"address": "hash-of-an-address", **WHY}),
    "/desk/mail": Write("admin", {"address": STAFFS_ADDRESS, **WHY}),
    "/desk/campaigns/new": Write("manager", {
        "name": "Summer", "pages": [{"url": "https://northgate.example/summer"}],
    }),
    "/desk/campaigns/{campaign}/edit": Write(
        "manager", version("manager", "/desk/campaigns/{campaign}/edit", description="What it is about", **WHY)
    ),
    "/desk/campaigns/{campaign}/status": Write("manager", {"status": "paused", **WHY}),
    "/desk/campaigns/{campaign}/attribution": Write(
        "manager", {"window_days": 60, "attribution": "first_click", **REASON}
    ),
    "/desk/campaigns/{campaign}/materials": Write(
        "manager", {"kind": "share", "name": "Another", "language": "en", "text": "Trade with {brand}: {link}"}
    ),
    "/desk/campaigns/{campaign}/materials/banners": Write(
        "manager", content=drawn(728, 90), query="?name=Wide&language=en"
    ),
    "/desk/campaigns/{campaign}/materials/{material}/status": Write("manager", {"status": "paused"}),
    # clients, cases and contests
    "/desk/clients": Write("manager", {"client_id": "10234"}),
    "/desk/clients/{client}": Write("manager", lambda world: {
        "partner": world.harbour, "since": "beginning", **REASON,
    }),
    "/desk/clients/{client}/again": Write("manager", lambda world: {
        "move": seen(world, "manager", "/desk/clients/{client}")["items"][0]["move"],
    }),
    "/desk/cases/policy": Write("admin", {
        "decide_days": 8, "escalated_days": 7, "appeal_days": 14, "remind_hours": 48, **WHY,
    }),
    "/desk/cases/{partner}": Write("compliance", WHY),
    "/desk/cases/{partner}/{case}/decision": Write("compliance", version(
        "compliance", "/desk/cases/{partner}/{case}", verdict="disallow", code="fake_registrations", **WHY,
    )),
    "/desk/cases/{partner}/{case}/appeal": Write("admin", after("/cases/{case}/appeal", body=version(
        "admin", "/desk/cases/{partner}/{case}", verdict="uphold", **WHY,
    ))),
    "/desk/cases/{partner}/{case}/answers": Write("compliance", {"text": "Who came with them?"}),
    "/desk/cases/{partner}/{case}/notes": Write("compliance", {"text": "Two networks"}),
    "/desk/contests/new/check": Write("manager", _contest("The May cup")),
    "/desk/contests/new": Write("manager", _contest("The May cup")),
    "/desk/contests/{contest}/edit/check": Write("manager", _contest("The draft")),
    "/desk/contests/{contest}/edit": Write(
        "manager", version("manager", "/desk/contests/{contest}/edit", name="The other draft", **WHY)
    ),
    "/desk/contests/{contest}/approval": Write("finance", _of_draft),
    "/desk/contests/{contest}/end": Write(
        "manager", version("manager", "/desk/contests/{contest}", when="day", last_day="2026-05-15", **WHY)
    ),
    "/desk/contests/{contest}/cancellation": Write("manager", WHY),
    "/desk/contests/{contest}/participants/{partner}/aside": Write("manager", WHY),
    "/desk/contests/{contest}/participants/{partner}/back": Write(
        "manager", after("/desk/contests/{contest}/participants/{partner}/aside", body=WHY)
    ),
    "/desk/contests/{contest}/result/{partner}/aside": Write("manager", WHY),
    "/desk/contests/{contest}/result/{partner}/back": Write(
        "manager", after("/desk/contests/{contest}/result/{partner}/aside", body=WHY)
    ),
    "/desk/contests/{contest}/objections": Write("manager", _of_objection),
    "/desk/contests/{contest}/awards": Write("manager", _gift),
    # talking
    "/desk/messages/{partner}/{thread}": Write("manager", {"text": "Yes, these too", "kind": "message"}),
    "/desk/messages/{partner}/{thread}/assign": Write("manager", lambda world: {"to": me(world, "manager")}),
    "/desk/messages/{partner}/{thread}/close": Write("manager"),
    "/desk/messages/{partner}/{thread}/reopen": Write("manager", after("/desk/messages/{partner}/{thread}/close")),
    "/desk/partners/{partner}/notes": Write("sales", {"text": "Wants a banner for May."}),
    "/desk/partners/{partner}/messages": Write("manager", {"subject": "New prices", "text": "From May on."}),
    "/desk/answers": Write("manager", TEXTS),
    "/desk/answers/{answer}": Write("manager", version("manager", "/desk/answers/{answer}", **TEXTS)),
    "/desk/answers/{answer}/remove": Write("manager"),
    "/desk/announcements": Write("manager", TEXTS | {"kinds": ["affiliate"], "through": "2026-05-01"}),
    "/desk/announcements/{announcement}/withdraw": Write("manager", WHY),
    "/desk/broadcasts/policy": Write("admin", {"people": 1}),
    "/desk/broadcasts": Write("manager", lambda world: TEXTS | {
        "name": "More news", "segment": world.values["segment"],
    }),
    "/desk/broadcasts/{broadcast}": Write(
        "manager", version("manager", "/desk/broadcasts/{broadcast}", name="Other news", **TEXTS)
    ),
    "/desk/broadcasts/{broadcast}/submission": Write("manager", version("manager", "/desk/broadcasts/{broadcast}")),
    "/desk/broadcasts/{broadcast}/approval": Write("admin", after(
        "/desk/broadcasts/policy", "/desk/broadcasts/{broadcast}/submission",
        body=version("admin", "/desk/broadcasts/{broadcast}"),
    )),
    "/desk/broadcasts/{broadcast}/return": Write("manager", after(
        "/desk/broadcasts/policy", "/desk/broadcasts/{broadcast}/submission",
        body=version("manager", "/desk/broadcasts/{broadcast}"),
    )),
    "/desk/broadcasts/{broadcast}/stop": Write("manager", after("/desk/broadcasts/{broadcast}/submission", body=WHY)),
    "/desk/segments": Write("manager", {
        "name": "Quiet ones", "conditions": [{"field": "ftd_30", "operator": "at_most", "values": ["0"]}],
    }),
    "/desk/segments/{segment}": Write("manager", lambda world: {
        "version": seen(world, "manager", "/desk/segments/{segment}")["version"], "name": "Busy ones",
        "conditions": [{"field": "ftd_30", "operator": "at_least", "values": ["5"]}],
    }),
    "/desk/segments/{segment}/delete": Write("manager", lambda world: {
        "version": seen(world, "manager", "/desk/segments/{segment}")["version"],
    }),
    "/desk/sequences/{sequence}": Write("manager", version(
        "manager", "/desk/sequences/{sequence}", on="no", goal="has_click", **WHY,
    )),
    "/desk/sequences/{sequence}/steps/{step}": Write("manager", _step),
    "/desk/sequences/{sequence}/steps/{step}/remove": Write("manager", version(
        "manager", "/desk/sequences/{sequence}", **WHY,
    )),
    "/desk/tasks/{partner}/{task}/done": Write("manager", {"outcome": "spoke"}),
    "/desk/tasks/{partner}/{task}/snooze": Write("manager", {"until": "2026-04-05"}),
    "/desk/tasks/{partner}/{task}/assign": Write("manager", lambda world: {"to": me(world, "manager")}),
    "/desk/leads/find": Write("sales", {"who": PERSON["email"]}),
    "/desk/leads/{lead}/stage": Write("sales", version("sales", "/desk/leads/{lead}", stage="contacted")),
    "/desk/leads/{lead}/salesperson": Write("admin", lambda world: {
        "version": seen(world, "admin", "/desk/leads/{lead}")["version"],
        "salesperson": me(world, "sales"),
    }),
    "/desk/leads/{lead}/notes": Write("sales", {"text": "Has called back"}),
    "/desk/leads/{lead}/erasure": Write("admin", version("admin", "/desk/leads/{lead}", **WHY)),
    # platforms
    "/desk/events/replay": Write("manager", lambda world: {
        "source": PLATFORM, "day": "2026-04-02",
        "id": seen(world, "manager", f"/desk/events?source={PLATFORM}")["items"][0]["id"],
    }),
    "/desk/sources": Write("admin", {"source": "crm", "dialect": "json", "settings": {}}),
    "/desk/sources/{source}/edit": Write("admin", lambda world: {
        "settings": seen(world, "admin", "/desk/sources/{source}")["settings"] | {"page_size": 50}, **WHY,
    }),
    "/desk/sources/{source}/status": Write("admin", {"status": "paused"}),
    "/desk/sources/{source}/pull": Write("admin"),
    "/desk/sources/{source}/from": Write("admin", {"day": "2026-03-15"}),
    "/desk/sources/{source}/token": Write("admin", {"token": "what the platform knows us by"}),
    "/desk/sources/{source}/secret": Write("admin", lambda world: {
        "replaces": seen(world, "admin", "/desk/sources/{source}")["secrets"]["fingerprint"],
    }),
    "/desk/sources/{source}/secret/end": Write("admin", after("/desk/sources/{source}/secret")),
    "/desk/sources/{source}/files/{place}/{file}/again": Write("admin"),
} | _targets("/postbacks", "owner") | _targets("/desk/webhooks", "admin")  # fmt: skip
