"""What anybody may ask for, remembered by this process for some seconds: however many ask, the books are asked once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.errors import NotFound


class Kept:
    """The newest `most` answers, for `seconds` each. That there is no such thing is an answer too."""

    def __init__(self, seconds: int, most: int) -> None:
        self._seconds = timedelta(seconds=seconds)
        self._most = most
        self._answers: OrderedDict[Hashable, tuple[datetime, Any]] = OrderedDict()

    def get(self, name: Hashable, now: datetime, ask: Callable[[], Any]) -> Any:
        """The answer to what has this name. Raises `NotFound`."""
        found = self._answers.get(name)
        # A clock that was moved back must not make anything last.
        if found is None or not timedelta() <= now - found[0] < self._seconds:
            found = (now, self._asked(ask))
            self._answers[name] = found
            self._answers.move_to_end(name)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        if isinstance(found[1], NotFound):
            raise NotFound(found[1].detail, code=found[1].code)
        return found[1]

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except NotFound as error:
            return error.with_traceback(None)
