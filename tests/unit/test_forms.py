"""Forms that configured texts must have."""

from __future__ import annotations

import pytest

from introducer.domain import forms
from introducer.domain.errors import Invalid


@pytest.mark.parametrize(
    "text", ["https://www.example.com/", "https://www.example.com/a/b?x=1&y=2", "https://a.example"]
)
def test_an_https_address_is_one(text: str) -> None:
    assert forms.https_url(text, "page") == text


@pytest.mark.parametrize(
    "text",
    [
        "http://www.example.com/",
        "//www.example.com/",
        "https://",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://user@www.example.com/",
        "https://www.example.com:8443/",
        "https://www.example.com/#part",
        "https://www.example.com/a b",
        "https://www.example.com/\n",
        "https://exämple.com/",
        "javascript:alert(1)",
        "https://www.example.com/" + "a" * 2000,
        "https://[www.example.com/",
    ],
)
def test_what_is_no_https_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        forms.https_url(text, "page")

    assert refusal.value.code == "invalid_url"


def test_a_host_is_written_in_small_letters() -> None:
    assert forms.host(" Go.Example.COM. ", "brand") == "go.example.com"


@pytest.mark.parametrize("text", ["", "example", "-a.example", "a..example", "a.example/x", "a_b.example", "1.2.3.4"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        forms.host(text, "brand")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (forms.country, "DE", ("de", "DEU", "D", "")),
        (forms.language, "en", ("EN", "eng", "e", "")),
        (forms.parameter, "click_id", ("1x", "a b", "a&b", "", "a" * 41)),
        (lambda text: forms.slug(text, "source"), "mt5-live", ("Mt5", "a", "a#b", "-a", "a" * 41)),
        (lambda text: forms.name(text, "partner"), "Amberfield Media", ("", " ", "a\nb", "a" * 121)),
        (forms.email, "somebody@example.com", ("somebody", "a@b", "a b@example.com", "<a@example.com>", "")),
    ],
)
def test_a_form_takes_what_has_it_and_refuses_the_rest(check, good, bad) -> None:  # type: ignore[no-untyped-def]
    assert check(good) == good
    for text in bad:
        with pytest.raises(Invalid):
            check(text)


def test_a_refused_email_is_not_repeated() -> None:
    with pytest.raises(Invalid) as refusal:
        forms.email("some body@example.com")

    assert "some" not in refusal.value.detail
