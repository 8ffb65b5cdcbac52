"""Steps of state machines raise what their state machine catches by name."""

from __future__ import annotations

import pytest

from introducer.domain.errors import Conflict, IntroducerError, Invalid, Malformed, Unavailable
from introducer.runtime.kinds import by_kind


class TooSmall(Invalid):
    """An error of some part, which no state machine knows by its own name."""


class Later(Conflict):
    """One that a single state machine knows."""


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (TooSmall("It is too small.", code="too_small"), Invalid),
        (Conflict("Others were quicker.", code="books_changed"), Unavailable),
        (Conflict("It is over.", code="over"), Conflict),
        (Later("It has more time now.", code="objections_open"), Later),
    ],
)
def test_an_error_is_raised_as_its_kind_with_its_code_and_sentence(raised: IntroducerError, kind: type) -> None:
    with pytest.raises(IntroducerError) as met, by_kind({"books_changed"}, Later):
        raise raised

    assert (type(met.value), met.value.code, met.value.detail) == (kind, raised.code, raised.detail)


def test_what_no_state_machine_knows_stays_what_it_is() -> None:
    for error in (Malformed("It cannot be read.", code="malformed"), KeyError("step")):
        with pytest.raises(type(error)) as met, by_kind():
            raise error
        assert met.value is error


def test_a_kind_of_one_state_machine_is_its_kind_to_the_others() -> None:
    with pytest.raises(Conflict) as met, by_kind():
        raise Later("It has more time now.", code="objections_open")
    assert type(met.value) is Conflict
