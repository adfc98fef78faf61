"""Keys of trials, and the rolling digest of a study's history."""

import struct
from hashlib import blake2b
from typing import Final

_BITS: Final = 32
LAST_NUMBER: Final = (1 << _BITS) - 1
"""The highest number that a trial can have."""
_HALF, _WHOLE = 1 << 63, 1 << 64
_NAN: Final = struct.pack("<Q", 0x7FF8_0000_0000_0000)


def trial_id(study_id: int, number: int) -> int:
    """Key of a study's trial: the study in the upper half, the number in the lower."""
    return study_id << _BITS | number


def study_of(trial_id: int) -> int:
    """Key of the study to which a trial belongs."""
    return trial_id >> _BITS


def number_of(trial_id: int) -> int:
    """Number of a trial in its study."""
    return trial_id & LAST_NUMBER


def next_digest(digest: int, number: int, state: str, value: float | None, assignment: str) -> int:
    """The study's digest after one more change: it tells histories apart that have the same revision.

    It is the first 8 bytes, little-endian, of blake2b over: the digest before (8 bytes, little-endian, unsigned), the
    trial's number (the same), its new state in UTF-8 and a zero byte, the bits of its value (IEEE double,
    little-endian; negative zero as zero; no value: the quiet NaN 0x7FF8000000000000), and its assignment as JSON with
    sorted keys and no spaces.
    """
    bits = _NAN if value is None else struct.pack("<d", value + 0.0)  # SQLite stores no negative zero
    content = b"".join((struct.pack("<QQ", digest, number), state.encode(), b"\0", bits, assignment.encode()))
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


def signed(digest: int) -> int:
    """An unsigned 64 bit number as the signed one that a database can hold."""
    return digest - _WHOLE if digest >= _HALF else digest


def unsigned(stored: int) -> int:
    """The inverse of `signed`."""
    return stored + _WHOLE if stored < 0 else stored
