"""People apply to be partners of the demo world's brand: over HTTP, as strangers do, with the links that mails brought.
Three do: one comes by the demo partner's invitation and is a partner now, one was refused, one waits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from introducer.domain.application import partner_of
from introducer.gateways.user_pool import UserPool
from introducer_ops.demo.building import new_password
from introducer_ops.demo.desk import Desk, DeskRefused
from introducer_ops.localcloud import Stack

_LINK = re.compile(r"/apply/confirm/[\w.-]+")
_FORM: Mapping[str, Any] = {"currency": "EUR", "language": "en", "consent": True}
COMES = {
    "name": "Greta Lindholm",
    "company": "Tidewater Reviews",
    "email": "greta@tidewater.example",
    "country": "SE",
    "kind": "affiliate",
    "website": "https://www.tidewater.example",
    "channels": ["website", "search"],
    "plan": "We compare brokers for traders in Sweden and Norway: 30,000 readers a month.",
}
"""Is invited by the demo partner, and approved."""
REFUSED = {
    "name": "Rufus Bell",
    "company": "Fast Gold Signals",
    "email": "rufus@fastgold.example",
    "country": "GB",
    "kind": "affiliate",
    "channels": ["messenger"],
    "plan": "Guaranteed profits in my group, everybody wins.",
}
WAITS = {
    "name": "Nadia Haddad",
    "company": "Haddad Trading Academy",
    "email": "nadia@academy.example",
    "country": "AE",
    "kind": "ib",
    "channels": ["in_person", "video"],
    "plan": "I teach forty people a month, and look after those who trade.",
}
"""Comes by the demo partner's invitation too, and waits for an answer."""
WHY_NOT = "We work with nobody who promises profits: it is against our licence, and against our clients."


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it: whose mails there are, and the partner that one of them became."""

    partners: tuple[str, ...]
    """The partners that the applications are, or would be."""
    became: str


def apply(
    stack: Stack,
    *,
    brand: str,
    star: Desk,
    manager: Desk,
    terms: Mapping[str, Any],
    mail_to: Callable[[str], str],
) -> Applied:
    """All of them apply and confirm their address; the manager decides about two. `mail_to` waits for the newest mail
    to an address, as text."""
    code = str(star.get("/network")["link"]).partition("with=")[2]
    names = {
        each["email"]: _applies(stack, each, brand, code if each is not REFUSED else "", mail_to)
        for each in (COMES, REFUSED, WAITS)
    }
    for each, what, said in (
        (COMES, "approval", {"below": True, "terms": dict(terms)}),
        (REFUSED, "refusal", {"why": WHY_NOT}),
    ):
        where = f"/desk/applications/{names[each['email']]}"
        manager.post(f"{where}/{what}", {"version": manager.get(where)["version"], **said})
    # Whoever is invited chooses a password of their own with the first one.
    password = new_password()
    pool = UserPool(stack.client("cognito-idp"), stack.outputs["UserPoolId"])
    pool.set_password(str(COMES["email"]), password)
    became = partner_of(brand, names[COMES["email"]])
    return Applied(partners=tuple(partner_of(brand, name) for name in names.values()), became=became)


def _applies(stack: Stack, who: Mapping[str, Any], brand: str, code: str, mail_to: Callable[[str], str]) -> str:
    """The application, confirmed."""
    with stack.http(headers={"Accept": "application/json"}) as anybody:
        answer = anybody.post("/apply", json={**_FORM, **who, "brand": brand, "recruit": code})
        if answer.status_code != 201:
            raise DeskRefused(f"POST /apply: {answer.status_code} {answer.text[:300]}")
        link = _LINK.search(mail_to(str(who["email"])))
        if link is None:
            raise DeskRefused(f"The mail to {who['email']} has no link.")
        confirmed = anybody.post(link[0])
        if confirmed.status_code != 200:
            raise DeskRefused(f"POST {link[0]}: {confirmed.status_code} {confirmed.text[:300]}")
    return str(answer.json()["application"])
