"""A link's own deep link: what is allowed when it is written is what the redirect follows, and nothing else."""

from __future__ import annotations

from types import ModuleType

import pytest

from introducer.domain.errors import Invalid
from introducer.domain.targets import deep_link
from tests.support.functions import load
from tests.support.targets import ALLOWED, HOST, HOSTS, OTHER, REFUSED

PAGE = f"https://{HOST}/live"


@pytest.fixture(name="redirect", scope="module")
def _redirect() -> ModuleType:
    return load("redirect", "target")


@pytest.mark.parametrize(("written", "leads_to"), ALLOWED.items())
def test_what_may_be_written_is_followed(redirect: ModuleType, written: str, leads_to: str) -> None:
    kept = deep_link(written, HOSTS)
    assert kept in (written, leads_to)
    assert redirect.Landing(PAGE, "c", HOSTS).with_click("1", path=kept).startswith(leads_to)


@pytest.mark.parametrize("written", REFUSED)
def test_what_may_not_be_written_is_not_followed(redirect: ModuleType, written: str) -> None:
    with pytest.raises(Invalid) as refused:
        deep_link(written, HOSTS)
    assert refused.value.facts["field"] == "path"
    assert refused.value.code in ("invalid_path", "host_not_allowed")
    assert redirect.Landing(PAGE, "c", HOSTS).with_click("1", to=written) == f"{PAGE}?c=1"


def test_a_host_is_named_by_its_own_words() -> None:
    # given a host that is none of the campaign's, the answer says so
    with pytest.raises(Invalid) as refused:
        deep_link("https://evil.example/", [OTHER])
    assert refused.value.code == "host_not_allowed"
