"""Staff make campaigns, change where they lead, pause them, and ask where a visitor would go."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.locale import language
from tests.browser.world import Answer
from tests.support.at_once import FOREIGNER
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER
from tests.support.promoting import OPEN, Promoting, a_promoting
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

LIST = "/desk/campaigns"
URL = "https://northgate.example"
WISH: dict[str, Any] = {
    "name": "Spring",
    "pages": [
        {"url": f"{URL}/de", "name": "German", "weight": 3, "countries": ["DE", "AT"], "devices": ["mobile"],
         "language": "de"},
        {"url": f"{URL}/spring?p={{partner}}", "weight": 1},
    ],
    "hosts": ["go.northgate.example"],
    "countries": ["DE", "AT", "FR"],
    "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-05-01",
    "clicks_per_day": 1000,
    "overflow_url": f"{URL}/full",
    "utm": [{"name": "utm_source", "value": "{partner}"}],
    "terms": "No bidding on <b>our</b> name",
}  # fmt: skip


@pytest.fixture(scope="module")
def portal() -> Iterator[Promoting]:
    with pytest.MonkeyPatch.context() as patch, a_promoting(patch) as world:
        yield world


def send(portal: Promoting, path: str, who: str = MANAGER, **said: Any) -> Answer:
    return portal.machine(who).post(path, said, as_json=True)


def made(portal: Promoting, **other: Any) -> str:
    answer = send(portal, f"{LIST}/new", **WISH | other)
    assert answer.status == 201, answer.body
    return str(answer.json["campaign"])


def one(portal: Promoting, campaign: str, query: str = "", who: str = MANAGER) -> dict[str, Any]:
    return dict(portal.machine(who).get(f"{LIST}/{campaign}{query}").json)


def form_of(page: Answer) -> dict[str, str]:
    """What the page's form would send as it stands."""
    inputs = re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', page.body)
    fields = {name: html.unescape(value) for name, value in inputs}
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?([^<]*)</textarea>', page.body):
        fields[name] = html.unescape(value)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page.body, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = html.unescape(chosen[1]) if chosen else ""
    return {name: value for name, value in fields.items() if name not in ("theme", "language", "next")}


def test_a_program_makes_a_campaign_and_reads_it_back(portal: Promoting) -> None:
    campaign = made(portal)

    found = one(portal, campaign)

    settings = found["settings"]
    assert (settings["name"], settings["clicks_per_day"], settings["clicks_in_all"]) == ("Spring", 1000, None)
    assert (settings["starts_at"], settings["ends_at"]) == ("2026-03-01T00:00:00.000Z", "2026-05-01T00:00:00.000Z")
    assert settings["hosts"] == ["northgate.example", "go.northgate.example"]
    assert [page["url"] for page in settings["pages"]] == [f"{URL}/de", f"{URL}/spring?p={{partner}}"]
    assert (found["state"], found["used"]["today"], found["window_days"]) == ("open", 0, 30)
    assert list(found["shares"].values()) == [750, 250]
    # and what it reads can be sent again, which changes nothing
    same = send(portal, f"{LIST}/{campaign}/edit", **settings, why="read back", version=0)
    assert (same.status, same.json["version"]) == (200, 0), same.body


def test_the_list_has_every_campaign_page_by_page(portal: Promoting) -> None:
    made(portal, name="Summer")
    first = portal.machine(MANAGER).get(f"{LIST}?limit=2").json
    assert len(first["items"]) == 2 and first["next"]
    seen, following = [], "?limit=2"
    while following is not None:
        page = portal.machine(MANAGER).get(LIST + following).json
        seen += [row["campaign"] for row in page["items"]]
        following = f"?limit=2&cursor={page['next']}" if page["next"] else None
    assert len(seen) == len(set(seen)) and set(portal.campaigns.values()) <= set(seen)
    table = portal.machine(MANAGER).get(LIST, accept="text/csv").body
    assert table.splitlines()[0].startswith("campaign,name,state,pages")


