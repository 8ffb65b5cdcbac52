"""Conversations in the portal: written by a partner, answered and worked on by staff, and nobody reads another's."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.locale import CODES
from introducer.store.mails import Mails
from introducer_ops.localcloud import LocalCloud
from tests.browser.world import COLLEAGUE, DEALT, OTHER, PARTNER, STAFF, Answer, Portal, a_portal
from tests.support.shown import text

pytestmark = pytest.mark.cloud

HOSTILE = '<img src=x onerror="alert(1)"> {{x}} {name}'
NEWS = {"subject_en": "New landing pages", "text_en": "Dear {name},\n\nthey are in {portal}."}


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud, lively=False) as world:
        yield world


def begins(portal: Portal, email: str = PARTNER, **other: Any) -> dict[str, Any]:
    headers = {"idempotency_key": other.pop("key")} if "key" in other else {}
    wish = {"subject": "Banners", "text": "May I use the old ones?"} | other
    answer = portal.machine(email).post("/messages", wish, as_json=True, **headers)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def desk_path(portal: Portal, thread: dict[str, Any], email: str = PARTNER) -> str:
    return f"/desk/messages/{portal.partners[email]}/{thread['thread']}"


def lines_of(answer: Answer) -> list[str]:
    return [each["text"] for each in answer.json["items"]]


def test_a_partner_writes_and_its_manager_answers_in_browsers(portal: Portal) -> None:
    # given a partner who begins a conversation without any script, and presses twice
    owner, manager = portal.signed_in(PARTNER), portal.signed_in(STAFF)
    shown = owner.get("/messages")
    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key")}
    wish = guard | {"subject": "Prices for May", "text": "One line\r\nand another\r\n\r\n" + HOSTILE}
    done, again = owner.post("/messages", wish), owner.post("/messages", wish)
    assert (done.status, again.status, done.location) == (303, 303, again.location)
    thread = {"thread": done.location.rsplit("/", 1)[1]}
    page = owner.get(done.location)
    assert "One line<br>and another<br><br>&lt;img src=x" in page.body and "<img src=x" not in page.body

    # when staff find it in their inbox, read it, note something, and answer
    inbox = manager.get("/desk/messages?whose=all").body
    assert "Prices for May" in text(inbox) and "Waits for an answer" in text(inbox)
    path = desk_path(portal, thread)
    read = manager.get(path)
    assert "{{x}} {name}" in text(read.body)
    note = manager.post(path, {"csrf": read.field("csrf"), "text": "Secret: he gets 5 more", "kind": "note"})
    sent = manager.post(path, {"csrf": read.field("csrf"), "text": "You get three.", "kind": "message"})
    assert note.location == f"{path}?written=note#write" and sent.location == f"{path}?written=staff#write"
    assert "Kept as a note" in text(manager.get(note.location).body)

    # then the partner sees the answer as new, with a name, and no trace of the note
    assert "New answer" in text(owner.get("/messages").body)
    assert "Messages New" in text(owner.get("/").body), "and is told so where a day begins"
    assert "has not read it yet" in text(manager.get(path).body)
    page = owner.get(f"/messages/{thread['thread']}")
    assert "You get three." in text(page.body) and "Sam Okoro" in page.body and "Secret" not in page.body
    assert "New answer" not in text(owner.get("/messages").body), "looking at it is reading it"
    assert "Messages New" not in text(owner.get("/").body)
    assert "The partner has read it." in text(manager.get(path).body)


def test_a_program_gets_the_same(portal: Portal) -> None:
    key, machine, staff = secrets.token_hex(8), portal.machine(PARTNER), portal.machine(STAFF)
    thread = begins(portal, subject="API", key=key)
    assert begins(portal, subject="API", key=key) == thread
    path = desk_path(portal, thread)
    for number in range(3):
        made = staff.post(
            path, {"text": f"Answer {number}", "kind": "note" if number == 1 else "message"}, as_json=True
        )
        assert (made.status, made.json["status"]) == (201, "open")

    found = machine.get(f"/messages/{thread['thread']}?limit=2")
    assert lines_of(found) == ["Answer 0", "Answer 2"]
    assert lines_of(machine.get(f"/messages/{thread['thread']}?limit=2&cursor={found.json['next']}")) == [
        "May I use the old ones?"
    ]  # fmt: skip
    assert lines_of(staff.get(path))[2] == "Answer 1"
    assert "note" not in json.dumps(machine.get(f"/messages/{thread['thread']}").json)
    allowed = {"thread", "subject", "status", "opened_at", "last_at", "last_side", "unread", "answers"}
    listed = machine.get("/messages").json
    [line] = [each for each in listed["items"] if each["thread"] == thread["thread"]]
    assert listed["unread"] == sum(each["unread"] for each in listed["items"])
    assert set(line) == allowed
    rows = list(csv.DictReader(io.StringIO(portal.machine(PARTNER, "text/csv").get("/messages").body)))
    assert "API" in {row["subject"] for row in rows}


def test_each_side_is_told_by_mail_once_in_a_quarter_of_an_hour(portal: Portal) -> None:
    mails = Mails(portal.wiring.settings.books_table)
    thread = begins(portal, DEALT, subject="Mail")
    for _ in range(5):
        portal.machine(COLLEAGUE).post(f"/messages/{thread['thread']}", {"text": "More"}, as_json=True)
        answer = portal.machine(STAFF).post(desk_path(portal, thread, DEALT), {"text": "Yes"}, as_json=True)
        assert answer.status == 201
    for of in (portal.partners[DEALT], portal.brand):
        found = [each for each in mails.mails(of) if each.values.get("thread") == thread["thread"]]
        assert sorted(each.not_before is not None for each in found) == [False, True]


@pytest.mark.parametrize("path", ["/messages", "/messages/{thread}", "/desk{desk}"])
@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ("", 422, "text_needed"),
        (" \n\u200b", 422, "text_needed"),
        ("A\0B", 422, "invalid_text"),
        ("A\x1b[31mB", 422, "invalid_text"),
        ("x" * 5001, 422, "text_too_long"),
        ("x" * 1_000_000, 413, "too_large"),
        (None, 422, "invalid"),
        (["x"], 422, "invalid"),
        ("half \ud800", 422, "invalid"),
    ],
)
def test_what_cannot_be_said_is_refused_clearly(portal: Portal, path: str, said: Any, status: int, code: str) -> None:
    thread = portal.machine(PARTNER).get("/messages").json["items"][-1]
    where = path.format(thread=thread["thread"], desk=f"/messages/{portal.partners[PARTNER]}/{thread['thread']}")
    email, more = STAFF if where.startswith("/desk") else PARTNER, {"subject": "Hello"} if where == "/messages" else {}
    answer = portal.machine(email).post(where, {"text": said} | more, as_json=True)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body[:300]


@pytest.mark.parametrize("subject", ["", "x" * 121, "One\r\nBcc: all@example.com", "\x07"])
def test_a_subject_stands_on_one_line(portal: Portal, subject: str) -> None:
    answer = portal.machine(PARTNER).post("/messages", {"subject": subject, "text": "Hello"}, as_json=True)
    codes = {"": "subject_needed", "x" * 121: "subject_too_long"}
    assert (answer.status, answer.json["code"]) == (422, codes.get(subject, "invalid_text"))


def test_what_was_typed_stays_beside_what_is_wrong(portal: Portal) -> None:
    owner = portal.signed_in(PARTNER)
    shown = owner.get("/messages")
    answer = owner.post("/messages", {"csrf": shown.field("csrf"), "subject": "", "text": "All this was typed"})
    assert answer.status == 422 and "All this was typed" in answer.body
    assert "Say in a few words what it is about." in html.unescape(answer.body)
    thread = owner.get("/messages").body
    one = re.search(r'href="(/messages/thr_[^"]+)"', thread)
    assert one is not None
    answer = owner.post(one[1], {"csrf": shown.field("csrf"), "text": " "})
    assert (answer.status, "Write something first." in answer.body) == (422, True)
    huge = owner.post(one[1], {"csrf": shown.field("csrf"), "text": "x" * 1_000_000})
    assert huge.status == 413 and "Send less" in text(huge.body)


def test_nobody_reads_or_writes_anothers_conversation(portal: Portal) -> None:
    thread = begins(portal, subject="Mine alone")
    other = portal.machine(OTHER)
    for answer in (
        other.get(f"/messages/{thread['thread']}"),
        other.post(f"/messages/{thread['thread']}", {"text": "Hello"}, as_json=True),
        other.get("/messages/thr_" + "0" * 26),
        other.get("/messages/announcements/ann_" + "0" * 26),
    ):
        assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert "Mine alone" not in other.get("/messages").body
    staff = portal.machine(STAFF)
    for path in (f"/desk/messages/{portal.partners[OTHER]}/{thread['thread']}", "/desk/messages/par_nobody/thr_1",
                 "/desk/partners/par_nobody/messages", f"/desk/messages/{portal.partners[PARTNER]}/%23"):  # fmt: skip
        assert staff.get(path).status == 404, path
        assert staff.post(path, {"subject": "A", "text": "Hello"}, as_json=True).status in (404, 422)
    # a partner is no staff, and staff are no partner
    for path in ("/desk/messages", desk_path(portal, thread), "/desk/announcements", "/desk/answers"):
        assert portal.machine(PARTNER).get(path).json["code"] == "staff_only"
    assert staff.get("/messages").json["code"] == "partners_only"
    # a cursor of one list is none of another
    for number in range(3):
        portal.machine(PARTNER).post(f"/messages/{thread['thread']}", {"text": f"{number}"}, as_json=True)
    cursor = portal.machine(PARTNER).get(f"/messages/{thread['thread']}?limit=1").json["next"]
    foreign = begins(portal, OTHER, subject="Theirs")
    assert other.get(f"/messages/{foreign['thread']}?cursor={cursor}").json["code"] == "bad_cursor"


def test_a_browser_that_fetches_ahead_has_read_nothing(portal: Portal) -> None:
    thread = begins(portal, subject="Ahead")
    portal.machine(STAFF).post(desk_path(portal, thread), {"text": "Look"}, as_json=True)
    machine, path = portal.machine(PARTNER), f"/messages/{thread['thread']}"

    def unread() -> bool:
        return next(
            each["unread"] for each in machine.get("/messages").json["items"] if each["thread"] == thread["thread"]
        )

    machine.get(path, sec_purpose="prefetch;prerender")
    machine.send("HEAD", path, None, {})
    assert unread()
    machine.get(path)
    assert not unread()


def test_staff_hand_over_close_and_find_again(portal: Portal) -> None:
    thread, staff = begins(portal, OTHER, subject="To hand over"), portal.machine(STAFF)
    path = desk_path(portal, thread, OTHER)

    def listed(query: str) -> list[str]:
        return [each["subject"] for each in staff.get(f"/desk/messages?{query}").json["items"]]

    assert "To hand over" not in listed("whose=mine") and "To hand over" in listed("whose=all")
    given = staff.post(f"{path}/assign", {"to": portal.members[STAFF]}, as_json=True)
    assert given.json["assigned"] == portal.members[STAFF]
    assert "To hand over" in listed("whose=mine") and "To hand over" in listed("")
    wrong = staff.post(f"{path}/assign", {"to": portal.members[OTHER]}, as_json=True)
    assert (wrong.status, wrong.json["code"]) == (422, "not_of_staff")

    browser = portal.signed_in(STAFF)
    shown = browser.get(path)
    portal.machine(OTHER).post(f"/messages/{thread['thread']}", {"text": "Wait"}, as_json=True)
    late = browser.post(f"{path}/close", {"csrf": shown.field("csrf"), "seen": shown.field("seen")})
    assert late.status == 409 and "The partner wrote meanwhile: read it first." in late.body and "Wait" in late.body
    assert browser.submit(path, f"{path}/close", seen=browser.get(path).field("seen")).status == 303
    assert "To hand over" in listed("state=closed") and "To hand over" not in listed("")
    assert "Open it again" in browser.get(path).body
    portal.machine(OTHER).post(f"/messages/{thread['thread']}", {"text": "One more thing"}, as_json=True)
    assert "To hand over" in listed("")
    first, seen = staff.get("/desk/messages?whose=all&limit=1").json, []
    while first["next"]:
        seen += first["items"]
        first = staff.get(f"/desk/messages?whose=all&limit=1&cursor={first['next']}").json
    waits = [each["waits_since"] is not None for each in [*seen, *first["items"]]]
    assert waits == sorted(waits, reverse=True), "who waits comes first"
    assert staff.get("/desk/messages?whose=theirs").json["code"] == "bad_whose"


def test_whoever_looks_at_earlier_messages_closes_nothing_away_that_came_meanwhile(portal: Portal) -> None:
    # given staff who look at the newest message, and then at what stood before it
    thread, browser = begins(portal, OTHER, subject="Far back"), portal.signed_in(STAFF)
    path, owner = desk_path(portal, thread, OTHER), portal.machine(OTHER)
    owner.post(f"/messages/{thread['thread']}", {"text": "Second"}, as_json=True)
    [earlier] = re.findall(r'href="([^"]*cursor=[^"]*)"', browser.get(f"{path}?limit=1&written=note").body)
    # when the partner writes between the two
    owner.post(f"/messages/{thread['thread']}", {"text": "Wait"}, as_json=True)
    shown = browser.get(html.unescape(earlier))
    assert "Kept as a note" not in shown.body, "that was said once"
    # then it is not closed, and they have it before them with a way back to what is earlier
    late = browser.post(f"{path}/close?limit=1", {"csrf": shown.field("csrf"), "seen": shown.field("seen")})
    assert late.status == 409 and "Wait" in late.body
    [earlier] = re.findall(r'href="([^"]*cursor=[^"]*)"', late.body)
    assert browser.get(html.unescape(earlier)).status == 200
    # and what the other side has not been away for is closed as ever
    shown = browser.get(html.unescape(earlier))
    assert browser.post(f"{path}/close", {"csrf": shown.field("csrf"), "seen": shown.field("seen")}).status == 303


def test_the_conversations_of_one_partner_are_paged_as_every_list(portal: Portal) -> None:
    for number in range(2):
        begins(portal, OTHER, subject=f"Number {number}")
    staff, path = portal.machine(STAFF), f"/desk/partners/{portal.partners[OTHER]}/messages"
    every, found, cursor = [each["thread"] for each in staff.get(path).json["items"]], [], ""
    while cursor is not None:
        page = staff.get(f"{path}?limit=1&cursor={cursor}").json
        assert len(page["items"]) == 1
        found += [each["thread"] for each in page["items"]]
        cursor = page["next"]
    assert found == every
    assert staff.get(f"{path}?limit=0").json["code"] == "bad_limit"


def test_staff_begin_a_conversation_and_every_page_of_a_partner_can_show_its_own(portal: Portal) -> None:
    path = f"/desk/partners/{portal.partners[PARTNER]}/messages"
    browser = portal.signed_in(STAFF)
    assert f'href="{path}"' in browser.get(f"/desk/partners/{portal.partners[PARTNER]}/deal").body
    done = browser.submit(path, path, subject="From us", text="Good morning")
    assert done.status == 303
    assert "From us" in text(browser.get(path).body)
    [line] = [each for each in portal.machine(PARTNER).get("/messages").json["items"] if each["subject"] == "From us"]
    assert (line["unread"], line["last_side"]) == (True, "staff")


def test_a_saved_answer_is_put_in_in_the_partners_language(portal: Portal) -> None:
    staff, thread = portal.machine(STAFF), begins(portal, subject="Saved")
    made = staff.post("/desk/answers", {"subject_en": "Banners", "text_en": "Dear {partner},\n\nyes. {manager}"},
                      as_json=True)  # fmt: skip
    assert made.status == 201, made.body
    answer, browser = made.json["answer"], portal.signed_in(STAFF)
    page = browser.get(f"{desk_path(portal, thread)}?answer={answer}")
    assert "Dear Harbour Trading Weekly,\n\nyes." in html.unescape(page.body)
    changed = staff.post(f"/desk/answers/{answer}", {"subject_en": "Old banners", "text_en": "No.", "version": 1},
                         as_json=True)  # fmt: skip
    assert (changed.status, changed.json["version"]) == (200, 2)
    late = staff.post(f"/desk/answers/{answer}", {"subject_en": "X", "text_en": "Y", "version": 1}, as_json=True)
    assert (late.status, late.json["code"]) == (409, "answer_changed")
    assert "Old banners" in text(browser.get(f"/desk/answers/{answer}").body + browser.get("/desk/answers").body)

    shown = browser.get("/desk/answers")
    wrong = browser.post("/desk/answers", {"csrf": shown.field("csrf"), "subject_en": "T", "text_en": "{secret}"})
    assert wrong.status == 422 and "A word in braces stands for nothing" in html.unescape(wrong.body)
    for sent, code in (({"subject_pl": "T", "text_pl": "X"}, "english_missing"), ({"more": "x"}, "invalid"),
                       ({"subject_en": "T", "text_en": "{ftd_30}"}, "placeholder_not_here")):  # fmt: skip
        assert staff.post("/desk/answers", sent, as_json=True).json["code"] == code
    assert browser.submit(f"/desk/answers/{answer}", f"/desk/answers/{answer}/remove").status == 303
    assert staff.get(f"/desk/answers/{answer}").status == 404


def test_an_announcement_reaches_whom_it_is_for_and_staff_see_who_has_read_it(portal: Portal) -> None:
    # given an announcement for Thailand and Poland
    browser, staff = portal.signed_in(STAFF), portal.machine(STAFF)
    done = browser.submit("/desk/announcements", "/desk/announcements", **NEWS, countries="thailand, pl")
    assert done.status == 303, done.body
    name = done.location.split("/")[-1].split("?")[0]

    # when one of them reads it
    owner = portal.signed_in(PARTNER)
    assert "New landing pages" in text(owner.get("/messages").body) and portal.machine(PARTNER).get("/").json["news"]
    page = owner.get(f"/messages/announcements/{name}")
    assert "they are in https://go.northgate.example." in text(page.body)
    assert portal.machine(DEALT).get(f"/messages/announcements/{name}").status == 404, "Germany is not named"

    # then it is not new any more, and staff see who has read it
    [line] = portal.machine(PARTNER).get("/messages").json["announcements"]
    assert line["unread"] is False
    told = staff.get(f"/desk/announcements/{name}").json
    assert told["spread"] == {"partners": 2, "have_read": 1, "people": 1}
    assert [each["name"] for each in told["items"]] == ["Harbour Trading Weekly"]
    # and when it is taken back, nobody sees it
    assert staff.post(f"/desk/announcements/{name}/withdraw", {"why": ""}, as_json=True).json["code"] == "reason_needed"
    back = browser.submit(f"/desk/announcements/{name}", f"/desk/announcements/{name}/withdraw", why="A slip in it")
    assert back.status == 303 and "A slip in it" in browser.get(back.location).body
    assert portal.machine(PARTNER).get(f"/messages/announcements/{name}").status == 404
    for wrong, code in (
        ({"countries": "Poland"}, "invalid_country"), ({"countries": "XX"}, "nobody_reached"),
        ({"through": "2026-04-16"}, "invalid_through"), ({"kinds": ["x"]}, "invalid_kind"),
        ({"segment": "seg_none"}, "no_such_segment"),
    ):  # fmt: skip
        assert staff.post("/desk/announcements", NEWS | wrong, as_json=True).json["code"] == code


@pytest.mark.parametrize("code", CODES)
def test_all_pages_are_whole_in_every_language(portal: Portal, code: str) -> None:
    thread = begins(portal, subject=f"In {code}")
    owner, manager = portal.signed_in(PARTNER), portal.signed_in(STAFF)
    for visitor in (owner, manager):
        visitor.cookies["__Host-language"] = code
    made = portal.machine(STAFF).post("/desk/announcements", NEWS, as_json=True).json["announcement"]
    for visitor, paths in (
        (owner, ("/messages", f"/messages/{thread['thread']}", f"/messages/announcements/{made}")),
        (manager, ("/desk/messages", "/desk/messages?state=closed", desk_path(portal, thread), "/desk/answers",
                   f"/desk/partners/{portal.partners[PARTNER]}/messages", "/desk/announcements",
                   f"/desk/announcements/{made}")),
    ):  # fmt: skip
        for path in paths:
            page = visitor.get(path)
            assert page.status == 200, (path, page.status)
            assert f'lang="{code}"' in page.body
