"""What viewers are told, and how often the manager is asked for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tunesmith.services.errors import NotFound
from tunesmith.ui._live import Shared


async def numbers(turn: asyncio.Event, seen: list[str]) -> AsyncIterator[int]:
    """One, and after `turn` two."""
    seen.append("asked")
    try:
        yield 1
        await turn.wait()
        yield 2
    finally:
        seen.append("closed")


async def all_of(shared: Shared[int]) -> list[int]:
    return [number async for number in shared.follow()]


async def test_a_source_is_asked_once_for_all() -> None:
    turn, seen = asyncio.Event(), list[str]()
    shared = Shared(numbers(turn, seen))
    followers = [asyncio.create_task(all_of(shared)) for _ in range(50)]
    await asyncio.sleep(0)
    late = asyncio.create_task(all_of(shared))
    await asyncio.sleep(0.01)
    turn.set()
    assert await asyncio.gather(*followers, late) == [[1, 2]] * 51
    assert seen == ["asked", "closed"]
    assert shared.over


async def test_who_comes_late_hears_the_last_word() -> None:
    turn = asyncio.Event()
    turn.set()
    shared = Shared(numbers(turn, []))
    await asyncio.sleep(0.01)
    assert await all_of(shared) == [2]


async def test_a_source_that_nobody_follows_is_closed() -> None:
    seen = list[str]()
    shared = Shared(numbers(asyncio.Event(), seen))
    follower = shared.follow()
    assert await anext(follower) == 1
    await follower.aclose()  # type: ignore[attr-defined]
    assert seen == ["asked", "closed"]
    assert shared.over


async def test_all_hear_of_an_error() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise NotFound("it was deleted")

    shared = Shared(broken())
    for answer in await asyncio.gather(all_of(shared), all_of(shared), return_exceptions=True):
        assert isinstance(answer, NotFound)


@pytest.mark.parametrize("count", [1, 3])
async def test_what_was_overtaken_is_left_out(count: int) -> None:
    async def quick() -> AsyncIterator[int]:
        for number in range(count):
            yield number

    shared = Shared(quick())
    await asyncio.sleep(0.01)
    assert await all_of(shared) == [count - 1]