def test_a_manager_makes_and_changes_a_campaign_in_a_browser(portal: Promoting) -> None:
    # given the form for a new one, filled in
    browser = portal.signed_in(MANAGER)
    page = browser.get(f"{LIST}/new")
    typed = form_of(page) | {
        "name": "Autumn", "pages.0.url": f"{URL}/autumn", "pages.1.url": f"{URL}/other",
        "pages.1.devices": "mobile tablet",
        "countries": "DE, AT", "utm.1.name": "utm_medium", "utm.1.value": "{sub1}", "hosts": "go.northgate.example",
    }  # fmt: skip
    done, again = browser.post(f"{LIST}/new", typed), browser.post(f"{LIST}/new", typed)

    # then it is made once, without the rows that nobody filled
    assert (done.status, done.location) == (303, again.location), text(done.body)
    shown = browser.get(done.location)
    assert "It is ready: partners can create links to it." in text(shown.body)
    campaign = done.location.split("/")[-1].partition("?")[0]
    settings = one(portal, campaign)["settings"]
    assert [(page["url"], page["devices"]) for page in settings["pages"]] == [
        (f"{URL}/autumn", []),
        (f"{URL}/other", ["mobile", "tablet"]),
    ]
    assert settings["utm"] == [{"name": "utm_medium", "value": "{sub1}"}]

    # when the first page is emptied and another thing changed
    edit = browser.get(f"{LIST}/{campaign}/edit")
    typed = form_of(edit) | {"pages.0.url": "", "pages.0.name": "", "clicks_in_all": "50", "why": "it is over"}
    done = browser.post(f"{LIST}/{campaign}/edit", typed)

    # then the other page keeps its id, and links stay
    assert done.status == 303, text(done.body)
    after = one(portal, campaign)["settings"]
    assert (after["pages"], after["clicks_in_all"]) == (settings["pages"][1:], 50)
    # and somebody who opened the form before is told
    late = form_of(edit) | {"name": "Late", "why": "it is late", "idempotency_key": "late-1"}
    refused = browser.post(f"{LIST}/{campaign}/edit", late)
    assert (refused.status, "It was changed since you looked at it" in text(refused.body)) == (409, True)
    # and pressing again does not write over what was changed
    again = browser.post(f"{LIST}/{campaign}/edit", form_of(refused) | {"why": "it is late"})
    assert (again.status, one(portal, campaign)["settings"]["name"]) == (409, "Autumn")


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": ""}, "name", "Give it a name"),
        ({"pages.1.url": "https://evil.example/"}, "pages.1.url", "none of the campaign's"),
        ({"pages.1.url": "http://northgate.example/"}, "pages.1.url", "Write an address"),
        ({"pages.0.weight": "0"}, "pages.0.weight", "from 1 to 1000"),
        ({"pages.0.weight": "many"}, "pages.0.weight", "Write a whole number"),
        ({"countries": "Germany, <Polnad>"}, "countries", "“<Polnad>” is no country: write countries by their names"),
        ({"pages.0.countries": "Germanium"}, "pages.0.countries", "“Germanium” is no country"),
        ({"countries": "Poland", "pages.0.countries": "Germany"}, "pages.0.countries", "The campaign is not for this"),
        ({"pages.0.url": ""}, "", "Name one page"),
        ({"starts_at": "2026-05-01T00:00", "ends_at": "2026-04-01T00:00"}, "ends_at", "before the start"),
        ({"clicks_per_day": "0"}, "clicks_per_day", "at least 1"),
        ({"utm.0.name": "a b", "utm.0.value": "x"}, "utm.0.name", "Use letters"),
        ({"hosts": "10.0.0.1"}, "hosts", "Write hosts such as"),
        ({"overflow_url": "javascript:alert(1)"}, "overflow_url", "Write an address"),
        ({"window_days": "0"}, "window_days", "1 to 365"),
    ],
)
def test_what_was_typed_stays_beside_what_is_wrong(
    portal: Promoting, wrong: dict[str, str], field: str, said: str
) -> None:
    browser = portal.signed_in(MANAGER)
    page = browser.get(f"{LIST}/new")
    answer = browser.post(
        f"{LIST}/new", form_of(page) | {"name": "Autumn", "pages.0.url": f"{URL}/a", "terms": "Kept <b>"} | wrong
    )
    assert answer.status == 422, text(answer.body)
    if field:
        note = re.search(rf'id="note-{re.escape(field)}">(.*?)</p>', answer.body)
        assert note and said in html.unescape(re.sub("</?bdi>", "", note[1])), (wrong, note)
        assert form_of(answer)[field] == wrong[field]
    assert "<Polnad>" not in answer.body and "Kept <b>" in html.unescape(answer.body)


