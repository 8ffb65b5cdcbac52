"""From which accounts a brand pays, and so which rails it has.

One secret for each brand, made by operators: `{"sepa": {"name": "…", "iban": "…", "bic": "…"}, "paypal": {"client_id":
"…", "secret": "…"}}`. Either may be missing. Paying by hand needs no account. What waits for a rail without one is not
lost and not sent: it goes as soon as the secret names an account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from introducer.domain.payment_profile import RailKind
from introducer.domain.payout import Batch
from introducer.gateways.rails.files import SentFiles
from introducer.gateways.rails.manual import Manual
from introducer.gateways.rails.paypal import Credentials, Paypal
from introducer.gateways.rails.protocol import Handed, NotReached, Rail, Refusal, Transfer
from introducer.gateways.rails.sepa import Debtor, Sepa
from introducer.gateways.secrets import SecretMissing, Secrets


class NoAccount:
    """Stands for a rail that the brand has no account for: nothing leaves."""

    most_per_batch = 1_000
    currencies: frozenset[str] | None = None
    remembers: timedelta | None = None
    answers = False

    def __init__(self, kind: RailKind, secret: str) -> None:
        self.kind = kind
        self._secret = secret

    def check(self, transfer: Transfer) -> Refusal | None:
        return None

    def send(self, batch: Batch, transfers: Sequence[Transfer], at: datetime) -> Handed:
        raise NotReached(
            f"There is no account to pay from by {self.kind.value}: put one into the secret {self._secret}."
        )

    def look_up(self, batch: Batch, at: datetime) -> Handed | None:
        return None


def rails_of(
    brand: str, subject: str, secrets: Secrets, prefix: str, files: SentFiles, paypal_url: str,
    elapsed: Callable[[], float],
) -> dict[RailKind, Rail]:  # fmt: skip
    """Every rail of a brand. `subject` heads PayPal's mails, `prefix` is what the names of the secrets begin with.

    Raises `Unavailable` while the secret cannot be read, or where it does not have its form.
    """
    secret = prefix + brand
    try:
        secrets.text(secret)
    except SecretMissing:
        accounts: dict[str, Any] = {}
    else:
        accounts = secrets.document(secret)
    rails: dict[RailKind, Rail] = {kind: NoAccount(kind, secret) for kind in RailKind}
    rails[RailKind.MANUAL] = Manual(files)
    if "sepa" in accounts:
        name, iban, bic = _texts(secret, accounts["sepa"], "name", "iban", "bic")
        together = bool(accounts["sepa"].get("booked_together"))
        rails[RailKind.SEPA] = Sepa(files, Debtor(name=name, iban=iban, bic=bic), booked_together=together)
    if "paypal" in accounts:
        client_id, key = _texts(secret, accounts["paypal"], "client_id", "secret")
        known = Credentials(client_id=client_id, secret=key)
        rails[RailKind.PAYPAL] = Paypal(paypal_url, lambda: known, elapsed, subject=subject)
    return rails


def _texts(secret: str, account: Any, *names: str) -> list[str]:
    found = [account.get(name) for name in names] if isinstance(account, Mapping) else []
    if not found or not all(isinstance(each, str) and each for each in found):
        raise SecretMissing(f"In the secret {secret} an account needs {', '.join(names)}.")
    return [str(each) for each in found]
