"""Sources at the desk: registered, told something else, paused, fetched, given secrets; who may, and what is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Availability, Change, Source
from introducer.domain.events import milliseconds
from introducer.domain.pulling import Pull, begun, ended, failed, read_on
from introducer.domain.source_file import SourceFile, done, file_id
from introducer.domain.source_file import failed as file_failed
from introducer.locale import CODES, language
from introducer.sources import dialects
from introducer.sources.dialects.pulling import reached
from introducer.sources.dialects.refusals import SettingsRefused
from introducer.store.intake_days import IntakeDay, IntakeDays
from introducer.store.pulls import Pulls
from introducer.store.source_files import SourceFiles
from introducer_ops.shots.words import wrong_words
from tests.browser.world import Answer
from tests.support.casework import COMPLIANCE, Casework, a_casework
from tests.support.kept_secrets import KeptSecrets
from tests.support.payday import ADMIN, HARBOUR, MANAGER
from tests.support.shown import text, texts

pytestmark = pytest.mark.in_memory

MT5 = {"currency": "EUR", "time_zone": "America/New_York+7"}
FETCHED = MT5 | {"url": "https://mt5.example.com", "since": "2026-03-01", "groups": "real*", "auth": "bearer"}


@dataclass
class Desk:
    """The portal, with what it sends into queues."""

    portal: Casework
    kept: KeptSecrets = field(default_factory=KeptSecrets)
    sent: list[Any] = field(default_factory=list)

    def posts(self, path: str, fields: dict[str, Any], who: str = ADMIN, **headers: str) -> Answer:
        return self.portal.machine(who).post(f"/desk/sources{path}", fields, as_json=True, **headers)

    def gets(self, path: str = "", who: str = MANAGER) -> Answer:
        return self.portal.machine(who).get(f"/desk/sources{path}")

    def page(self, path: str = "", who: str = ADMIN) -> str:
        answer = self.portal.signed_in(who).get(f"/desk/sources{path}")
        assert answer.status == 200, answer.body
        return text(answer.body)

    def source(self, name: str = "mt5-live", settings: dict[str, Any] = FETCHED, dialect: str = "mt5") -> None:
        answer = self.posts("", {"source": name, "dialect": dialect, "settings": settings})
        assert answer.status == 200, answer.body


@contextmanager
def a_desk() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch, a_casework(patch) as portal:
        found = Desk(portal)
        for name, stand_in in (
            ("source_secrets", found.kept), ("fetch_source", found.sent.append),
            ("read_source_file", lambda *given: found.sent.append(given)),
        ):  # fmt: skip
            setattr(portal.wiring, name, stand_in)
        yield found


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as found:
        yield found


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Desk]:
    """For tests that change nothing."""
    with a_desk() as found:
        yield found


def test_an_admin_registers_a_source_in_a_browser_and_sees_its_secret_once(desk: Desk) -> None:
    browser = desk.portal.signed_in(ADMIN)
    assert "No source yet" in desk.page()
    shown = browser.get("/desk/sources/new?dialect=mt5")
    assert 'name="set.currency"' in shown.body and "deals do not say it" in shown.body
    form = {"csrf": shown.field("csrf"), "dialect": "mt5", "source": "mt5-live"}

    # when something is missing, what was typed stays and the field says so
    wrong = browser.post("/desk/sources", form | {"set.currency": "Euro", "set.groups": "real*", "set.page_size": "x"})
    assert wrong.status == 422 and 'value="real*"' in wrong.body and 'value="Euro"' in wrong.body
    assert 'id="note-set-page_size"' in wrong.body and "Write a whole number." in text(wrong.body)
    wrong = browser.post("/desk/sources", form | {"set.currency": "Euro", "set.time_zone": "UTC"})
    assert "This is no ISO 4217 code" in text(wrong.body) and not desk.kept.secrets

    # when all is well
    settings = {f"set.{name}": str(value) for name, value in FETCHED.items()}
    made = browser.post("/desk/sources", form | settings | {"set.actions": '{"5": "credit"}', "set.accounts": "1, 2"})
    [secret] = desk.kept.secrets["mt5-live"]
    assert made.status == 200 and secret in made.body
    for path in ("", "/mt5-live", "/mt5-live/edit"):
        assert secret not in browser.get(f"/desk/sources{path}").body
    kept = desk.gets("/mt5-live").json
    assert (kept["settings"]["actions"], kept["settings"]["accounts"]) == ({"5": "credit"}, ["1", "2"])
    assert (kept["standing"], kept["signature"]) == ("waits", "signed")
    assert kept["address"].endswith("/postback/mt5-live") and kept["call"].startswith("URL='https://")
    again = browser.post("/desk/sources", form | settings)
    assert again.status == 409 and "This name is taken" in text(again.body)


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"source": "New One", "dialect": "json"}, 422, "invalid_name"),
        ({"source": "desk", "dialect": "json"}, 422, "invalid_name"),
        ({"source": "one", "dialect": "klingon"}, 422, "unknown_dialect"),
        ({"source": "one", "dialect": "mt5"}, 422, "invalid_settings"),
        ({"source": "one", "dialect": "mt5", "settings": []}, 422, "invalid_settings"),
        ({"source": "one", "dialect": "json", "settings": {"url": "http://10.0.0.1/"}}, 422, "invalid_settings"),
    ],
)
def test_a_program_is_told_what_is_wrong_by_a_stable_code(
    unchanged: Desk, wish: dict[str, Any], status: int, code: str
) -> None:
    answer = unchanged.posts("", wish)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert not unchanged.kept.secrets


def pieces(message: str) -> list[str]:
    """What a message says beside its code and its values."""
    return [each.strip() for each in re.split(r"`[^`]*`|\{\w+\}", message) if each.strip(" .,;:()")]


IMPOSSIBLE = {
    "currency": "Euro", "time_zone": "Nowhere", "url": "ftp://mt5.example", "page_size": 900, "window_minutes": 0,
    "since": "soon", "auth": "smoke", "client_field": "1", "client_prefix": "x" * 21, "actions": {"0": "credit"},
    "commission_sides": 3,
}  # fmt: skip


def test_what_a_source_may_be_told_and_why_it_cannot_be_is_said_in_the_readers_language(desk: Desk) -> None:
    desk.source()
    browser = desk.portal.signed_in(ADMIN)
    with pytest.raises(SettingsRefused) as refused:
        dialects.of("mt5").settings("one", "brd_one", IMPOSSIBLE)
    advice = refused.value.advice
    assert {each.field for each in advice} == set(IMPOSSIBLE) and len({each.message for each in advice}) >= 10
    form = {f"set.{name}": value if isinstance(value, str) else json.dumps(value) for name, value in IMPOSSIBLE.items()}
    form |= {"csrf": browser.get("/desk/sources/new").field("csrf"), "dialect": "mt5", "source": "one"}

    for code in CODES[1:]:
        spoken = language(code)
        browser.cookies["__Host-language"] = code
        told = {f"/new?dialect={name}": dialects.of(name) for name in dialects.names()}
        told |= dict.fromkeys(("/mt5-live/edit", "/mt5-live", ""), dialects.of("mt5"))
        pages = {path: browser.get(f"/desk/sources{path}").body for path in told}
        wanted = {path: [dialect.title] for path, dialect in told.items()}
        for path, dialect in told.items():
            if path.startswith("/new") or path.endswith("/edit"):
                wanted[path] += [str(each.description) for each in dialect.parameters.model_fields.values()]
        answer = browser.post("/desk/sources", form)
        assert answer.status == 422
        pages["refused"], wanted["refused"] = answer.body, [each.message for each in advice]

        for path, body in pages.items():
            words = text(body)
            for message in wanted[path]:
                assert spoken.text(message) != message, (code, message)
                assert [each for each in pieces(spoken.text(message)) if each not in words] == [], (code, path)
            if code in ("ar", "pl"):
                assert list(wrong_words(texts(body), code)) == [], (code, path)


def test_managers_look_admins_change_and_nobody_else_sees_sources(desk: Desk) -> None:
    desk.source()
    steps: dict[str, dict[str, Any]] = {
        "": {"source": "x", "dialect": "json"},
        "/mt5-live/edit": {"settings": FETCHED, "why": "because"},
        "/mt5-live/status": {"status": "paused"},
        "/mt5-live/pull": {},
        "/mt5-live/from": {"day": "2026-03-01"},
        "/mt5-live/token": {"token": "t"},
        "/mt5-live/secret": {"replaces": "x"},
        "/mt5-live/secret/end": {},
        "/mt5-live/files/1/fil_1/again": {},
    }
    for path, fields in steps.items():
        assert desk.posts(path, fields, MANAGER).json["code"] == "source_role", path
        assert desk.posts(path, fields, HARBOUR).status == 403, path
    assert desk.gets("/mt5-live", MANAGER).status == 200
    for who in (COMPLIANCE, HARBOUR):
        assert desk.gets("", who).status == desk.gets("/mt5-live", who).status == 403
    # and of another brand there is nothing to see
    other = Source(source="theirs", brand="brd_other", dialect="json", status=Availability.ACTIVE)
    desk.portal.configuration.register_source(other, Change(by="t", at=desk.portal.now, why="t"))
    assert desk.gets("/theirs").status == 404
    for path, fields in steps.items():
        if path:
            assert desk.posts(path.replace("mt5-live", "theirs"), fields).status == 404, path
    assert [each["source"] for each in desk.gets().json["items"]] == ["mt5-live"]
    assert desk.sent == []


def test_what_decides_how_a_row_is_kept_stays_once_rows_were_accepted(desk: Desk) -> None:
    desk.source()
    path, changed = "/mt5-live/edit", FETCHED | {"currency": "USD"}
    assert desk.posts(path, {"settings": changed, "why": "Wrong currency"}).json["settings"]["currency"] == "USD"
    days = IntakeDays("books")
    day = IntakeDay("mt5-live", "2026-04-30")
    days.add(day, replace(day, accepted=3, applied=2, quarantined=1, marks="m"))

    # what does not decide changes, and what does is refused with its name
    fewer = desk.posts(path, {"settings": changed | {"page_size": 50}, "why": "Smaller pages"})
    assert fewer.json["settings"]["page_size"] == 50
    desk.portal.now += timedelta(seconds=1)
    refused = desk.posts(path, {"settings": FETCHED, "why": "Back again"})
    assert (refused.status, refused.json["code"], refused.json["fields"]) == (409, "identity_settings", ["currency"])

    # a browser may say that it shall be even so
    browser = desk.portal.signed_in(ADMIN)
    shown = browser.get("/desk/sources/mt5-live/edit")
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    form = {f"set.{name}": str(value) for name, value in FETCHED.items()} | {"why": "Back again"}
    told = browser.post("/desk/sources/mt5-live/edit", guard | form)
    assert told.status == 409 and "Change it even so" in text(told.body)
    form |= {"csrf": told.field("csrf"), "even_so": "true"}
    assert browser.post("/desk/sources/mt5-live/edit", form).status == 303
    assert desk.gets("/mt5-live").json["settings"]["currency"] == "EUR"
    records = desk.portal.configuration.audit_of_subject("mt5-live").items
    assert (records[0].action, records[0].why) == ("change_source", "Back again")
    assert desk.gets("/mt5-live").json["days"] == [
        {"day": "2026-04-30", "accepted": 3, "applied": 2, "quarantined": 1}
    ]  # fmt: skip


def test_two_secrets_are_good_until_one_is_ended_and_none_is_shown_or_kept_twice(desk: Desk) -> None:
    desk.source()
    [first] = desk.kept.secrets["mt5-live"]
    browser = desk.portal.signed_in(ADMIN)
    shown = browser.get("/desk/sources/mt5-live")
    form = {"csrf": shown.field("csrf"), "replaces": shown.field("replaces")}
    made = browser.post("/desk/sources/mt5-live/secret", form)
    second = desk.kept.secrets["mt5-live"][0]
    assert desk.kept.secrets["mt5-live"] == [second, first] and second in made.body and first not in made.body
    # pressing twice replaces one
    assert browser.post("/desk/sources/mt5-live/secret", form).status == 409
    # a program's key keeps no answer with a secret in it
    fresh = desk.gets("/mt5-live", ADMIN).json["secrets"]
    assert (fresh["previous"], fresh["token"]) == (True, False)
    answer = desk.posts("/mt5-live/secret", {"replaces": fresh["fingerprint"]}, idempotency_key="k")
    assert answer.status == 200, answer.body
    third = answer.json["secret"]
    assert desk.posts("/mt5-live/secret", {"replaces": fresh["fingerprint"]}, idempotency_key="k").status == 409
    assert desk.posts("/mt5-live/secret/end", {}).json["secrets"]["previous"] is False
    # also of a source that is not fetched from
    desk.source("web", {}, "json")
    assert desk.posts("/web/secret/end", {}).json["pull"] is None
    assert desk.kept.secrets["mt5-live"] == [third]
    desk.posts("/mt5-live/token", {"token": "the platform's"})
    assert desk.kept.tokens == {"mt5-live": "the platform's"} and desk.gets("/mt5-live").json["secrets"]["token"]
    assert desk.posts("/mt5-live/token", {"token": "new\nline"}).json["code"] == "invalid_token"
    told = json.dumps([str(each) for each in desk.portal.configuration.audit_of_subject("mt5-live").items])
    stored = desk.portal.dynamodb._memory.tables["books"].items
    everything = str(dict(stored))
    for secret in (first, second, third, "the platform's"):
        assert secret not in everything and secret not in told


def test_how_fetching_goes_is_said_in_words_and_a_person_can_ask_at_once(desk: Desk) -> None:
    desk.source()
    pulls, now = Pulls("books"), milliseconds(desk.portal.now)
    assert "Not asked yet" in desk.page()
    run = begun(Pull(source="mt5-live"), now - 60_000)
    assert pulls.move(Pull(source="mt5-live"), run)
    counts = {"accepted": 1234, "quarantined": 2}
    read = read_on(run, json.dumps({"begin": now - 60_000}), counts, now - 50_000, caught_up=True)
    rest = ended(read)
    assert pulls.move(run, read) and pulls.move(read, rest)
    shown = desk.page("/mt5-live")
    assert "All is well" in shown and "1,234" in shown
    broken = failed(rest, "platform_refused", "The platform does not accept our token (401).", now, lasting=True)
    assert pulls.move(rest, broken)
    for page in (desk.page(), desk.page("/mt5-live")):
        assert "Needs a person" in page and "The platform does not accept our request." in page
    # the page of what came says so too
    for who, failing in ((ADMIN, ["mt5-live"]), (COMPLIANCE, [])):
        events = desk.portal.machine(who).get("/desk/events").json
        assert events["failing"] == failing
    told = desk.portal.signed_in(ADMIN).get("/desk/events").body
    assert "mt5-live cannot be fetched: somebody has to look." in text(told) and "&lt;" not in told
    kept = desk.gets("/mt5-live").json
    assert (kept["needs_person"], kept["pull"]["error"], kept["pull"]["failures"]) == (True, "platform_refused", 1)

    # fetched now, and read again from a day
    browser = desk.portal.signed_in(ADMIN)
    shown_form = browser.get("/desk/sources/mt5-live")
    guard = {name: shown_form.field(name) for name in ("csrf", "idempotency_key")}
    assert browser.post("/desk/sources/mt5-live/pull", guard).status == 303
    assert browser.post("/desk/sources/mt5-live/pull", guard).status == 303
    assert desk.sent == ["mt5-live"], "pressing twice asks once"
    day = (desk.portal.now - timedelta(days=9)).date()
    assert desk.posts("/mt5-live/from", {"day": day.isoformat()}).status == 200
    start = reached(pulls.pull("mt5-live").cursor)
    assert start is not None and start.date() == day and desk.sent == ["mt5-live"] * 2
    later = (desk.portal.now + timedelta(days=1)).date().isoformat()
    assert desk.posts("/mt5-live/from", {"day": later}).json["code"] == "invalid_day"
    assert desk.posts("/mt5-live/status", {"status": "paused"}).json["standing"] == "paused"
    assert "Resume it" in desk.page("/mt5-live") and "Fetch now" not in desk.page("/mt5-live")


def test_a_source_that_posts_is_not_fetched(desk: Desk) -> None:
    desk.source("crm", {}, "json")
    assert (desk.gets("/crm").json["standing"], desk.gets("/crm").json["pull"]) == ("listens", None)
    for path, fields in (("pull", {}), ("from", {"day": "2026-03-01"})):
        assert desk.posts(f"/crm/{path}", fields).json["code"] == "not_pulled"
    desk.source("network", {"currency": "EUR"}, "s2s")
    assert "?token=SECRET&click_id=" in desk.gets("/network").json["call"]
    assert desk.sent == []


def test_files_are_listed_page_by_page_with_what_became_of_them_and_read_again(desk: Desk) -> None:
    desk.source()
    files, now = SourceFiles("books"), milliseconds(desk.portal.now)
    for number in range(3):
        key = f"sources/mt5-live/day {number}.csv"
        made = SourceFile(
            file=file_id(key, "v"), source="mt5-live", brand=desk.portal.brand, key=key, object_version="v", size=99,
            at=now - number * 1000, lines=7, counts={"accepted": 5, "quarantined": 2},
        )  # fmt: skip
        files.create(made)
        after = (
            file_failed(made, "no_header", "The first line must name the columns.", now) if number else done(made, now)
        )
        assert files.move(made, after)
    shown = desk.page("/mt5-live")
    assert "day 0.csv" in shown and "the first line must name the columns" in shown
    first = desk.gets("/mt5-live?limit=2").json
    assert [each["name"] for each in first["items"]] == ["day 0.csv", "day 1.csv"]
    rest = desk.gets(f"/mt5-live?limit=2&cursor={first['next']}").json
    assert ([each["name"] for each in rest["items"]], rest["next"]) == (["day 2.csv"], None)
    csv = desk.portal.machine(MANAGER, "text/csv").get("/desk/sources/mt5-live").body
    assert csv.splitlines()[1].startswith(first["items"][0]["file"] + ",day 0.csv,")
    one = rest["items"][0]
    path = f"/mt5-live/files/{one['place']}/{one['file']}/again"
    assert desk.posts(path, {}).json["status"] == "reading"
    assert desk.sent == [("sources/mt5-live/day 2.csv", "v")]
    assert desk.posts(path, {}).json["code"] == "file_busy"
    for wrong in (f"/mt5-live/files/x/{one['file']}/again", "/mt5-live/files/1/fil_x/again"):
        assert desk.posts(wrong, {}).json["code"] == "no_such_file"