@pytest.mark.parametrize(
    ("spoken", "typed", "shown", "page"),
    [
        ("ru", "австрия; Германия", "Австрия, Германия", "Германия"),
        ("ar", "النمسا، ألمانيا", "النمسا، ألمانيا", "ألمانيا"),
        ("en", "de AT", "Austria, Germany", "Germany"),
    ],
)
def test_countries_are_typed_by_their_names_and_kept_as_codes(
    portal: Promoting, spoken: str, typed: str, shown: str, page: str
) -> None:
    # given somebody who reads a language, and writes countries in it
    browser = portal.signed_in(MANAGER, accept_language=spoken)
    browser.cookies["__Host-language"] = spoken
    fields = form_of(browser.get(f"{LIST}/new")) | {
        "name": f"By names {spoken}", "pages.0.url": f"{URL}/a", "countries": typed, "pages.0.countries": page,
    }  # fmt: skip
    # when one of them is none, then it stands there as it was typed, and nothing was kept
    refused = browser.post(f"{LIST}/new", fields | {"pages.0.countries": f"{page}, Polnad"})
    mark = language(spoken).mark(",")
    assert (refused.status, form_of(refused)["pages.0.countries"]) == (422, f"{page}{mark}Polnad")
    assert form_of(refused)["countries"] in (shown, mark.join(reversed(shown.split(mark))))
    # when all are, then the campaign has codes
    done = browser.post(f"{LIST}/new", form_of(refused) | {"pages.0.countries": page})
    assert done.status == 303, text(done.body)
    path = done.location.partition("?")[0]
    settings = portal.machine(MANAGER).get(path).json["settings"]
    assert (settings["countries"], settings["pages"][0]["countries"]) == (["AT", "DE"], ["DE"])
    # and its form has names, which mean the same when they are sent back, where programs read codes
    edit = browser.get(f"{path}/edit")
    assert (form_of(edit)["countries"], form_of(edit)["pages.0.countries"]) == (shown, page)
    assert edit.body.count("<datalist") == 1
    typed_again = form_of(edit) | {"why": "another name", "name": f"Again {spoken}"}
    assert browser.post(f"{path}/edit", typed_again).status == 303
    assert portal.machine(MANAGER).get(path).json["settings"] == settings | {"name": f"Again {spoken}"}
    assert portal.machine(MANAGER).get(f"{path}/edit").json["typed"]["countries"] == "AT, DE"


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"countries": ["Germany"]}, "invalid_country", "countries"),
        ({"pages": [{"url": f"{URL}/x"}, {"url": "https://evil.example/"}]}, "host_not_allowed", "pages.1.url"),
        ({"clicks_per_day": -1}, "invalid_cap", "clicks_per_day"),
        ({"clicks_per_day": True}, "invalid_setting", "clicks_per_day"),
        ({"starts_at": 5}, "invalid_setting", "starts_at"),
        ({"status": "paused"}, "invalid_setting", "status"),
        ({"pages": [{"url": f"{URL}/x", "page": "a"}, {"url": f"{URL}/y", "page": "a"}]}, "page_twice", "pages"),
        ({"why": "x"}, "reason_needed", ""),
    ],
)
def test_a_program_is_told_the_code_and_the_field(
    portal: Promoting, said: dict[str, Any], code: str, field: str
) -> None:
    answer = send(portal, f"{LIST}/{portal.campaigns[OPEN]}/edit", **{"why": "as planned"} | said)
    assert (answer.status, answer.json["code"]) == (422, code), answer.body
    if field:
        assert answer.json["field"] == field


@pytest.mark.parametrize("name", ["pages", "utm"])
@pytest.mark.parametrize("path", ["new", "edit"])
def test_a_form_that_sends_rows_as_one_text_is_refused_and_shown_again(portal: Promoting, path: str, name: str) -> None:
    where = f"{LIST}/new" if path == "new" else f"{LIST}/{portal.campaigns[OPEN]}/edit"
    browser = portal.signed_in(MANAGER)
    fields = {each: text for each, text in form_of(browser.get(where)).items() if not each.startswith(f"{name}.")}
    answer = browser.post(where, fields | {"name": "Autumn", name: "null", "why": "as planned"})
    assert answer.status == 422, answer.body


def test_what_a_program_leaves_out_stays(portal: Promoting) -> None:
    campaign = made(portal)
    after = send(portal, f"{LIST}/{campaign}/edit", clicks_per_day=None, name="Spring 2", why="no cap any more")
    assert after.status == 200, after.body
    assert after.json["settings"] == one(portal, campaign)["settings"]
    assert (after.json["settings"]["clicks_per_day"], after.json["version"]) == (None, 1)
    assert after.json["settings"]["overflow_url"] == f"{URL}/full"


