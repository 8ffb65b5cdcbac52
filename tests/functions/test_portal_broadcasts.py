"""Segments and broadcasts in the portal: counting, saving, writing, a second person, stopping, and who may what."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from introducer.domain.configuration import Member, Role
from introducer.domain.results import ResultLine
from introducer.services.broadcast_books import BroadcastBooks
from introducer.services.freeze_broadcast import freeze_broadcast
from introducer.services.send_broadcast import Sender
from tests.browser.world import Answer
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER, PIPS, Payday, a_payday
from tests.support.shown import text

SECOND, FOREIGN = "second@broker", "manager@elsewhere"
TEXT = {"subject_en": "News for {partner}", "text_en": "You brought {ftd_30}.\n\nAsk {manager}."}
SEGMENTS, BROADCASTS = "/desk/segments", "/desk/broadcasts"
BUSY = {"field": "ftd_30", "operator": "at_least", "value": "3"}


class Writing(Payday):
    started: dict[str, Mapping[str, str]]

    @property
    def writes(self) -> BroadcastBooks:
        found: BroadcastBooks = self.wiring.broadcast_books
        return found

    def does(self, who: str, where: str, **sent: Any) -> Answer:
        return self.machine(who).post(where, sent, as_json=True)

    def drafts(self, who: str = MANAGER, **other: Any) -> dict[str, Any]:
        answer = self.does(who, BROADCASTS, **({"name": "April news"} | TEXT | other))
        assert answer.status == 201, answer.body
        return dict(answer.json)

    def stands(self, broadcast: str, who: str = MANAGER, query: str = "") -> dict[str, Any]:
        answer = self.machine(who).get(f"{BROADCASTS}/{broadcast}{query}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def sent(self, broadcast: str) -> None:
        """As its execution does it."""
        freeze_broadcast(self.writes, broadcast=broadcast, now=self.now)
        Sender(self.writes, now=lambda: self.now, sleep=self.sleeps, per_second=lambda: 14).send(broadcast, 60)

    def sleeps(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writing]:
    with a_payday(monkeypatch) as payday:
        payday.__class__ = Writing
        world: Any = payday
        world.started = {}
        world.wiring.start_broadcast = lambda name, given: world.started.setdefault(name, given) and name
        for login, brand in ((SECOND, world.brand), (FOREIGN, "brd_elsewhere")):
            world.people[login] = Member(member=f"mem_{login[:6]}", partner=None, brand=brand, role=Role.MANAGER,
                                         name=login, language="en")  # fmt: skip
        world.writes.results.put(
            world.brand, ResultLine(partner=world.partners[HARBOUR], day="2026-04-01", ftd_30=7, language="en")
        )
        yield world


# ------------------------------------------------------------------------------------------------------------ segments


def test_partners_are_counted_without_scripts_and_the_choice_is_saved(portal: Writing) -> None:
    # given a manager with a browser
    machine = portal.machine(MANAGER, accept="text/html")
    query = "?match=all&field_0=ftd_30&operator_0=at_least&value_0=3"
    # when the form is sent
    page = machine.get(SEGMENTS + query)
    assert page.status == 200
    assert "1 partner fits now" in text(page.body) and HARBOUR in html.unescape(page.body)
    assert 'name="field_0" value="ftd_30"' in page.body, "what was counted can be saved"
    # then a program gets the same, and saves it
    counted = portal.machine(MANAGER).get(SEGMENTS + query).json["counted"]
    assert (counted["partners"], counted["of"]) == (1, len(portal.partners))
    saved = portal.does(MANAGER, SEGMENTS, name="Busy", field_0="ftd_30", operator_0="at_least", value_0="3")
    assert saved.status == 201, saved.body
    one = portal.machine(MANAGER).get(f"{SEGMENTS}/{saved.json['segment']}").json
    assert one["chosen"]["conditions"] == [{"field": "ftd_30", "operator": "at_least", "values": ["3"]}]
    assert one["counted"]["partners"] == 1
    assert portal.machine(MANAGER, accept="text/html").get(f"{SEGMENTS}/{saved.json['segment']}").status == 200


def test_a_segment_is_seen_by_its_owner_until_it_is_shared_and_by_no_other_brand(portal: Writing) -> None:
    saved = portal.does(MANAGER, SEGMENTS, name="Busy", conditions=[BUSY]).json
    path = f"{SEGMENTS}/{saved['segment']}"
    assert [portal.machine(who).get(path).status for who in (MANAGER, SECOND, FOREIGN)] == [200, 404, 404]
    changed = portal.does(MANAGER, path, version=saved["version"], name="Busy", conditions=[BUSY], shared=True)
    assert changed.status == 200, changed.body
    assert [portal.machine(who).get(path).status for who in (SECOND, FOREIGN)] == [200, 404]
    assert portal.does(SECOND, path + "/delete", version=1).json["code"] == "not_owner"
    assert portal.does(MANAGER, path + "/delete", version=0).json["code"] == "segment_changed"
    assert portal.does(ADMIN, path + "/delete", version=1).status == 200
    assert portal.machine(MANAGER).get(SEGMENTS).json["items"] == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"name": "", "conditions": [BUSY]}, "name_length"),
        ({"name": "x", "conditions": [BUSY | {"value": "many"}]}, "segment_value"),
        ({"name": "x", "conditions": [BUSY | {"field": "shoes"}]}, "segment_field"),
        ({"name": "x", "conditions": [BUSY | {"operator": "is"}]}, "segment_operator"),
        ({"name": "x", "conditions": ["ftd"]}, "invalid"),
        ({"name": "x", "match": "some", "conditions": []}, "segment_match"),
        ({"name": "x", "conditions": [BUSY] * 21}, "too_many_conditions"),
        ({"name": "x", "field_0": "country", "operator_0": "is", "value_0": "Polnad"}, "segment_value"),
        ({"name": "x", "more": "x"}, "invalid"),
    ],
)
def test_what_cannot_be_a_segment_is_refused_by_its_code(portal: Writing, sent: dict[str, Any], code: str) -> None:
    answer = portal.does(MANAGER, SEGMENTS, **sent)
    assert (answer.status, answer.json["code"]) == (422, code), answer.body


def test_a_wrong_query_is_told_in_the_page_and_by_its_code(portal: Writing) -> None:
    query = "?field_0=country&operator_0=is&value_0=Polnad"
    page = portal.machine(MANAGER, accept="text/html").get(SEGMENTS + query)
    assert page.status == 200 and "“ Polnad ” is no country" in text(page.body)
    assert portal.machine(MANAGER).get(SEGMENTS + query).json["code"] == "segment_value"


# ---------------------------------------------------------------------------------------------------------- broadcasts


def test_a_broadcast_is_written_previewed_sent_and_reported(portal: Writing) -> None:
    # given a draft to one partner
    made = portal.drafts(conditions=[BUSY])
    path = f"{BROADCASTS}/{made['broadcast']}"
    shown = portal.stands(made["broadcast"], query=f"?partner={portal.partners[HARBOUR]}&language=en")
    assert shown["fits"]["partners"] == 1
    assert shown["preview"]["subject"] == f"News for {HARBOUR}"
    assert shown["preview"]["paragraphs"][0] == "You brought 7."
    # when it is submitted: few enough for one person
    submitted = portal.does(MANAGER, path + "/submission", version=made["version"])
    assert (submitted.status, submitted.json["status"]) == (200, "scheduled"), submitted.body
    assert [given["broadcast"] for given in portal.started.values()] == [made["broadcast"]]
    portal.sent(made["broadcast"])
    # then the report has every recipient once, for people and programs
    done = portal.stands(made["broadcast"])
    assert (done["status"], done["report"]["recipients"], done["report"]["waiting"]) == ("done", 1, 1)
    page = portal.machine(MANAGER, accept="text/html").get(path)
    assert page.status == 200 and "What became of it" in text(page.body)
    listed = portal.machine(MANAGER).get(BROADCASTS).json["items"]
    assert [(row["name"], row["handed"]) for row in listed] == [("April news", 1)]
    assert portal.machine(MANAGER, accept="text/html").get(BROADCASTS).status == 200
    assert "April news" in portal.machine(MANAGER, accept="text/csv").get(BROADCASTS).body


def test_the_forms_work_in_a_browser(portal: Writing) -> None:
    machine = portal.machine(MANAGER, accept="text/html")
    page = machine.get(f"{BROADCASTS}/new")
    assert page.status == 200 and 'name="subject_th"' in page.body
    wrong = machine.post(BROADCASTS, {"name": "News", **TEXT, "text_en": "Hello {shoe}"})
    assert wrong.status == 422 and "Hello {shoe}" in html.unescape(wrong.body), "what was typed stays"
    again = machine.post(SEGMENTS, {"name": "x", "field_0": "country", "operator_0": "is", "value_0": "Polnad"})
    assert again.status == 422 and "“ Polnad ” is no country" in text(again.body)
    made = machine.post(BROADCASTS, {"name": "News", **TEXT})
    assert made.status == 303, made.body
    page = machine.get(made.location)
    assert "The draft is kept." in text(page.body) and "Send it to those who fit" in text(page.body)


def test_above_the_limit_a_second_person_approves(portal: Writing) -> None:
    assert portal.does(MANAGER, BROADCASTS + "/policy", people=1).status == 403
    assert portal.does(ADMIN, BROADCASTS + "/policy", people=-1).json["code"] == "invalid_limit"
    assert portal.does(ADMIN, BROADCASTS + "/policy", people=1).json == {"approve_above": 1}
    made = portal.drafts()
    path = f"{BROADCASTS}/{made['broadcast']}"
    waiting = portal.does(MANAGER, path + "/submission", version=made["version"]).json
    assert (waiting["status"], portal.started) == ("waiting", {})
    assert portal.does(MANAGER, path + "/approval", version=waiting["version"]).json["code"] == "same_person"
    assert portal.does(MAKER, path + "/approval", version=waiting["version"]).status == 403
    assert "Approve sending it" in portal.machine(SECOND, accept="text/html").get(path).body
    # and who may is shown it where a day begins
    shown = [portal.machine(who).get("/desk").json["approvals"] for who in (SECOND, ADMIN, MANAGER, MAKER)]
    waits = [{"broadcast": made["broadcast"], "name": made["name"]}]
    assert shown == [waits, waits, [], []]
    assert f'href="{path}"' in portal.machine(SECOND, accept="text/html").get("/desk").body
    approved = portal.does(SECOND, path + "/approval", version=waiting["version"]).json
    assert (approved["status"], len(portal.started)) == ("scheduled", 1)
    assert portal.machine(ADMIN).get("/desk").json["approvals"] == []
    # and before its time it is taken back, or stopped
    draft = portal.does(SECOND, path + "/return", version=approved["version"]).json
    assert draft["status"] == "draft"
    assert portal.does(MANAGER, path + "/stop", why="x").json["code"] == "reason_needed"
    assert portal.does(MANAGER, path + "/stop", why="not needed").json["status"] == "stopped"
    assert portal.does(MANAGER, path + "/stop", why="not needed").json["status"] == "stopped", "a repeat is harmless"
    assert portal.does(SECOND, path + "/stop", why="not needed").json["code"] == "broadcast_over"


@pytest.mark.parametrize("partner", ["", "x" * 3_000, "%00", "par_nobody"])
def test_what_is_no_partner_is_written_to_by_nobody(portal: Writing, partner: str) -> None:
    assert portal.machine(MANAGER).get(f"{BROADCASTS}/new?chosen=1&partner={partner}").status == 404


def test_who_may_what(portal: Writing) -> None:
    made = portal.drafts()
    path = f"{BROADCASTS}/{made['broadcast']}"
    # staff look, managers and admins write
    assert [portal.machine(who).get(path).status for who in (MAKER, ADMIN, SECOND)] == [200, 200, 200]
    assert portal.machine(MAKER).get(BROADCASTS + "/new").status == 403
    for step, sent in (("/submission", {"version": 0}), ("/return", {"version": 0}), ("/stop", {"why": "no more"})):
        assert portal.does(MAKER, path + step, **sent).status in (403, 409)
    assert portal.does(MAKER, BROADCASTS, name="x", **TEXT).status == 403
    assert portal.does(MAKER, SEGMENTS, name="x", conditions=[]).status == 403
    # partners and other brands see nothing
    for place in (BROADCASTS, SEGMENTS, path, BROADCASTS + "/new"):
        assert portal.machine(PIPS).get(place).status == 403
    assert portal.machine(FOREIGN).get(path).status == 404
    for step, sent in (("/submission", {"version": 0}), ("/approval", {"version": 0}), ("/return", {"version": 0}),
                       ("/stop", {"why": "no more"}), ("", {"version": 0, "name": "x", **TEXT})):  # fmt: skip
        assert portal.does(FOREIGN, path + step, **sent).status == 404
    assert portal.machine(FOREIGN).get(BROADCASTS).json["items"] == []
    assert portal.machine(MANAGER).get(f"{path}?partner=par_nobody").status == 404


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"name": ""}, "name_length"),
        ({"subject_en": ""}, "subject_missing"),
        ({"subject_en": "", "text_en": ""}, "english_missing"),
        ({"text_en": "{shoe}"}, "unknown_placeholder"),
        ({"path": "//evil.example"}, "invalid_path"),
        ({"send_at": "soon"}, "invalid_moment"),
        ({"send_at": "2026-04-01T09:00"}, "moment_over"),
        ({"send_at": "2026-12-01T09:00"}, "moment_too_far"),
        ({"segment": "seg_nobody"}, "no_such_segment"),
        ({"conditions": [{"field": "shoes"}]}, "segment_field"),
        ({"version": 3}, "invalid"),
        ({"channel": "pigeon"}, "invalid_channel"),
        ({"channel": "both"}, "placeholder_not_here"),
        ({"subject_en": "x" * 151}, "text_too_long"),
        ({"subject_en": "x" * 401}, "invalid"),
        ({"subject_en": "News\r\nBcc: all@example.com"}, "invalid_text"),
        ({"subject_pl": "Sam temat"}, "paragraphs_missing"),
        ({"text_en": "x" * 20_001}, "invalid"),
    ],
)
def test_what_cannot_be_a_broadcast_is_refused_by_its_code(portal: Writing, sent: dict[str, Any], code: str) -> None:
    answer = portal.does(MANAGER, BROADCASTS, **({"name": "News"} | TEXT | sent))
    assert (answer.status, answer.json["code"]) == (422, code), answer.body


def test_a_text_of_a_megabyte_is_refused_before_it_is_read(portal: Writing) -> None:
    answer = portal.does(MANAGER, BROADCASTS, **({"name": "News"} | TEXT | {"text_en": "x" * 1_000_000}))
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert portal.machine(MANAGER).get(BROADCASTS).json["items"] == []


def test_one_for_the_portal_is_read_there_and_its_page_says_by_how_many(portal: Writing) -> None:
    # given one for the portal alone, written and submitted in a browser
    browser = portal.machine(MANAGER, accept="text/html")
    plain = {"subject_en": "For {partner} <b>", "text_en": "Dear {name}.\n\nAsk {manager}."}
    made = browser.post(BROADCASTS, {"name": "April <i>", "channel": "portal", "path": "/links", **plain})
    assert made.status == 303, made.body
    path = made.location.partition("?")[0]
    broadcast = path.rpartition("/")[2]
    assert 'value="portal" selected' in browser.get(path).body
    sent = browser.post(path + "/submission", {"version": "0"})
    assert sent.status == 303, sent.body
    portal.sent(broadcast)
    # when an owner looks at messages, and opens it
    reader = portal.machine(PIPS, accept="text/html")
    assert f"For {PIPS} <b>" in text(reader.get("/messages").body)
    announcement = portal.stands(broadcast)["announcement"]
    page = reader.get(f"/messages/announcements/{announcement}")
    assert page.status == 200 and 'href="/links"' in page.body and "<b>" not in page.body
    # then the broadcast's page says so, and how many have not
    shown = portal.stands(broadcast)
    assert (shown["report"]["seen"], shown["report"]["seen_partners"], shown["report"]["sent"]) == (1, 1, 0)
    assert shown["report"]["shown"] == shown["report"]["recipients"] == shown["recipients"]
    staff = browser.get(path)
    assert "Seen in the portal by 1 person" in text(staff.body) and "Must get no mail" not in staff.body
    spread = portal.machine(MANAGER).get(f"/desk/announcements/{announcement}").json
    assert (spread["broadcast"], spread["spread"]["people"]) == (broadcast, 1)
    assert portal.machine(MANAGER, accept="text/html").get(f"/desk/announcements/{announcement}").status == 200
    # when it is stopped, everybody having it
    assert browser.post(path + "/stop", {"why": "wrong link"}).status == 303
    # then the partner sees it no more, and the page says that plainly
    assert reader.get(f"/messages/announcements/{announcement}").status == 404
    assert "The portal shows it to nobody any more" in text(browser.get(path).body)


def test_a_draft_is_changed_and_keeps_its_conditions(portal: Writing) -> None:
    made = portal.drafts(conditions=[BUSY])
    path = f"{BROADCASTS}/{made['broadcast']}"
    changed = portal.does(SECOND, path, version=0, segment="as_it_is", send_at="2026-04-03T09:00",
                          **({"name": "May news"} | TEXT))  # fmt: skip
    assert changed.status == 200, changed.body
    shown = portal.stands(made["broadcast"])
    assert shown["name"] == "May news" and shown["send_at"].startswith("2026-04-03T09:00")
    assert shown["chosen"]["conditions"][0]["field"] == "ftd_30"
    assert portal.does(MANAGER, path, version=0, **({"name": "x"} | TEXT)).json["code"] == "broadcast_changed"


def test_a_page_that_a_program_chose_for_the_button_stays_when_a_browser_changes_the_words(portal: Writing) -> None:
    made = portal.drafts(path="/earnings/by_day")
    path, browser = f"{BROADCASTS}/{made['broadcast']}", portal.machine(MANAGER, accept="text/html")
    page = browser.get(path).body
    assert '<option value="/earnings/by_day" selected>/earnings/by_day</option>' in page
    shown = portal.stands(made["broadcast"])
    assert shown["places"].count("/earnings/by_day") == 1 and shown["places"].count("/links") == 1
    fields = {"version": "0", "segment": "as_it_is", "channel": "mail", "path": shown["values"]["path"], **TEXT}
    assert browser.post(path, fields | {"name": "Other"}).status == 303
    assert portal.stands(made["broadcast"])["path"] == "/earnings/by_day"
    # and one of the usual pages stands there once
    usual = portal.stands(portal.drafts(path="/links", name="Usual")["broadcast"])
    assert usual["places"].count("/links") == 1 and "/earnings/by_day" not in usual["places"]


def test_two_drafts_of_one_moment_are_two_and_a_key_makes_one(portal: Writing) -> None:
    assert len({portal.drafts(name=name)["broadcast"] for name in ("One", "Two")}) == 2
    key, machine = "a-key-of-this-write", portal.machine(MANAGER)
    sent = {"name": "Three"} | TEXT
    once, again = (machine.post(BROADCASTS, sent, as_json=True, idempotency_key=key) for _ in range(2))
    assert once.json["broadcast"] == again.json["broadcast"]
    assert len(machine.get(BROADCASTS).json["items"]) == 3
