"""Every route asked what nobody thought of, with the token of a role each: no error of ours, and no answer that the
description does not know. `make fuzz` asks longer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.api.fuzzing import SEED, Found, asked_oddly, asks, operations
from tests.support.everything import Everything, everything

pytestmark = pytest.mark.in_memory


@pytest.fixture(scope="module")
def world() -> Iterator[Everything]:
    with pytest.MonkeyPatch.context() as patch, everything(patch) as found:
        yield found


def test_nothing_that_is_asked_oddly_is_an_error_of_ours_or_answered_as_nobody_said(
    world: Everything, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    found = Found()
    number = asked_oddly(world, found)
    assert found.asked >= number > 300
    assert not found.wrong, "\n\n".join(f"{route}\n{said}" for route, said in found.wrong.items())
    assert {200, 201, 303, 401, 403, 404, 422} <= set(found.statuses), found.statuses


def test_what_is_no_answer_of_the_description_is_found(world: Everything) -> None:
    # given a route that answers something else than is written of it
    operation = next(each for each in operations(world) if each.label == "GET /links")
    found = Found()
    with pytest.MonkeyPatch.context() as patch:
        page = next(page for page in world.module.server.registered if (page.method, page.path) == ("GET", "/links"))
        patch.setattr(world.module.server, "_json", lambda *given: world.module.server._see("/nowhere"))
        patch.setattr(world.module.server, "_see", _teapot(world))
        asks(world, operation, ["owner"], found, examples=3, seed=SEED)
    # then it is found
    assert page.spec.template and "GET /links" in found.wrong and "418" in found.wrong["GET /links"]


def _teapot(world: Everything) -> object:
    response = world.module.server.Response
    return lambda location: response("", {"Content-Type": "text/plain"}, 418)
