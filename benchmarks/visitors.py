"""What people who open tracking links send: browsers of today, and the values that networks put into a link."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlencode

from introducer_ops.browsers import BROWSERS

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_COUNTRIES = ("DE", "PL", "TH", "GB", "ES", "JP", "AE")
_REFERERS = (
    "https://www.google.com/",
    "https://www.youtube.com/watch?v=x",
    "https://compare-brokers.example/reviews/best-of-2026",
    "https://l.instagram.com/",
    "",
)


def subs(chance: random.Random) -> dict[str, str]:
    """The partner's own values, all five: source, campaign, ad, the ad platform's click id, placement."""
    return {
        "sub1": chance.choice(("google", "facebook", "tiktok", "telegram")),
        "sub2": f"{chance.choice(('spring', 'gold', 'forex'))}-search-{chance.choice(_COUNTRIES).lower()}-2026",
        "sub3": f"adgroup-{chance.randrange(10**10, 10**11)}",
        "sub4": "".join(chance.choices(_ALPHABET, k=chance.choice((55, 61, 91)))),
        "sub5": f"placement_{chance.randrange(10**5, 10**6)}",
    }


def visitor_headers(chance: random.Random, edge_secret: str) -> dict[str, str]:
    """What a browser sends and what the edge adds. Half of the visitors have been here before."""
    headers = {
        "User-Agent": chance.choice(BROWSERS),
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "en-GB,en;q=0.9",
        "Introducer-Edge": edge_secret,
        "X-Forwarded-For": ".".join(str(chance.randrange(1, 255)) for _ in range(4)),
        "CloudFront-Viewer-Country": chance.choice(_COUNTRIES),
    }
    if referer := chance.choice(_REFERERS):
        headers["Referer"] = referer
    if chance.random() < 0.5:
        headers["Cookie"] = "iv=" + "".join(chance.choices(_ALPHABET, k=22))
    return headers


def visits(chance: random.Random, edge_secret: str, count: int = 500, links: int = 50) -> list[dict[str, Any]]:
    """HTTP API events (payload 2.0, all that a gateway sends) of people who open these many links in turn."""
    codes = ["".join(chance.choices(_ALPHABET[:62], k=8)) for _ in range(links)]
    return [_event(chance, codes[number % links], edge_secret) for number in range(count)]


def _event(chance: random.Random, code: str, edge_secret: str) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in visitor_headers(chance, edge_secret).items()}
    cookie = headers.pop("cookie", "")
    values = subs(chance)
    return {
        "version": "2.0",
        "routeKey": "GET /c/{code}",
        "rawPath": f"/c/{code}",
        "rawQueryString": urlencode(values),
        **({"cookies": [cookie]} if cookie else {}),
        "headers": headers
        | {
            "host": "go.broker.example",
            "content-length": "0",
            "x-amzn-trace-id": "Root=1-69b1c2d3-0a1b2c3d4e5f60718293a4b5",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": values,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "go.broker.example",
            "domainPrefix": "go",
            "http": {
                "method": "GET",
                "path": f"/c/{code}",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": headers["user-agent"],
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /c/{code}",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000,
        },
        "pathParameters": {"code": code},
        "isBase64Encoded": False,
    }
