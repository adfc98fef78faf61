"""How a caller brings a study to a service that holds a part of it: a header, then what came after its base.

A call whose `base_revision` (and digest) is another than the held one is refused with BASE_REVISION and the one that is
held; the caller streams from there, or from 0, which always works and replaces what is held. So does a caller whose
reply was lost: what it sent is held already, its base is not the held one any more, and it asks again from there.

The digest is the caller's own; a service only compares. When the revision fits and the digest does not (a restored
database), nothing is held of the study. What is held never changes an answer, so any number of services may run side by
side, and any of them may die.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from tunesmith.services.errors import BaseRevision, FixRequest


class Header(Protocol):
    """The first message of a call's stream: which study, and what follows."""

    @property
    def study_uid(self) -> str:
        """Which study."""

    @property
    def base_revision(self) -> int:
        """What follows is what came after it; 0: everything."""

    @property
    def base_digest(self) -> int:
        """Digest at the base."""

    @property
    def revision(self) -> int:
        """After what follows."""


class AtRevision(Protocol):
    """A study that is held as it was at a revision."""

    revision: int
    digest: int


R = TypeVar("R", bound=Message)


async def read_header(requests: AsyncIterator[R]) -> R:
    """Read the first message of the stream, which must be a header."""
    async for request in requests:
        if request.WhichOneof("part") == "header":
            return request
        break
    raise FixRequest("the first message of the stream must be a header")


async def read_chunks(requests: AsyncIterator[R], part: str) -> AsyncIterator[R]:
    """Read the messages after the first one, which must be chunks of `part`."""
    async for request in requests:
        if request.WhichOneof("part") != part:
            raise FixRequest(f"every message of the stream but the first must be a chunk of {part}")
        yield request


def check_header(header: Header, numbers: Sequence[int], asked: str) -> None:
    """Raise FixRequest for a header that no caller should send. `asked`: its field with the trials' `numbers`."""
    rules = [
        (bool(header.study_uid), f"`study_uid` must not be empty, but got {header.study_uid!r}"),
        (
            0 <= header.base_revision <= header.revision,
            "`0 <= base_revision <= revision` must hold, but got "
            f"(base_revision={header.base_revision}, revision={header.revision})",
        ),
    ]
    if any(one >= other for one, other in zip([-1, *numbers], numbers, strict=False)):
        rules.append((False, f"`{asked}` must have numbers of 0 or more that rise, but got {list(numbers[:100])}"))
    if broken := [message for holds, message in rules if not holds]:
        raise FixRequest("; ".join(broken))


def check_base(held: AtRevision | None, header: Header) -> None:
    """Raise BaseRevision, with what is held, when what follows cannot be put to it; from 0 on it always can.

    A held revision whose digest is another's counts as nothing.
    """
    if header.base_revision == 0:
        return
    if held is None or (held.revision == header.base_revision and held.digest != header.base_digest):
        raise BaseRevision(0, 0)
    if held.revision != header.base_revision:
        raise BaseRevision(held.revision, held.digest)
