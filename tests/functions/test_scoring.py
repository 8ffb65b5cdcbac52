"""The function of scoring: what names no partner is kept for a person, and holds up nobody."""

from __future__ import annotations

import pytest

from tests.support import functions


@pytest.mark.parametrize("body", ["no JSON", "{}", '["par_1"]'])
def test_a_message_that_names_no_partner_comes_again_until_the_dead_letter_queue_has_it(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Introducer")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "scoring")
    answer = functions.load("scoring").handler({"Records": [{"messageId": "m1", "body": body}]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
