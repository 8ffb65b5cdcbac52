"""What a deep link may be, as one table: the redirect reads a visit's `to` by it, and a link's own path is checked by
it when the partner writes it."""

from __future__ import annotations

HOST, OTHER = "www.quillmark.example", "go.quillmark.example"
HOSTS = (HOST, OTHER)

ALLOWED: dict[str, str] = {
    "/": f"https://{HOST}/",
    "/en/start": f"https://{HOST}/en/start",
    "/en/start?x=1&y=a%20b": f"https://{HOST}/en/start?x=1&y=a%20b",
    "/%C3%A4rger": f"https://{HOST}/%C3%A4rger",
    "/a/...b": f"https://{HOST}/a/...b",
    f"https://{OTHER}": f"https://{OTHER}/",
    f"https://{OTHER}/spring?x=%2F": f"https://{OTHER}/spring?x=%2F",
    "https://GO.quillmark.example/x": f"https://{OTHER}/x",
}
"""Where each leads."""

REFUSED: tuple[str, ...] = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "https:\\\\evil.example",
    "https://evil.example/",
    "https://evil.example/?www.quillmark.example",
    f"https://{HOST}@evil.example/",
    f"https://{HOST}:8443/",
    f"https://{HOST}.evil.example/",
    f"https://evil{HOST}/",
    f"https://evil.{HOST}/",
    "http://www.quillmark.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://www.quillmark.example/",
    "en/start",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/a/../b",
    "/a/./b",
    "/%2e%2e/b",
    "/a%00b",
    "/a%0d%0aSet-Cookie:x",
    "/a%zz",
    "/a%2",
    "/a%25b",
    "/a b",
    "/a\tb",
    "/a\nb",
    "/ä",
    "/a#fragment",
    "/?x=%0a",
    "/?x={sub1}",
    '/"x"',
    "/<x>",
    "/" + "a" * 1024,
)
