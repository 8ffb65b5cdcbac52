"""What stands in a mail's headers: how to unsubscribe, and nothing that somebody smuggled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introducer.gateways.mail import Letter, MailRefused, written

NOW = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
LINK = "https://go.example.com/unsubscribe/" + "bmV3cyAwMTIzNDU2Nzg5" * 6 + ".c2lnbmVk"
LETTER = Letter(id="mail_01JD", to="ann@example.com", to_name="Ann", from_name="Northwind", subject="Hello",
                text="Hi\n", html="<p>Hi</p>", language="en", unsubscribe=LINK)  # fmt: skip
KNOWN = {
    "list-unsubscribe", "list-unsubscribe-post", "from", "to", "subject", "date", "message-id", "auto-submitted",
    "mime-version", "content-type", "content-language",
}  # fmt: skip


def test_a_mail_program_finds_where_one_request_unsubscribes() -> None:
    raw = written(LETTER, "partners@example.com", NOW)
    mail = message_from_bytes(raw, policy=default)
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # unfolded and not encoded: not every program puts a broken address together again
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in raw
    assert b"List-Unsubscribe" not in written(replace(LETTER, unsubscribe=""), "partners@example.com", NOW)


@pytest.mark.parametrize(
    "link",
    ["http://go.example.com/x", "https://go.example.com/x>\r\nBcc: eve@example.com", "https://go.example.com/x y",
     "mailto:x@example.com", "https://go.example.com/é", "https://go.example.com/x\n"],
)  # fmt: skip
def test_what_is_no_address_to_unsubscribe_at_is_refused(link: str) -> None:
    with pytest.raises(MailRefused):
        written(replace(LETTER, unsubscribe=link), "partners@example.com", NOW)


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\r\n\t :;,<>@\"'\\=?\x00\x85\u2028ab"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=60,
)


@given(subject=NASTY, to_name=NASTY, from_name=NASTY)
def test_no_name_and_no_subject_makes_a_header(subject: str, to_name: str, from_name: str) -> None:
    letter = replace(
        LETTER,
        subject=subject + "\r\nBcc: eve@example.com",
        to_name=to_name + "\nBcc: eve@example.com",
        from_name=from_name + "\r\n\r\nBcc: eve@example.com",
    )
    try:
        raw = written(letter, "partners@example.com", NOW)
    except MailRefused:
        return
    mail = message_from_bytes(raw, policy=default)
    assert {name.lower() for name in mail} == KNOWN
    assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.com"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["partners@example.com"]
    assert mail.get_body(("plain",)).get_content().strip() == "Hi"  # type: ignore[union-attr]
