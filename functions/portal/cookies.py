"""The portal's cookies. All are `__Host-`: set by this host alone, over TLS alone (browsers count localhost as that),
readable by no script; another host of the same domain can neither read nor plant them."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

ACCESS = "__Host-access"
REFRESH = "__Host-refresh"
VISIT = "__Host-visit"
"""A random value for a browser that is not signed in; the CSRF token of the sign-in form is bound to it."""
CHALLENGE = "__Host-challenge"
"""Between the first password and the member's own one: Cognito's handle and the e-mail."""
THEME = "__Host-theme"
LANGUAGE = "__Host-language"

YEAR = 365 * 86_400
REFRESH_AGE = 7 * 86_400
"""As long as the user pool keeps a refresh token; the pool decides, this only tidies up."""
CHALLENGE_AGE = 180


def read(header: str | None) -> dict[str, str]:
    """The cookies of a request. A header that cannot be read has none."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header or "")
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def put(name: str, value: str, seconds: int) -> str:
    """A `Set-Cookie` value. Values are url-safe texts."""
    return f"{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"


def drop(name: str) -> str:
    """A `Set-Cookie` value that removes the cookie."""
    return f"{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
