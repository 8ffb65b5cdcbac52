"""The one error tree. `store` and `gateways` raise these in place of what their libraries raise.

Each class says what kind of thing went wrong (the edge maps the class to an HTTP status); `code` is the stable
word a program reads; `detail` is the sentence a person reads, and it says what to do.
"""

from __future__ import annotations


class IntroducerError(Exception):
    """Anything the product refuses or cannot do. `facts` are further fields for the answer; never personal data."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.facts = facts


class Malformed(IntroducerError):
    """The message cannot be read at all (HTTP 400)."""

    code = "malformed"


class Invalid(IntroducerError):
    """The message can be read, but says something that cannot be (HTTP 422)."""

    code = "invalid"


class TooLarge(IntroducerError):
    """The message is longer than what is accepted (HTTP 413)."""

    code = "too_large"


class Unauthenticated(IntroducerError):
    """Nobody we know sent this (HTTP 401)."""

    code = "unauthenticated"


class Forbidden(IntroducerError):
    """We know the sender, who may not do this (HTTP 403)."""

    code = "forbidden"


class NotFound(IntroducerError):
    """There is no such thing, or it is another's (HTTP 404: the two are never told apart)."""

    code = "not_found"


class Conflict(IntroducerError):
    """It contradicts what is already recorded (HTTP 409)."""

    code = "conflict"


class TooMany(IntroducerError):
    """Slow down (HTTP 429)."""

    code = "too_many"


class Unavailable(IntroducerError):
    """Something outside did not answer; trying again later is right (HTTP 503)."""

    code = "unavailable"


class RateMissing(IntroducerError):
    """No exchange rate is stored for a day that needs one; the event waits until finance or the feed brings it."""

    code = "rate_missing"


class Poison(IntroducerError):
    """An accepted event that the engine cannot apply; it goes to quarantine with this reason."""

    code = "poison"
