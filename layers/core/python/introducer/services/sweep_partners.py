"""Once a day every partner is looked at, whatever happened, and no case is left without an execution."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from introducer.domain.errors import IntroducerError
from introducer.services.case_books import CaseBooks, Start
from introducer.services.open_case import start_execution


def sweep_partners(
    books: CaseBooks, send: Callable[[str], None], start: Start, *, now: datetime, brand: str | None = None
) -> int:
    """Name every partner of a brand (of all brands, without one) to the queue of scoring; how many those are.

    A case whose execution cannot be started now is left to the next day's sweep. Raises `Unavailable`: call again.
    """
    number = 0
    for each in [brand] if brand else [each.brand for each in books.configuration.every_brand()]:
        for card in books.configuration.every_card(each):
            send(json.dumps({"partner": card.partner}))
            number += 1
        for case in list(books.cases.all_open(each)):
            with suppress(IntroducerError):
                start_execution(books, start, case)
    return number
