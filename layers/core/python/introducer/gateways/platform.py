"""Asking a trading platform or a network for a page: over `outside_http`, so at public addresses alone and bounded.

Whoever sets up a source names the host, and is told here what the host did, in words; of what it answered only the rows
go further.
"""

from __future__ import annotations

from collections.abc import Mapping

from introducer.domain.errors import Malformed, Unavailable
from introducer.gateways.outside_http import Bounds, Outside

BOUNDS = Bounds(connect=5.0, whole=60.0, body=16 * 2**20)
"""A page that is longer, or takes longer, is asked for in smaller pieces: by the source's settings."""
LONGEST_WAIT = 3_600
"""Seconds that a platform may ask us to wait."""


class Platform:
    """Asks through `outside`, which has `BOUNDS`."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def page(self, method: str, url: str, headers: Mapping[str, str]) -> bytes:
        """The body of a page; empty where the platform says that there is none.

        Raises `Malformed` for what stays so until somebody changes the settings (`platform_refused`,
        `platform_redirects`, `answer_too_large`), `Unavailable` for what may pass (`platform_busy`, `platform_down`,
        with `wait` in seconds where the platform named a time), and as `Outside.exchange`.
        """
        answer = self._outside.exchange(method, url, headers)
        status = answer.status
        if status == 204:
            return b""
        if 200 <= status < 300:
            if not answer.whole:
                raise Malformed(
                    f"The platform answered more than {BOUNDS.body // 2**20} MB: ask for less at once, by page_size "
                    "or window_minutes.",
                    code="answer_too_large",
                )
            return answer.body
        if 300 <= status < 400:
            raise Malformed(
                f"The platform sends us elsewhere ({status}), and nobody follows: write the final address.",
                code="platform_redirects",
            )
        if status in (408, 425, 429) or status >= 500:
            code = "platform_busy" if status == 429 else "platform_down"
            said = "has had too many requests" if status == 429 else "cannot answer just now"
            raise Unavailable(
                f"The platform {said} ({status}).", code=code, wait=_seconds(answer.headers.get("retry-after", ""))
            )
        said = "does not accept our token" if status in (401, 403) else "does not accept the request"
        raise Malformed(f"The platform {said} ({status}).", code="platform_refused")


def _seconds(text: str) -> int:
    """What `Retry-After` asks for, where it is a number of seconds."""
    return min(int(text), LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 9 else 0
