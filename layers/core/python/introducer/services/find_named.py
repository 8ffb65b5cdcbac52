"""Where somebody who was erased is still named: both tables are read whole. For operators alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from introducer.store.scans import Scans


def find_named(scans: Scans, names: Iterable[str]) -> Iterator[str]:
    """The places of items in which one of these texts stands, such as `BOOKS P#par_1 / partner`. Raises
    `Unavailable`."""
    needles = [json.dumps(name, ensure_ascii=False)[1:-1] for name in names if name]
    for side in (scans.facts, scans.books):
        for stored in side():
            text = json.dumps(dict(stored.item), ensure_ascii=False)
            # Values of some items are JSON texts themselves, quoted once more here.
            if any(needle in text or json.dumps(needle, ensure_ascii=False)[1:-1] in text for needle in needles):
                yield str(stored)
