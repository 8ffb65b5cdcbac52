"""What may go wrong when AWS is asked, told apart by what it means for a click. `reason` is for the log."""

from __future__ import annotations


class AwsError(Exception):
    """A call that was not answered as it should be. Its reason is AWS's own code, or a few words of ours."""

    @property
    def reason(self) -> str:
        """Why, short: `ProvisionedThroughputExceededException`, `connection refused`, `status 503`."""
        return str(self.args[0]) if self.args else type(self).__name__


class Unreachable(AwsError):
    """No connection: the name is not known, nobody listens, or TLS did not agree. Nothing was sent."""


class TimedOut(AwsError):
    """The budget of the call is used up. What was sent may have been done."""


class Broken(AwsError):
    """The answer ended too early, is no HTTP, or is not what was sent on the way. What was sent may have been done."""


class Failed(AwsError):
    """AWS answered that something is wrong on its side (a status of 500 or more)."""


class Throttled(AwsError):
    """AWS takes no more just now."""


class Expired(AwsError):
    """The credentials or the time of the signature are not accepted: too old, unknown, or signed by a wrong clock."""


class Refused(AwsError):
    """AWS will not do this however often it is asked: no right, no such table, not a valid request."""
