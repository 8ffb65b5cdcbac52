"""Errors of the steps of state machines. Lambda reports the name of a class, and a state machine asks for the kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from introducer.domain.errors import Conflict, Forbidden, IntroducerError, Invalid, NotFound, TooMany, Unavailable

KINDS: tuple[type[IntroducerError], ...] = (Invalid, NotFound, Conflict, Forbidden, TooMany, Unavailable)
"""What every state machine knows errors by."""


@contextmanager
def by_kind(met: Collection[str] = (), *own: type[IntroducerError]) -> Iterator[None]:
    """What is raised within is raised as its kind; those of `own` are kinds of this state machine's alone. `met` are
    codes that only say that somebody else was quicker, or that it is a moment too early: they are raised as
    `Unavailable`, so that the step is tried again, and looks anew."""
    try:
        yield
    except IntroducerError as error:
        kinds = (each for each in (*own, *KINDS) if isinstance(error, each))
        kind = Unavailable if error.code in met else next(kinds, None)
        if kind is None or kind is type(error):
            raise
        raise kind(error.detail, code=error.code) from error
