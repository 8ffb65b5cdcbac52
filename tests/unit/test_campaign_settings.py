"""Settings of a campaign, as forms, files and programs send them."""

from __future__ import annotations

from typing import Any

import pytest

from introducer.domain.campaigns import LandingPage, Utm
from introducer.domain.errors import Invalid
from introducer.sources.campaign_settings import WholeSettings, settings_of
from tests.support.builders import at

URL = "https://www.quillmark.example/live"


def test_a_form_and_a_program_say_the_same() -> None:
    program = {
        "pages": [{"page": "pag_1", "url": URL, "weight": 3, "countries": ["DE", "AT"], "devices": ["mobile"]}],
        "starts_at": "2026-03-02T08:00:00Z", "ends_at": None, "clicks_per_day": 100, "clicks_in_all": None,
        "hosts": ["go.quillmark.example"], "utm": [{"name": "utm_source", "value": "{partner}"}], "terms": "No bidding",
    }  # fmt: skip
    form = {
        "pages": [{"page": "pag_1", "url": f" {URL} ", "weight": "3", "countries": "DE, AT", "devices": "mobile"}],
        "starts_at": "2026-03-02T08:00", "ends_at": "", "clicks_per_day": "100", "clicks_in_all": "",
        "hosts": "go.quillmark.example\n", "utm": [{"name": "utm_source", "value": "{partner}"}], "terms": "No bidding",
    }  # fmt: skip

    said = settings_of(program, WholeSettings)

    assert said == settings_of(form, WholeSettings)
    assert said == {
        "pages": (LandingPage(page="pag_1", url=URL, weight=3, countries=("DE", "AT"), devices=("mobile",)),),
        "starts_at": at("2026-03-02 08:00"), "ends_at": None, "clicks_per_day": 100, "clicks_in_all": None,
        "hosts": ("go.quillmark.example",), "utm": (Utm(name="utm_source", value="{partner}"),), "terms": "No bidding",
    }  # fmt: skip


def test_what_is_left_out_is_not_said() -> None:
    assert settings_of({"clicks_per_day": 5}) == {"clicks_per_day": 5}
    assert settings_of({"starts_at": "2026-03-02"}) == {"starts_at": at("2026-03-02")}
    assert settings_of({"starts_at": "2026-03-02T10:00+02:00"}) == {"starts_at": at("2026-03-02 08:00")}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"pages": []}, "pages"),
        ({"pages": [{"weight": 1}]}, "pages.0.url"),
        ({"pages": [{"url": URL}, {"url": URL, "weight": "many"}]}, "pages.1.weight"),
        ({"pages": [{"url": URL, "weight": True}]}, "pages.0.weight"),
        ({"pages": [{"url": URL, "page": "a#b"}]}, "pages.0.page"),
        ({"pages": "x"}, "pages"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": "2026-02-30"}, "starts_at"),
        ({"ends_at": "9999-01-01"}, "ends_at"),
        ({"ends_at": "9999-12-31T23:00-05:00"}, "ends_at"),
        ({"starts_at": "0001-01-01T00:00+05:00"}, "starts_at"),
        ({"clicks_per_day": "many"}, "clicks_per_day"),
        ({"clicks_in_all": 1.5}, "clicks_in_all"),
        ({"utm": [{"name": "a"}]}, "utm.0.value"),
        ({"hosts": ["go.example.com"]}, "hosts"),
        ({"window": 3}, "window"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        settings_of(wrong)
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_setting", field)
