"""The quick start is run as it is written: its shell blocks as one script, then its Python, against a served portal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from introducer_ops.localcloud import LocalCloud
from tests.browser.serving import served
from tests.browser.world import PARTNER, PASSWORD, Portal, a_portal
from tests.support.functions import ROOT

pytestmark = pytest.mark.cloud

GUIDE = ROOT / "docs" / "quick-start.md"


@pytest.fixture(scope="module")
def portal(cloud: LocalCloud) -> Iterator[Portal]:
    with a_portal(cloud) as world:
        yield world


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_guide_leads_from_nothing_to_the_first_page_of_earnings(portal: Portal) -> None:
    shell, (program,) = "\n".join(blocks("bash")), blocks("python")
    with served(portal) as address:
        told = os.environ | {"PORTAL": address, "EMAIL": PARTNER, "PASSWORD": PASSWORD}
        script = f'set -euo pipefail\n{shell}\necho; echo "KEY=$KEY CODE=$CODE"'
        ran = subprocess.run(["bash", "-c", script], env=told, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        key, code = re.findall(r"KEY=(\S+) CODE=(\S+)", ran.stdout)[0]
        python = subprocess.run(
            [sys.executable, "-c", program], env=told | {"KEY": key}, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert python.returncode == 0, python.stdout + python.stderr

    # then there is a key, a link of each, and earnings in all three forms
    assert key.startswith("ink_") and f"/{code}" in ran.stdout
    names = {link.name for link in portal.configuration.links_of_partner(portal.partners[PARTNER]).items}
    assert {"My newsletter", "From Python"} <= names
    assert '"items":[{' in ran.stdout and "amount,currency" in ran.stdout
    first, *earned = python.stdout.splitlines()
    assert re.fullmatch(r"\S+: 0 clicks this month", first)
    assert len(earned) > 3 and all(re.fullmatch(r"-?\d+\.\d\d EUR", line) for line in earned)
