"""What a page says when a service refuses: the form again, with what to do beside the field that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import BaseModel
from visit import FormRefused

from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid

Advice = Mapping[str, tuple[str, str]]
"""By an error's code: the field it is about (empty: the form as a whole), and what to do, as a message id."""


@contextmanager
def advised(wish: BaseModel, advice: Advice, **also: str) -> Iterator[None]:
    """What a service refuses within is told by the form that `wish` was sent with. `also` is typed too, beside what the
    wish says."""
    try:
        yield
    except (Invalid, Conflict, Forbidden) as error:
        raise refusal(error, wish, advice, **also) from error


def refusal(error: IntroducerError, wish: BaseModel, advice: Advice, **also: str) -> IntroducerError | FormRefused:
    """The form again; the error itself where no page says more."""
    if error.code not in advice:
        return error
    field, message = advice[error.code]
    return FormRefused({field if field in type(wish).model_fields else "": message}, typed(wish) | also, error)


def typed(wish: BaseModel) -> dict[str, str]:
    """What was typed, as the form shows it again."""
    sent = wish.model_dump()
    return {name: " ".join(value) if isinstance(value, list) else str(value) for name, value in sent.items()}
