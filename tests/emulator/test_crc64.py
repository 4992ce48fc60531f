"""CRC-64 as COS computes it."""

from __future__ import annotations

import pytest

from tests.tables import each
from wx_static_store.emulator.crc64 import crc64


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"123456789", 11051210869376104954)],
)
def test_crc64_agrees_with_published_values(data: bytes, expected: int) -> None:
    """The check values of CRC-64/XZ."""
    assert crc64(data) == expected


@each("cut", [0, 1, 7, 8, 9, 100, 101])
def test_crc64_of_parts_is_crc64_of_the_whole(cut: int) -> None:
    """Summing in pieces gives the sum of the whole."""
    data = bytes(range(101))
    assert crc64(data[cut:], crc64(data[:cut])) == crc64(data)
