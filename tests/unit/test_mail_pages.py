"""The mails of the local cloud at a local page: all of them, nothing that runs, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from introducer.gateways.mail import Letter, written
from introducer_ops.localcloud.mail_pages import PAGE, MailPages

AT = datetime(2026, 10, 26, 8, 10, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n and so on"


def put(state: Path, number: int, subject: str = "Paid", html: str = "<p>Hello</p>", **changes: object) -> None:
    letter = Letter(
        id=f"mail_{number}", to=f"owner-{number}@some.example", to_name="Ana Vidal", from_name="Quillmark Markets",
        subject=subject, text="Hello in words", html=html, language="en", **changes,  # type: ignore[arg-type]
    )  # fmt: skip
    folder = state / "mails"
    folder.mkdir(exist_ok=True)
    (folder / f"{number:06d}.eml").write_bytes(written(letter, "partners@introducer.example", AT))
    (folder / f"{number:06d}.json").write_text(json.dumps({"tags": {"mail": letter.id, "of": "par_1"}}))


@pytest.fixture(name="pages")
def _pages(tmp_path: Path) -> Iterator[httpx.Client]:
    with MailPages(tmp_path, port=0) as pages, httpx.Client(base_url=pages.url, trust_env=False) as http:
        yield http


def test_a_list_has_the_newest_first_with_who_gets_what_and_when(pages: httpx.Client, tmp_path: Path) -> None:
    put(tmp_path, 1)
    put(tmp_path, 2, "Your week <b>in figures</b>")

    text = pages.get("/").text

    assert "2 mails" in text
    assert text.index("owner-2@some.example") < text.index("owner-1@some.example")
    assert "Mon 26 Oct 2026, 08:10" in text
    assert '<a href="/000002">Your week &lt;b&gt;in figures&lt;/b&gt;</a>' in text


def test_an_empty_folder_is_said_to_be_empty(pages: httpx.Client) -> None:
    assert "Nothing here yet" in pages.get("/").text


def test_a_long_list_has_pages(pages: httpx.Client, tmp_path: Path) -> None:
    for number in range(1, PAGE + 4):
        put(tmp_path, number)

    first = pages.get("/").text
    [older] = re.findall(r'href="(/\?before=\d+)"', first)
    second = pages.get(older).text

    shown = [re.findall(r'href="/(\d{6})"', text) for text in (first, second)]
    assert [len(each) for each in shown] == [PAGE, 3]
    assert not set(shown[0]) & set(shown[1])


def test_whoever_searches_sees_what_fits(pages: httpx.Client, tmp_path: Path) -> None:
    put(tmp_path, 1, "Paid")
    put(tmp_path, 2, "Your week")

    text = pages.get("/", params={"q": "your WEEK"}).text

    assert "/000002" in text
    assert "/000001" not in text
    assert "Nothing here that fits" in pages.get("/", params={"q": "<script>"}).text


def test_a_mail_is_shown_with_headers_text_and_its_html_in_a_frame_that_may_do_nothing(
    pages: httpx.Client, tmp_path: Path
) -> None:
    put(tmp_path, 1, unsubscribe="https://partners.quillmark.example/unsubscribe/abc")

    text = pages.get("/000001").text

    for words in ("Hello in words", "List-Unsubscribe", "Ana Vidal", "mail_1@introducer.example"):
        assert words in text
    assert '<iframe sandbox="" title="The mail as HTML" src="/000001/html"' in text
    assert "<script" not in text


def test_what_a_mail_holds_cannot_run_nor_fetch_and_its_own_pictures_are_shown(
    pages: httpx.Client, tmp_path: Path
) -> None:
    put(
        tmp_path, 1, html='<script>alert(1)</script><img src="https://elsewhere.example/x"><img src="cid:chart@x">',
        images=(("chart@x", PNG),),
    )  # fmt: skip

    answer = pages.get("/000001/html")

    policy = answer.headers["content-security-policy"]
    assert {"default-src 'none'", "sandbox", "img-src data:"} <= set(policy.split("; "))
    assert "script-src" not in policy
    assert 'src="data:image/png;base64,' in answer.text


@pytest.mark.parametrize("path", ["/", "/000001", "/000001/html", "/000001/raw", "/nothing"])
def test_no_page_has_scripts_or_asks_another_host_for_anything(pages: httpx.Client, tmp_path: Path, path: str) -> None:
    put(tmp_path, 1)

    answer = pages.get(path)

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"(src|href)=\"?https?:", answer.text)


def test_a_mail_as_it_was_handed_over_is_text_to_a_browser(pages: httpx.Client, tmp_path: Path) -> None:
    put(tmp_path, 1)

    answer = pages.get("/000001/raw")

    assert answer.content == (tmp_path / "mails" / "000001.eml").read_bytes()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/000009", "/../mails/000001.eml", "/%2e%2e/000001", "/1", "/000001/../x"])
def test_what_is_not_there_is_not_found(pages: httpx.Client, tmp_path: Path, path: str) -> None:
    put(tmp_path, 1)

    assert pages.get(path).status_code == 404


def test_another_name_for_this_address_is_answered_by_nothing(pages: httpx.Client, tmp_path: Path) -> None:
    put(tmp_path, 1)

    answer = pages.get("/000001", headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert "Hello" not in answer.text


def test_it_takes_nothing(pages: httpx.Client) -> None:
    assert pages.post("/").status_code == 501
    assert pages.head("/").content == b""


def test_another_port_is_taken_where_one_is_not_free(tmp_path: Path) -> None:
    with MailPages(tmp_path, port=0) as first:
        taken = int(first.url.rsplit(":", 1)[1])
        with MailPages(tmp_path, port=taken) as second:
            assert second.url != first.url
            assert httpx.get(second.url, trust_env=False).status_code == 200
