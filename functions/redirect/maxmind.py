"""Reads MaxMind DB files (format 2.0): what such a file says of an address. Standard library only, and only to read.

A file is a binary tree over the bits of an address, then its records, then a map that describes the file. It is mapped
into memory, so that of a file of a hundred megabytes only what is walked through is loaded. Everything that is read is
checked against the file's bounds: a file that is cut or damaged raises `Unreadable` and never more.
"""

from __future__ import annotations

import mmap
import struct
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

_MARK = b"\xab\xcd\xefMaxMind.com"
_MARK_WITHIN = 128 * 1024
"""The description lies in the last 128 KB."""
_GAP = 16
"""Zeroes between the tree and the records."""
_DEPTH = 32
"""Maps and lists within each other at most; a pointer counts too."""
_VALUES = 10_000
"""Values in one record at most. A file of pointers to pointers could name more than memory holds."""
_POINTER, _TEXT, _DOUBLE, _BYTES, _MAP, _SIGNED, _LIST, _BOOL, _FLOAT = 1, 2, 3, 4, 7, 8, 11, 14, 15
_NUMBERS = {5: 2, 6: 4, 9: 8, 10: 16}
"""Kinds of whole numbers, and how many bytes they have at most."""


class Unreadable(ValueError):
    """The file is no MaxMind DB, or not a whole one."""


class Maxmind:
    """One file. Its records are kept as they are decoded: many addresses share one."""

    def __init__(self, path: Path) -> None:
        """Raises `Unreadable` and `OSError`."""
        with path.open("rb") as file:
            try:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:
                raise Unreadable(f"{path.name} is empty.") from error
        begin = self._bytes.rfind(_MARK, max(0, len(self._bytes) - _MARK_WITHIN))
        if begin < 0:
            raise Unreadable(f"{path.name} is no MaxMind DB.")
        said, _ = _Record(self._bytes, begin + len(_MARK), len(self._bytes)).value(0)
        try:
            self.kind = str(said["database_type"])
            self._nodes, size = int(said["node_count"]), int(said["record_size"])
            self._bits = {4: 32, 6: 128}[int(said["ip_version"])]
            self._node = {24: 6, 28: 7, 32: 8}[size]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unreadable(f"{path.name} does not say how to read it: {error}.") from error
        self._size = size
        self._end = begin
        self._data = self._nodes * self._node + _GAP
        if self._data > begin:
            raise Unreadable(f"{path.name} is cut: its tree is longer than the file.")
        self.record = lru_cache(maxsize=4096)(self._record)
        # In a tree of IPv6 the other addresses lie behind 96 zeroes.
        self._four = self._walk(0, 0, 96) if self._bits == 128 else 0

    def find(self, address: IPv4Address | IPv6Address) -> Any:
        """What the file says of the address, usually a dict; None when it does not know it. Raises `Unreadable`."""
        if address.version == 4:
            node = self._walk(self._four, int(address), 32)
        elif self._bits == 128:
            node = self._walk(0, int(address), 128)
        else:
            return None
        return self.record(node) if node > self._nodes else None

    def _walk(self, node: int, number: int, bits: int) -> int:
        """Down the tree along the bits; below `_nodes` the walk has not reached an end."""
        tree, size, step, nodes = self._bytes, self._size, self._node, self._nodes
        for bit in range(bits - 1, -1, -1):
            if node >= nodes:
                break
            right, at = number >> bit & 1, node * step
            if size == 24:
                at += 3 * right
                node = int.from_bytes(tree[at : at + 3])
            elif size == 32:
                at += 4 * right
                node = int.from_bytes(tree[at : at + 4])
            else:
                # Both records share the middle byte: its left half belongs to the left one.
                both = int.from_bytes(tree[at : at + 7])
                node = (both & 0xFFFFFFF) if right else (both >> 32 | (both >> 28 & 0xF) << 24)
        return node

    def _record(self, node: int) -> Any:
        value, _ = _Record(self._bytes, self._data, self._end).value(node - self._nodes - _GAP)
        return value


class _Record:
    """Decodes one value of a section of the file; places are counted from the section's beginning."""

    def __init__(self, file: mmap.mmap, begin: int, end: int) -> None:
        self._file, self._begin, self._end = file, begin, end
        self._left = _VALUES

    def value(self, at: int, depth: int = 0) -> tuple[Any, int]:
        """The value that begins at this place, and where the next one begins."""
        self._left -= 1
        if depth > _DEPTH or self._left < 0:
            raise Unreadable("A record of the MaxMind DB holds more than any real one.")
        control = self._bytes(at, 1)[0]
        kind, size, at = control >> 5, control & 0x1F, at + 1
        if kind == _POINTER:
            return self._pointed(size, at, depth)
        if kind == 0:
            kind, at = 7 + self._bytes(at, 1)[0], at + 1
        if size >= 29:
            more = size - 28
            size = (29, 285, 65_821)[more - 1] + int.from_bytes(self._bytes(at, more))
            at += more
        if kind in (_MAP, _LIST):
            return self._members(kind, size, at, depth)
        if kind == _BOOL:
            return bool(size), at
        return self._plain(kind, self._bytes(at, size)), at + size

    def _pointed(self, bits: int, at: int, depth: int) -> tuple[Any, int]:
        length = (bits >> 3) + 1
        target = int.from_bytes(self._bytes(at, length))
        if length < 4:
            target += ((bits & 7) << 8 * length) + (0, 2048, 526_336)[length - 1]
        return self.value(target, depth + 1)[0], at + length

    def _members(self, kind: int, size: int, at: int, depth: int) -> tuple[Any, int]:
        found: dict[str, Any] = {}
        items: list[Any] = []
        for _ in range(size):
            if kind == _MAP:
                name, at = self.value(at, depth + 1)
                if not isinstance(name, str):
                    raise Unreadable("A name in a map of the MaxMind DB is no text.")
                found[name], at = self.value(at, depth + 1)
            else:
                item, at = self.value(at, depth + 1)
                items.append(item)
        return (found if kind == _MAP else items), at

    @staticmethod
    def _plain(kind: int, given: bytes) -> Any:
        if kind == _TEXT:
            return given.decode(errors="replace")
        if kind == _BYTES:
            return given
        if kind in _NUMBERS and len(given) <= _NUMBERS[kind]:
            return int.from_bytes(given)
        if kind == _SIGNED and len(given) <= 4:
            return struct.unpack(">i", given.rjust(4, b"\0"))[0]
        if kind == _DOUBLE and len(given) == 8:
            return struct.unpack(">d", given)[0]
        if kind == _FLOAT and len(given) == 4:
            return struct.unpack(">f", given)[0]
        raise Unreadable(f"The MaxMind DB has a value of kind {kind} and {len(given)} bytes, which is none.")

    def _bytes(self, at: int, length: int) -> bytes:
        begin = self._begin + at
        if at < 0 or begin + length > self._end:
            raise Unreadable("A place in the MaxMind DB lies outside it.")
        return self._file[begin : begin + length]
