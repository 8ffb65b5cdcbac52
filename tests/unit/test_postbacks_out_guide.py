"""docs/postbacks-out.md is what trackers build by: its recipe checks what we sign, and its tables match the code."""

from __future__ import annotations

import re
import runpy
from datetime import timedelta
from pathlib import Path

import pytest

from introducer.domain.postback_out import MACROS, WAITS, Method, Told, asked, message, secret_of, secrets_now
from introducer.domain.signatures import HEADER
from tests.unit.test_postback_out import KEY, NOW, a_delivery, a_target

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "postbacks-out.md").read_text()


@pytest.mark.parametrize("method", Method)
def test_the_recipe_knows_our_messages_from_others(tmp_path: Path, method: Method) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    (tmp_path / "recipe.py").write_text(code)
    is_genuine = runpy.run_path(str(tmp_path / "recipe.py"))["is_genuine"]
    target = a_target(method=method, generation=2, rotated_at=NOW)
    sent = message(target, a_delivery(), secrets_now(KEY, target, NOW), NOW)
    signed, header, at = sent.body or asked(sent.url), sent.headers[HEADER], NOW.timestamp()

    for generation in (1, 2):
        assert is_genuine(header, signed, secret_of(KEY, target.target, generation), at)
    secret = secret_of(KEY, target.target, 2)
    assert not is_genuine(header, signed + b"x", secret, at)
    assert not is_genuine(header, signed, secret_of(KEY, target.target, 3), at)
    assert not is_genuine(header, signed, secret, at + timedelta(minutes=6).total_seconds())
    assert not is_genuine(header.replace("t=", "t=1"), signed, secret, at)
    for broken in ("", "t=x,v1=y", "v1=y", header + "," + header):
        assert not is_genuine(broken, signed, secret, at)


def test_every_event_macro_and_header_is_in_the_guide() -> None:
    rows = "\n".join(re.findall(r"^\|.*\|$", GUIDE, re.MULTILINE))
    told = set(re.findall(r"`([a-z]+)`", "\n".join(re.findall(r"^\| `[a-z`, ]+ \|", rows, re.MULTILINE))))
    assert {each.value for each in Told} <= told
    named = set(re.findall(r"\{([a-z_0-9]+)\}", rows)) | {f"sub{number}" for number in range(1, 6)}
    assert named == set(MACROS)
    headers = message(a_target(), a_delivery(test=True), [b"x"], NOW).headers
    assert {name for name in headers if name.startswith("Introducer-")} == set(
        re.findall(r"^\| `(Introducer-[A-Za-z]+)`", rows, re.MULTILINE)
    )


def test_how_often_it_is_tried_is_said_as_it_is() -> None:
    assert WAITS == (30, 120, 600, 1800, 3600, 7200, 14400, 21600, 36000)
    assert "half a minute, 2, 10, 30 minutes, 1, 2, 4, 6 and 10 hours" in GUIDE
