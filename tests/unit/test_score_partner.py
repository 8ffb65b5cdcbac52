"""What scoring remembers of a partner, and how much of it."""

from __future__ import annotations

from introducer.domain.fraud.scoring import Scoring
from introducer.domain.fraud.seen import Match
from introducer.services.score_partner import MOST_MATCHES, _as_many_as_fit
from introducer.store.scorings import scoring_to_item


def test_of_thousands_of_clients_who_match_others_the_newest_are_remembered() -> None:
    # given clients of whom each has the e-mail, phone and device of another
    newest = [f"{number:022d}" for number in range(5000, 0, -1)]
    found = {client: tuple(Match(kind, "x" * 22, "") for kind in ("email", "phone", "device")) for client in newest}
    kept = _as_many_as_fit(found, newest)
    # then as many as fit into an item are kept, and few are kept whole
    assert list(kept) == newest[: MOST_MATCHES // 3]
    assert len(str(scoring_to_item(Scoring(partner="par_p", brand="brd_1", matches=kept)))) < 300 * 1024
    assert _as_many_as_fit({"c1": found[newest[0]]}, ["c2", "c1"]) == {"c1": found[newest[0]]}
