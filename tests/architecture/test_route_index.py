"""`functions/portal/route_index.py` says what the page modules register, and each of them can come alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from introducer_ops import route_index
from tests.support.functions import FUNCTIONS

PORTAL = FUNCTIONS / "portal"
MODULES = sorted(path.stem for path in (PORTAL / "pages").glob("*.py") if path.stem != "__init__")


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The portal's folder on the path, and nothing of it imported yet or afterwards."""
    ours = {path.stem for path in PORTAL.glob("*.py")} | {"pages"}
    monkeypatch.syspath_prepend(str(PORTAL))
    for name in [each for each in sys.modules if each.partition(".")[0] in ours]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] in ours]:
        del sys.modules[name]


def test_the_index_is_fresh() -> None:
    assert route_index.TARGET.read_text("utf-8") == route_index.render(), "run `make docs`"


@pytest.mark.usefixtures("portal")
@pytest.mark.parametrize("module", MODULES)
def test_a_page_module_comes_alone_and_brings_its_routes(module: str) -> None:
    import registry
    import server

    expected = {
        (path, method)
        for path, methods in registry.ROUTES.items()
        for method, each in methods.items()
        if each == module
    }
    assert expected, f"{module} has no route"
    path, method = sorted(expected)[0]

    registry.ready(path, method)

    brought = {(page.path, page.method) for page in server.registered if page.view.__module__ == f"pages.{module}"}
    assert brought == expected


@pytest.mark.usefixtures("portal")
def test_a_word_of_a_page_that_has_not_come_is_said_all_the_same() -> None:
    import server
    import words

    from introducer.locale import language

    assert "document_kind" not in words.WORDS

    assert words.word(language("en"), "document_kind", "passport") != ""
    assert len(server.registered) > 100
