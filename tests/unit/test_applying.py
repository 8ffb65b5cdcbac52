"""The link that confirms an address, recruiting codes, and what an application may say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.domain.application import (
    NEXT,
    Applicant,
    ApplicationState,
    Channel,
    from_json,
    moved,
    plan_of,
    reason_of,
    site_of,
    to_json,
)
from introducer.domain.applying import Confirming, key_of, read_code, read_token, recruit_code, token
from introducer.domain.errors import Conflict, Invalid
from tests.store.test_applications import an_application

KEY = key_of(b"secret")
LINK = Confirming("brd_1", "app_" + "0" * 26, datetime(2026, 11, 3, 9, 30, 1, 250_000, UTC))


def test_a_link_says_what_was_written_into_it_and_none_that_we_did_not_write_says_anything() -> None:
    text = token(KEY, LINK)
    assert read_token(KEY, text) == LINK
    assert read_token(key_of(b"other"), text) is None
    said, _, tag = text.partition(".")
    later = token(KEY, LINK._replace(until=LINK.until.replace(year=2027))).partition(".")[0]
    for forged in (f"{later}.{tag}", said, f"{said}.", f".{tag}", "", "é.é", text + "x", text.replace(".", "")):
        assert read_token(KEY, forged) is None


@given(st.text(max_size=200))
def test_no_text_breaks_a_reader(text: str) -> None:
    assert read_token(KEY, text) is None
    assert read_code(text) == "" or len(read_code(text)) == 10


def test_a_code_is_a_partners_own_and_read_as_people_type_it() -> None:
    code = recruit_code(b"k" * 32, "par_1")
    assert code == recruit_code(b"k" * 32, "par_1") == read_code(f" {code.lower()} ")
    others = {recruit_code(b"k" * 32, "par_2"), recruit_code(b"k" * 32, "par_1", 1), recruit_code(b"q" * 32, "par_1")}
    assert len(others) == 3 and code not in others


def test_states_follow_as_the_table_says_and_in_no_other_way() -> None:
    for before in ApplicationState:
        for after in ApplicationState:
            application = an_application(state=before)
            if after in NEXT[before]:
                assert moved(application, after, application.at).version == application.version + 1
            else:
                with pytest.raises(Conflict) as refused:
                    moved(application, after, application.at)
                assert refused.value.code == "application_decided"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("www.quill.example", "https://www.quill.example"), (" http://t.me/quill ", "http://t.me/quill")],
)
def test_a_site_is_kept_with_its_scheme(text: str, kept: str) -> None:
    assert site_of(text) == kept


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "ftp://quill.example", "https://me@quill.example", "https://", "quill", "a b.example",
     "https://quill.example/\x00", "https://[", "x" * 301 + ".example"],
)  # fmt: skip
def test_what_is_no_site_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        site_of(text)


def test_texts_keep_their_lines_and_no_control_characters() -> None:
    assert plan_of(" One\r\nTwo ") == "One\nTwo"
    for text in ("", "ab", "x" * 1_001, "gold\x00", "\u202egold gold"):
        with pytest.raises(Invalid):
            plan_of(text)
    with pytest.raises(Invalid) as refused:
        reason_of("no")
    assert refused.value.code == "reason_needed"


def test_who_applies_comes_back_as_sealed() -> None:
    applicant = Applicant(
        name="Ola",
        company="Łódzkie Zyski",
        email="ola@example.com",
        website="",
        channels=(Channel.VIDEO,),
        plan="Wideo",
    )
    assert from_json(to_json(applicant)) == applicant
