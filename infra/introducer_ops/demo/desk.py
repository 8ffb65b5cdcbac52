"""The portal over HTTP: somebody of the staff, or of a partner, signs in as a browser does, and then writes as programs
do."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import Any

import httpx

from introducer_ops.demo.building import Login
from introducer_ops.localcloud import Stack

_ACCESS = "__Host-access"


class DeskRefused(Exception):
    """The desk did not take it; the sentence says what it answered."""


class Desk:
    """A member of staff, or a partner's, at the portal."""

    def __init__(self, stack: Stack, login: Login) -> None:
        self._http = stack.http(headers={"Authorization": f"Bearer {_token(stack, login)}"})

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> dict[str, Any]:
        """A page's data."""
        return _data(self._http.get(path))

    def post(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """What came of a write."""
        return _data(self._http.post(path, json=said))

    def post_file(self, path: str, content: bytes, query: dict[str, str]) -> dict[str, Any]:
        """What came of a file that was handed in."""
        headers = {"Content-Type": "application/xml", "Accept": "application/json"}
        return _data(self._http.post(path, params=query, content=content, headers=headers))


def _token(stack: Stack, login: Login) -> str:
    """The access token that the sign-in form leaves in a cookie."""
    with stack.http(headers={"Accept": "text/html"}) as browser:
        page = browser.get("/sign-in")
        csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
        if csrf is None:
            raise DeskRefused(f"The sign-in page answered {page.status_code} and has no form.")
        cookies = "; ".join(f"{name}={value}" for name, value in _cookies(page).items())
        form = {"csrf": csrf[1], "email": login.email, "password": login.password}
        entered = browser.post("/sign-in", data=form, headers={"Cookie": cookies})
        token = _cookies(entered).get(_ACCESS)
        if token is None:
            raise DeskRefused(f"{login.email} could not sign in: {entered.status_code}.")
        return token


def _cookies(answer: httpx.Response) -> dict[str, str]:
    # They are of a host over TLS; on this machine, over plain HTTP, no client would send them back by itself.
    found: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("Set-Cookie"):
        found.load(line)
    return {name: morsel.value for name, morsel in found.items()}


def _data(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        request = answer.request
        raise DeskRefused(f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:300]}")
    data: dict[str, Any] = answer.json()
    return data
