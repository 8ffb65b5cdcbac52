"""What new partners are written, through the pages and the API: written by staff, seen with a partner's data, switched
on; and each refusal beside its field."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.domain.sequence import ONBOARDING, Fact
from introducer.locale import CODES
from introducer.services.read_sequences import sequence_of
from introducer.store import keys
from introducer.store.wire import to_wire
from tests.browser.world import Answer
from tests.support.form_fields import fields_of
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER, PIPS, Payday, a_payday

pytestmark = pytest.mark.in_memory

PATH = f"/desk/sequences/{ONBOARDING}"
WHY = "As agreed with marketing"
STEP: dict[str, Any] = {
    "place_in_order": 2, "wait_hours": 24, "has_link": "no", "place": "/links", "subject_en": "A link for {partner}",
    "text_en": "Hello {name},\n\ntake one. {manager}", "why": WHY,
}  # fmt: skip


@pytest.fixture
def desk() -> Iterator[Payday]:
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        yield world


@pytest.fixture(scope="module")
def looked() -> Iterator[Payday]:
    """The same, for tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch, a_payday(patch) as world:
        yield world


def version(desk: Payday) -> int:
    return sequence_of(desk.wiring.onboarding_books, desk.brand, ONBOARDING).version


def sent(desk: Payday, path: str, body: dict[str, Any], who: str = MANAGER) -> Answer:
    """As a program sends it, with the version that stands."""
    return desk.machine(who).post(path, {"version": version(desk)} | body, as_json=True)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page.partition("<main")[2])))


def test_the_default_is_shown_off_and_switched_on_in_a_browser(desk: Payday) -> None:
    browser = desk.signed_in(MANAGER)
    assert browser.get("/desk/sequences").location == PATH
    shown = browser.get(PATH)
    assert shown.status == 200
    assert "It is off" in text(shown.body) and "Welcome to {brand}" in text(shown.body)
    assert "accepted no terms" in text(shown.body)

    guard = {name: shown.field(name) for name in ("csrf", "idempotency_key", "version")}
    done = browser.post(PATH, guard | {"on": "yes", "goal": "has_click", "why": WHY})

    assert (done.status, done.location) == (303, f"{PATH}?set=1"), done.body
    page = text(browser.get(done.location).body)
    assert "It is off" not in page and "Who had a step does not get it again." in page
    found = sequence_of(desk.wiring.onboarding_books, desk.brand, ONBOARDING)
    assert (found.on, found.goal, found.version) == (True, Fact.HAS_CLICK, 1)


def test_a_step_is_put_in_changed_moved_and_taken_out(desk: Payday) -> None:
    made = sent(desk, f"{PATH}/steps/new", STEP | {"name": "a_link", "subject_pl": "Link", "text_pl": "Weź jeden."})
    assert made.status == 201, made.body
    assert made.json["step"]["conditions"] == ["not_has_link"]
    assert made.json["step"]["text"]["en"]["text"] == "Hello {name},\n\ntake one. {manager}"
    assert made.json["step"]["written_in"] == ["en", "pl"]
    order = [each["step"] for each in desk.machine(MANAGER).get(PATH).json["steps"]]
    assert order[:3] == ["welcome", "a_link", "terms"]

    moved = sent(desk, f"{PATH}/steps/a_link", STEP | {"place_in_order": 1, "wait_hours": 0, "has_link": "any"})
    assert moved.status == 200, moved.body
    steps = desk.machine(MANAGER).get(PATH).json["steps"]
    assert (steps[0]["step"], steps[0]["conditions"], steps[0]["written_in"]) == ("a_link", [], ["en"])

    gone = sent(desk, f"{PATH}/steps/a_link/remove", {"why": WHY})
    assert gone.status == 200, gone.body
    assert desk.machine(MANAGER).get(PATH).json["steps"][0]["step"] == "welcome"
    assert sent(desk, f"{PATH}/steps/a_link/remove", {"why": WHY}).status == 404
    assert desk.machine(MANAGER).get(f"{PATH}/steps/a_link").status == 404


