"""Small MaxMind DB files, written for tests: networks and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Network, ip_network
from pathlib import Path
from typing import Any

MARK = b"\xab\xcd\xefMaxMind.com"


def a_database(
    said: Mapping[str, Any], *, kind: str = "Test", record_size: int = 24, ip_version: int = 6, **metadata: Any
) -> bytes:
    """A file in which each network (`203.0.113.0/24`) has its record. Of networks within each other, name the larger
    one first."""
    nodes: list[list[int | None]] = [[None, None]]
    data, places = b"", []
    for name, record in said.items():
        places.append(len(data))
        data += encoded(record)
        number, bits, length = _bits(name, ip_version)
        node = 0
        for depth in range(length):
            side = number >> (bits - 1 - depth) & 1
            if depth == length - 1:
                nodes[node][side] = -len(places)
                break
            below = nodes[node][side]
            if below is None or below < 0:
                # A smaller network within one that has a record: both halves keep it at first.
                nodes.append([below, below])
                nodes[node][side] = below = len(nodes) - 1
            node = below
    count = len(nodes)

    def target(value: int | None) -> int:
        if value is None:
            return count
        return value if value > 0 else count + 16 + places[-value - 1]

    tree = b"".join(_node(target(left), target(right), record_size) for left, right in nodes)
    about = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_772_452_800,
        "database_type": kind,
        "description": {"en": "made for a test"},
        "ip_version": ip_version,
        "languages": ["en"],
        "node_count": count,
        "record_size": record_size,
        **metadata,
    }
    return tree + bytes(16) + data + MARK + encoded(about)


def write(folder: Path, name: str, said: Mapping[str, Any], **options: Any) -> Path:
    """Such a file in a folder."""
    path = folder / name
    path.write_bytes(a_database(said, **options))
    return path


def encoded(value: Any) -> bytes:
    """A value in the format of the records."""
    if isinstance(value, bool):
        return _head(14, int(value))
    if isinstance(value, str):
        return _head(2, len(value.encode())) + value.encode()
    if isinstance(value, int):
        content = value.to_bytes((value.bit_length() + 7) // 8)
        return _head(6 if len(content) <= 4 else 9, len(content)) + content
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(encoded(key) + encoded(each) for key, each in value.items())
    if isinstance(value, list):
        return _head(11, len(value)) + b"".join(map(encoded, value))
    raise TypeError(type(value).__name__)


def _head(kind: int, size: int) -> bytes:
    for base, more in ((65_821, 3), (285, 2), (29, 1)):
        if size >= base:
            short, rest = 28 + more, (size - base).to_bytes(more)
            break
    else:
        short, rest = size, b""
    first = [kind << 5 | short] if kind < 8 else [short, kind - 7]
    return bytes(first) + rest


def _bits(name: str, ip_version: int) -> tuple[int, int, int]:
    network = ip_network(name)
    if ip_version == 4 or isinstance(network, IPv6Network):
        return int(network.network_address), network.max_prefixlen, network.prefixlen
    return int(network.network_address), 128, network.prefixlen + 96


def _node(left: int, right: int, size: int) -> bytes:
    if size == 28:
        middle = (left >> 24) << 4 | right >> 24
        return (left & 0xFFFFFF).to_bytes(3) + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3)
    return left.to_bytes(size // 8) + right.to_bytes(size // 8)
