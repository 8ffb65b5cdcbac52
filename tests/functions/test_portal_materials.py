"""Staff add what campaigns are promoted with; whoever has a banner's address sees its picture."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from introducer.services import change_materials
from tests.browser.world import Answer
from tests.support.at_once import FOREIGNER
from tests.support.payday import ADMIN, HARBOUR, MAKER, MANAGER
from tests.support.pictures import drawn
from tests.support.promoting import DEMO, OPEN, Promoting, a_promoting
from tests.support.shown import text

pytestmark = pytest.mark.in_memory

BOUNDARY = "between"


@pytest.fixture(scope="module")
def portal() -> Iterator[Promoting]:
    with pytest.MonkeyPatch.context() as patch, a_promoting(patch) as world:
        yield world


def a_form(content: bytes, filename: str = "spring_sale-1.png", **fields: str) -> bytes:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]  # fmt: skip
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode()
    return b"".join(parts) + head + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def posted(portal: Promoting, body: bytes, campaign: str = OPEN) -> Answer:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return portal.sends(f"{portal.materials_path(campaign)}/banners", body, MANAGER, kind)


def listed(portal: Promoting, campaign: str = OPEN, query: str = "") -> list[dict[str, Any]]:
    return list(portal.machine(MANAGER).get(portal.materials_path(campaign) + query).json["items"])


def picture(portal: Promoting, material: str, **headers: str) -> Answer:
    return portal.visitor().get(f"/m/{material}", accept="image/*", **headers)


def test_a_form_adds_a_banner_whose_picture_anybody_sees(portal: Promoting) -> None:
    content = drawn()
    # given a form with a picture that is called otherwise than what it is
    made = posted(portal, a_form(content, "spring_sale-1.gif", language="PL"))
    assert made.status == 201, made.body
    row = made.json
    assert (row["name"], row["language"], row["dimensions"]) == ("spring sale 1", "pl", "300x250")

    # when somebody opens it, who is signed in nowhere
    shown = picture(portal, row["material"])

    # then it is the picture, kept by caches, and nothing else can be made of it
    assert (shown.status, b64decode(shown.body)) == (200, content)
    names = ("content-type", "cache-control", "x-content-type-options", "content-security-policy")
    assert [shown.headers[name] for name in names] == [
        "image/png", "public, max-age=86400", "nosniff", "default-src 'none'; sandbox",
    ]  # fmt: skip
    assert "set-cookie" not in shown.headers and shown.cookies == []
    for known in (shown.headers["etag"], f'"other", W/{shown.headers["etag"]}', "*"):
        again = picture(portal, row["material"], if_none_match=known)
        assert (again.status, again.body, again.headers["etag"]) == (304, "", shown.headers["etag"])
    assert picture(portal, row["material"], if_none_match='"other"').status == 200
    head = portal.visitor().send("HEAD", f"/m/{row['material']}", None, {})
    assert (head.status, head.body, head.headers["content-type"]) == (200, "", "image/png")
    assert picture(portal, "mat_" + "0" * 26).status == 404

    # and the same picture sent again is there once
    assert posted(portal, a_form(content, "spring_sale-1.gif", language="PL")).json["material"] == row["material"]
    assert [each["material"] for each in listed(portal)].count(row["material"]) == 1


def test_what_is_no_picture_is_refused_beside_its_field(portal: Promoting) -> None:
    before = dict(portal.pictures.kept)
    for content, code, status in (
        (b"", "picture_missing", 422),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unknown_picture", 422),
        (drawn()[:-4], "broken_picture", 422),
        (drawn() + b"\0" * 600_000, "picture_too_large", 413),
    ):
        refused = posted(portal, a_form(content))
        assert (refused.status, refused.json["code"]) == (status, code), refused.body
    odd = portal.adds_banner(drawn(10, 10), language="xx")
    assert (odd.status, odd.json["code"]) == (422, "invalid_language")
    as_json = portal.machine(MANAGER).post(f"{portal.materials_path()}/banners", {"name": "x"}, as_json=True)
    assert (as_json.status, as_json.json["code"]) == (400, "unsupported_media_type")
    assert portal.pictures.kept == before

    # and a browser finds its form again, with what was typed and what to do
    browser = portal.signed_in(MANAGER)
    csrf = browser.get(portal.materials_path()).field("csrf")
    body = a_form(b"GIF89a", name='A "B"', language="xx", csrf=csrf).decode()
    again = browser.send("POST", f"{portal.materials_path()}/banners", body,
                         {"content-type": f"multipart/form-data; boundary={BOUNDARY}"})  # fmt: skip
    assert again.status == 422 and "This picture is cut off or broken" in again.body
    assert 'value="A &#34;B&#34;"' in again.body and 'value="xx"' in again.body


def test_a_text_is_added_by_form_and_program_and_refused_where_it_cannot_be(portal: Promoting) -> None:
    browser, path = portal.signed_in(MANAGER), portal.materials_path(DEMO)
    done = browser.submit(path, path, kind="share", name="For <b>chats", language="", text="{brand}\n{link}")
    assert done.status == 303, done.body
    page = browser.get(done.location).body
    assert "For &lt;b&gt;chats" in page and "Added: partners are offered it" in page
    assert "{brand}<br>{link}" in page and "Free &lt;i&gt;demo&lt;/i&gt;" in page
    made = portal.adds_text(campaign=DEMO, kind="text_link", name="Line", text="Open at {brand}")
    assert (made.status, made.json["kind"], made.json["picture"]) == (201, "text_link", "")
    assert portal.adds_text(campaign=DEMO, kind="text_link", name="Line", text="Open at {brand}").json == made.json
    assert [each["kind"] for each in listed(portal, DEMO, "?kind=text_link")] == ["text_link"]

    no_link = portal.adds_text(campaign=DEMO, text="Trade with {brand}")
    assert (no_link.status, no_link.json["code"]) == (422, "link_missing")
    again = browser.submit(path, path, kind="share", name="X", text="Trade <now>")
    assert again.status == 422 and "Put {link} where the partner" in again.body and "Trade &lt;now&gt;" in again.body
    assert portal.adds_text(campaign=DEMO, kind="banner").status == 422


def test_what_is_removed_is_gone_and_may_come_back_and_what_is_paused_stays(portal: Promoting) -> None:
    content = drawn(728, 90)
    material = portal.adds_banner(content, campaign=DEMO).json["material"]
    path, staff = f"{portal.materials_path(DEMO)}/{material}/status", portal.machine(MANAGER)

    def becomes(status: str) -> int:
        return int(staff.post(path, {"status": status}, as_json=True).status)

    assert [becomes("paused"), becomes("paused"), picture(portal, material).status] == [200, 200, 200]
    assert [each["status"] for each in listed(portal, DEMO, "?size=728x90")] == ["paused"]
    browser = portal.signed_in(MANAGER)
    # and added once more it is told to be paused, not to be offered
    assert portal.adds_banner(content, campaign=DEMO).json["status"] == "paused"
    again = browser.get(f"{portal.materials_path(DEMO)}?added={material}").body
    assert "and is paused" in again and "offered it from now on" not in again
    assert browser.submit(portal.materials_path(DEMO), path, status="active").status == 303
    assert [becomes("removed"), becomes("removed"), picture(portal, material).status] == [200, 200, 404]
    assert material not in portal.pictures.kept and listed(portal, DEMO, "?size=728x90") == []
    late = staff.post(path, {"status": "active"}, as_json=True)
    assert (late.status, late.json["code"]) == (409, "material_removed")

    assert portal.adds_banner(content, campaign=DEMO).json["material"] == material
    assert picture(portal, material).status == 200
    # and so does a picture that was taken away at the same moment
    portal.pictures.remove(material)
    assert portal.adds_banner(content, campaign=DEMO).status == 201
    assert picture(portal, material).status == 200
    trail = [each.action for each in portal.configuration.audit_of_subject(material).items]
    assert sorted(trail) == sorted(
        ["add_material", "pause_material", "resume_material", "remove_material", "add_material"]
    )


def test_managers_and_admins_of_the_brand_alone_change_anything(portal: Promoting) -> None:
    material = portal.adds_text(name="Roles").json["material"]
    path = portal.materials_path()
    for refused in (
        portal.adds_text(MAKER, name="Other"),
        portal.adds_banner(drawn(20, 20), MAKER),
        portal.machine(MAKER).post(f"{path}/{material}/status", {"status": "removed"}, as_json=True),
        portal.adds_text(HARBOUR, name="Other"),
    ):
        assert refused.status == 403
    assert portal.adds_text(ADMIN, name="Another").status == 201
    seen = portal.machine(MAKER).get(path)
    assert (seen.status, seen.json["may_change"]) == (200, False)
    assert f'method="post" action="{path}' not in portal.signed_in(MAKER).get(path).body
    assert FOREIGNER not in portal.people
    elsewhere = "/desk/campaigns/cmp_none/materials"
    for answer in (
        portal.machine(MANAGER).get(elsewhere),
        portal.machine(MANAGER).post(elsewhere, {"kind": "share", "name": "x", "text": "{link}"}, as_json=True),
        portal.machine(MANAGER).post(f"{portal.materials_path(DEMO)}/{material}/status", {"status": "paused"},
                                     as_json=True),
    ):  # fmt: skip
        assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_list_comes_in_pages_and_is_a_table_too(portal: Promoting) -> None:
    names = {portal.adds_text(name=f"Number {number}", language="th").json["name"] for number in range(3)}
    staff, found, path = portal.machine(MANAGER), [], f"{portal.materials_path()}?language=th&kind=share&limit=2"
    first = staff.get(path).json
    second = staff.get(f"{path}&cursor={first['next']}").json
    found = [each["name"] for each in (*first["items"], *second["items"])]
    assert (len(first["items"]), second["next"], set(found)) == (2, None, names) and len(found) == 3
    foreign = staff.get(f"{portal.materials_path()}?kind=share&limit=2&cursor={first['next']}")
    assert (foreign.status, foreign.json["code"]) == (400, "bad_cursor")
    assert len(staff.get(path, accept="text/csv").body.splitlines()) == 3
    assert "Nothing fits" in text(portal.signed_in(MANAGER).get(f"{portal.materials_path()}?size=1x1").body)


def test_a_campaign_has_so_many_materials_and_no_more(portal: Promoting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_materials, "MOST_MATERIALS", len(listed(portal, DEMO)))
    refused = portal.adds_text(campaign=DEMO, name="One more")
    assert (refused.status, refused.json["code"]) == (409, "too_many_materials")
    browser, path = portal.signed_in(MANAGER), portal.materials_path(DEMO)
    shown = browser.submit(path, path, kind="share", name="One more", text="{link}")
    assert shown.status == 409 and "remove some first" in shown.body