def test_a_browser_changes_a_step_as_it_is_filled_in(desk: Payday) -> None:
    browser, path = desk.signed_in(ADMIN), f"{PATH}/steps/terms"
    fields = fields_of(browser.get(path).body, "step")
    assert (fields["accepted_terms"], fields["has_link"], fields["place"]) == ("no", "any", "/deal")
    assert fields["wait_hours"] == "24" and fields["place_in_order"] == "2"
    # given nothing but a reason, nothing changes
    assert browser.post(path, fields | {"why": WHY}).status == 303
    assert version(desk) == 0
    again = fields_of(browser.get(path).body, "step") | {
        "wait_hours": "48",
        "why": WHY,
        "text_th": "สวัสดี {name}",
        "subject_th": "ข้อตกลง",
    }
    assert browser.post(path, again).status == 303
    [step] = [each for each in desk.machine(ADMIN).get(PATH).json["steps"] if each["step"] == "terms"]
    assert (step["wait_hours"], step["written_in"]) == (48, ["en", "th"])


@pytest.mark.parametrize(
    ("wrong", "field", "said", "code"),
    [
        ({"subject_en": "{nme}"}, "subject_en", "stands for nothing", "unknown_placeholder"),
        ({"text_en": "{{name}}"}, "text_en", "belongs to no placeholder", "lone_brace"),
        ({"text_en": "{name.__class__}"}, "text_en", "stands for nothing", "unknown_placeholder"),
        ({"subject_en": "x" * 151}, "subject_en", "This is too long", "text_too_long"),
        ({"text_en": "x" * 2001}, "text_en", "This is too long", "text_too_long"),
        ({"subject_pl": "Tylko temat"}, "text_pl", "Write a paragraph", "paragraphs_missing"),
        ({"subject_en": "", "text_en": ""}, "text_en", "in English at least", "english_missing"),
        ({"wait_hours": "-1"}, "wait_hours", "0 to 2160", "invalid_wait"),
        ({"why": ""}, "why", "Say why", "reason_needed"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_what_was_typed_stays(
    looked: Payday, wrong: dict[str, str], field: str, said: str, code: str
) -> None:
    browser, path = looked.signed_in(MANAGER), f"{PATH}/steps/welcome"
    fields = fields_of(browser.get(path).body, "step") | {"text_ar": "مرحبا", "subject_ar": "مرحبا", "why": WHY}
    answer = browser.post(path, fields | wrong)
    assert answer.status == 422, answer.body
    note = re.search(rf'id="note-{field}">([^<]*)<', answer.body)
    assert note and said in html.unescape(note[1]), answer.body
    assert "مرحبا" in answer.body
    body = STEP | {name: int(value) if name == "wait_hours" else value for name, value in wrong.items()}
    assert sent(looked, path, body).json["code"] == code
    assert version(looked) == 0


def test_a_step_of_a_name_that_there_is_and_one_without_are_refused(looked: Payday) -> None:
    for name, code in (("welcome", "same_step"), ("", "invalid_step"), ("Nope!", "invalid_step")):
        answer = sent(looked, f"{PATH}/steps/new", STEP | {"name": name})
        assert (answer.status, answer.json["code"]) == (422, code), name


def test_what_somebody_else_changed_meanwhile_is_not_written_over(desk: Payday) -> None:
    assert sent(desk, PATH, {"on": "yes", "goal": "has_ftd", "why": WHY}).status == 200
    for path, body in ((PATH, {"on": "no", "goal": "", "why": WHY}), (f"{PATH}/steps/welcome", STEP)):
        answer = sent(desk, path, body | {"version": 0})
        assert (answer.status, answer.json["code"]) == (409, "sequence_changed")


def test_who_may_only_look_is_told_whom_to_ask(looked: Payday) -> None:
    browser = looked.signed_in(MAKER)
    for path in (PATH, f"{PATH}/steps/welcome"):
        page = text(browser.get(path).body)
        assert "Managers and admins write sequences: ask one of them." in page
        assert 'class="primary"' not in browser.get(path).body
    answer = sent(looked, PATH, {"on": "yes", "goal": "", "why": WHY}, who=MAKER)
    assert (answer.status, answer.json["code"]) == (403, "sequence_role")
    assert looked.signed_in(HARBOUR).get(PATH).status in (403, 404)


def test_a_preview_fills_in_a_partners_own_data_and_nothing_of_it_is_markup(desk: Payday) -> None:
    partner = desk.partners[HARBOUR]
    sent(desk, f"{PATH}/steps/welcome", STEP | {"subject_en": "For {partner}", "text_en": "<b>{ftd_30}</b> {brand}"})
    path = f"{PATH}/preview?partner={partner}&language=en"
    data = desk.machine(MANAGER).get(path).json
    assert data["of"] == {"partner": partner, "name": HARBOUR}
    [step] = [each for each in data["steps"] if each["step"] == "welcome"]
    assert step["said_subject"] == f"For {HARBOUR}" and step["said"][0].startswith("<b>0</b> ")
    assert data["walks"] is False and data["facts"]["has_payment_profile"] is True
    page = desk.signed_in(MANAGER).get(path).body
    assert "&lt;b&gt;0&lt;/b&gt;" in page and "<b>0</b>" not in page
    assert "It walks no sequence" in page and "Needed now" not in page and "Not needed now" not in page
    assert desk.machine(MANAGER).get(f"{PATH}/preview?partner=par_x").status == 404
    assert desk.signed_in(MANAGER).get(f"{PATH}/preview").status == 200


def test_a_preview_of_a_partner_beyond_the_list_is_still_of_that_one(
    looked: Payday, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a brand with more partners than the list of the form has
    cards = looked.wiring.configuration.cards
    monkeypatch.setattr(looked.wiring.configuration, "cards", lambda brand, limit: cards(brand, limit=1))
    shown = {}
    for partner in (looked.partners[HARBOUR], looked.partners[PIPS]):
        page = looked.signed_in(MANAGER).get(f"{PATH}/preview?partner={partner}").body
        shown[partner] = re.findall(r'<option value="(par_[^"]+)" selected', page)
    assert shown == {partner: [partner] for partner in shown}


def test_steps_show_how_their_mails_did(desk: Payday) -> None:
    key = keys.key("mail_figure", brand=desk.brand, series=f"seq:{ONBOARDING}:welcome", shard="0")
    item = to_wire({**key.item(), "sent": 12, "delivered": 11, "opened": 7, "clicked": 3, "bounced": 1, "met": 2})
    desk.dynamodb.put_item(TableName=desk.table, Item=item)
    [step, *others] = desk.machine(MANAGER).get(PATH).json["steps"]
    assert step["figures"] == {
        "sent": 12, "delivered": 11, "bounced": 1, "complained": 0, "opened": 7, "clicked": 3, "met": 2,
    }  # fmt: skip
    assert all(each["figures"]["sent"] == 0 for each in others)
    assert "12" in text(desk.signed_in(MANAGER).get(PATH).body)


@pytest.mark.parametrize("language", CODES)
def test_the_pages_are_there_in_every_language(looked: Payday, language: str) -> None:
    browser = looked.signed_in(MANAGER)
    partner = looked.partners[HARBOUR]
    for path in (PATH, f"{PATH}/steps/new", f"{PATH}/steps/terms", f"{PATH}/preview?partner={partner}"):
        answer = browser.get(path, accept_language=language)
        assert answer.status == 200, (path, answer.body)


def test_an_unknown_sequence_is_not_found(looked: Payday) -> None:
    assert looked.machine(MANAGER).get("/desk/sequences/another").status == 404
    assert looked.machine(MANAGER).get("/desk/sequences/another/preview").status == 404
