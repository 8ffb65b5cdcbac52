"""What may go wrong when AWS is asked, told apart by what it means for a click."""


class AwsError(Exception):
    """A call that was not answered as it should be."""

    passing = False
    """Whether it may well be answered when it is made again."""

    @property
    def reason(self) -> str:
        """Why, for the log: AWS's own code, or a few words of ours."""
        return str(self.args[0])


class Unreachable(AwsError):
    """No connection: the name is not known, nobody listens, TLS did not agree. Nothing was sent."""

    passing = True


class TimedOut(AwsError):
    """The budget of the call is used up. What was asked may have been done."""


class Broken(AwsError):
    """The answer ended too early, is no HTTP, or is not what was sent. What was asked may have been done."""

    passing = True


class Closed(Broken):
    """The other side has closed the connection and answered nothing."""


class Failed(AwsError):
    """AWS answered that something is wrong on its side. What was asked may have been done."""

    passing = True


class Throttled(AwsError):
    """AWS takes no more just now."""

    passing = True


class Expired(AwsError):
    """The credentials or the time of the signature are not accepted."""


class Refused(AwsError):
    """AWS will not do this however often it is asked: no right, no such table, not a valid request."""