@pytest.mark.parametrize(
    ("asked", "urls", "flag"),
    [
        ("country=DE&device=mobile", [f"{URL}/de", f"{URL}/spring?p={{partner}}"], ""),
        ("country=de&device=desktop", [f"{URL}/spring?p={{partner}}"], ""),
        ("country=US&device=mobile", [], "country"),
        ("country=&device=mobile", [f"{URL}/spring?p={{partner}}"], ""),
        ("country=DE&device=mobile&at=2026-06-01T00:00", [], "scheduled"),
    ],
)
def test_staff_see_where_a_visitor_would_go(portal: Promoting, asked: str, urls: list[str], flag: str) -> None:
    campaign = made(portal)
    preview = one(portal, campaign, f"?{asked}")["preview"]
    assert ([page["url"] for page in preview["pages"]], preview["flag"]) == (urls, flag)
    assert preview["leads_to"] == (None if urls else f"{URL}/full")
    page = portal.signed_in(MANAGER).get(f"{LIST}/{campaign}?{asked}")
    assert page.status == 200 and (not urls or urls[0].replace("&", "&amp;") in page.body)


@pytest.mark.parametrize(
    "asked", ["country=DE&at=yesterday", "country=Germany", "country=%3C1", "device=mobile&at=9999-12-31"]
)
def test_a_visitor_that_there_cannot_be_is_refused(portal: Promoting, asked: str) -> None:
    answer = portal.machine(MANAGER).get(f"{LIST}/{portal.campaigns[OPEN]}?{asked}")
    assert (answer.status, answer.json["code"]) == (400, "bad_query")


def test_a_page_that_was_emptied_stays_away_when_another_field_is_refused(portal: Promoting) -> None:
    campaign, browser = made(portal), portal.signed_in(MANAGER)
    where = f"{LIST}/{campaign}/edit"
    emptied = {"pages.1.url": "", "pages.1.name": "", "utm.0.name": "", "utm.0.value": "", "why": ""}
    refused = browser.post(where, form_of(browser.get(where)) | emptied)
    assert refused.status == 422
    assert browser.post(where, form_of(refused) | {"why": "One page is enough"}).status == 303
    settings = one(portal, campaign)["settings"]
    assert ([page["url"] for page in settings["pages"]], settings["utm"]) == ([f"{URL}/de"], [])


def test_a_page_of_it_shows_what_partners_read_as_text(portal: Promoting) -> None:
    page = portal.signed_in(MANAGER).get(f"{LIST}/{made(portal)}")
    assert "No bidding on &lt;b&gt;our&lt;/b&gt; name" in page.body
    assert "75%" in text(page.body) and "Always" not in text(page.body)


def test_a_campaign_is_paused_and_taken_up_again_with_a_reason(portal: Promoting) -> None:
    campaign, browser = made(portal), portal.signed_in(MANAGER)
    page = browser.get(f"{LIST}/{campaign}")
    guard = {"csrf": page.field("csrf"), "status": "paused"}

    assert browser.post(f"{LIST}/{campaign}/status", guard | {"why": ""}).status == 422
    done = browser.post(f"{LIST}/{campaign}/status", guard | {"why": "The offer ended"})

    assert done.status == 303 and one(portal, campaign)["state"] == "paused"
    assert "Paused. Links follow" in text(browser.get(done.location).body)
    assert portal.configuration.route(campaign).status == "paused"
    again = send(portal, f"{LIST}/{campaign}/status", status="active", why="It is back")
    assert (again.status, one(portal, campaign)["state"]) == (200, "open")


def test_who_may_look_and_who_may_change(portal: Promoting) -> None:
    campaign = made(portal)
    for who in (MAKER, ADMIN):
        assert one(portal, campaign, who=who)["may_change"] is (who == ADMIN)
    for path, said in (
        (f"{LIST}/new", WISH),
        (f"{LIST}/{campaign}/edit", {"name": "x", "why": "because"}),
        (f"{LIST}/{campaign}/status", {"status": "paused", "why": "because"}),
    ):
        refused = send(portal, path, who=MAKER, **said)
        assert (refused.status, refused.json["code"]) == (403, "campaign_role")
        assert send(portal, path, who=HARBOUR, **said).json["code"] == "staff_only"
    # another brand's is none
    for path in (f"{LIST}/{campaign}", f"{LIST}/{campaign}/edit"):
        assert portal.machine(FOREIGNER).get(path).status in (401, 404)
    assert portal.machine(MANAGER).get(f"{LIST}/cmp_none").status == 404
    assert portal.signed_in(MAKER).get(f"{LIST}/{campaign}/edit").body.count("Managers and admins change") == 1
