"""The launcher of workers by itself: who gets an offer, how long a lease lasts, and that each attempt has one exit."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tunesmith.manager.launchers import Exit, Launch, LauncherContext, Lease
from tunesmith.manager.launchers._offers import Offer
from tunesmith.manager.launchers.workers import WorkersLauncher
from tunesmith.study import FailureClass

FOLDER = Path("/nowhere")
ONE, TWO = Offer("default", "s", "s-0-aaaaa", 1), Offer("default", "other", "other-0-aaaaa", 1)


def any_offer(_: Offer) -> bool:
    return True


def launch_of(offer: Offer) -> Launch:
    return Launch(offer.trial, offer.attempt, FOLDER, (), namespace=offer.namespace, study=offer.study, workers=True)


class Place:
    """A launcher, what the database would know, and the exits that came."""

    def __init__(self) -> None:
        self.leases: dict[tuple[str, int], Lease] = {}
        self.launcher = WorkersLauncher(LauncherContext(FOLDER, lease_of=self._lease_of), clock=lambda: 7.0)
        self.found: list[Exit] = []
        self.launches: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read())

    async def _lease_of(self, trial: str, attempt: int) -> Lease | None:
        return self.leases.get((trial, attempt))

    async def _read(self) -> None:
        async for exit in self.launcher.exits():
            self.found.append(exit)

    async def launch(self, offer: Offer) -> asyncio.Task[None]:
        task = asyncio.create_task(self.launcher.launch(launch_of(offer)))
        self.launches.add(task)
        await asyncio.sleep(0)
        return task

    async def taken(self, seconds: float = 30, offer: Offer = ONE) -> None:
        """Launched, and in the hands of a worker."""
        task = await self.launch(offer)
        assert await self.launcher.offers.take(any_offer, 0) == offer
        self.launcher.give(offer, seconds)
        await task

    async def exits(self, count: int = 1, seconds: float = 2) -> list[Exit]:
        async with asyncio.timeout(seconds):
            while len(self.found) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return self.found

    async def close(self) -> None:
        await self.launcher.close()
        await self._reading
        for task in self.launches:
            task.cancel()
        await asyncio.gather(*self.launches, return_exceptions=True)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    found = Place()
    yield found
    await found.close()


async def test_offers_go_in_order_to_those_who_want_them(place: Place) -> None:
    offers = place.launcher.offers
    await place.launch(ONE)
    await place.launch(TWO)
    assert await offers.take(lambda offer: offer.study == "other", 0) == TWO
    assert await offers.take(any_offer, 0) == ONE
    assert await offers.take(any_offer, 0.01) is None
    place.launcher.give_back(TWO)
    place.launcher.give_back(ONE)  # and stands before it
    assert await offers.take(any_offer, 0) == ONE


async def test_who_waits_first_is_served_first(place: Place) -> None:
    offers = place.launcher.offers
    first, second, other = (
        asyncio.create_task(offers.take(wanted, 5))
        for wanted in (any_offer, any_offer, lambda offer: offer.study == "other")
    )
    await asyncio.sleep(0)
    await place.launch(ONE)
    assert await first == ONE
    second.cancel()
    await asyncio.sleep(0)
    await place.launch(TWO)
    assert await other == TWO


async def test_a_worker_that_hangs_up_loses_no_offer(place: Place) -> None:
    offers = place.launcher.offers
    waiting = asyncio.create_task(offers.take(any_offer, 5))
    await asyncio.sleep(0)
    offers.add(ONE)
    waiting.cancel()  # after it was served, and before it knows
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await offers.take(any_offer, 0) == ONE


async def test_a_launch_lasts_until_a_worker_has_it(place: Place) -> None:
    task = await place.launch(ONE)
    await asyncio.sleep(0.02)
    assert not task.done()
    assert await place.launcher.offers.take(any_offer, 0) == ONE
    place.launcher.give(ONE, 30)
    await task
    await place.launcher.launch(launch_of(ONE))  # it is known
    assert place.found == []


async def test_a_launch_that_is_cancelled_leaves_nothing(place: Place) -> None:
    task = await place.launch(ONE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await place.launcher.offers.take(any_offer, 0) is None
    assert not await place.launcher.adopt(*ONE.key, FOLDER)
    task = await place.launch(ONE)
    assert await place.launcher.offers.take(any_offer, 0) == ONE
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    place.launcher.give_back(ONE)  # nobody waits for its exit any more
    assert await place.launcher.offers.take(any_offer, 0) is None


async def test_silence_ends_an_attempt_and_a_word_does_not(place: Place) -> None:
    await place.taken(seconds=0.2)
    for _ in range(4):
        await asyncio.sleep(0.1)
        place.launcher.hear(ONE.key, told=False)
    assert place.found == []
    message = "its worker was silent for 0.2 s, as long as its lease lasted"
    assert await place.exits() == [Exit(*ONE.key, failure=FailureClass.LOST, message=message, time=7.0)]
    assert place.launcher.over(ONE.key)
    place.launcher.hear(ONE.key, told=False)
    place.launcher.complete(Exit(*ONE.key, status=0))
    await asyncio.sleep(0.3)
    assert len(place.found) == 1
    place.launcher.forget(*ONE.key)
    assert not place.launcher.over(ONE.key)


async def test_a_stop_before_a_worker_has_it(place: Place) -> None:
    task = await place.launch(ONE)
    await place.launcher.stop(*ONE.key, 30)
    await task
    assert await place.exits() == [Exit(*ONE.key, message="it was stopped before a worker took it", time=7.0)]
    assert await place.launcher.offers.take(any_offer, 0) is None


async def test_a_stop_while_a_worker_takes_it(place: Place) -> None:
    await place.launch(ONE)
    await place.launch(TWO)
    for offer in (ONE, TWO):
        assert await place.launcher.offers.take(any_offer, 0) == offer
        await place.launcher.stop(*offer.key, 0.05)
    await asyncio.sleep(0.1)
    assert place.found == []
    place.launcher.give_back(ONE)
    place.launcher.give(TWO, 30)
    one, two = await place.exits(2)
    assert (one.message, two.message) == (
        "it was stopped before a worker took it",
        "its worker did not complete it within 0.05 s",
    )


async def test_heartbeats_do_not_put_off_the_end_of_the_grace(place: Place) -> None:
    await place.taken()
    assert not place.launcher.was_told(ONE.key)
    await place.launcher.stop(*ONE.key, 30)
    await place.launcher.stop(*ONE.key, 30)
    place.launcher.hear(ONE.key, told=True)
    assert place.launcher.was_told(ONE.key)
    await place.launcher.stop(*ONE.key, 0.2)  # the shorter one holds
    for _ in range(5):
        await asyncio.sleep(0.05)
        place.launcher.hear(ONE.key, told=True)
    (exit,) = await place.exits()
    assert (exit.status, exit.failure) == (None, None)
    assert exit.message == "its worker did not complete it within 0.2 s"


async def test_a_completion_is_the_exit_and_stops_the_time_while_it_is_stored(place: Place) -> None:
    await place.taken(seconds=0.05)
    place.launcher.pause(ONE.key)
    await asyncio.sleep(0.1)
    assert place.found == []
    exit = Exit(*ONE.key, status=0, time=5.0)
    place.launcher.complete(exit)
    assert await place.exits() == [exit]
    await place.taken(seconds=0.05, offer=TWO)
    place.launcher.pause(TWO.key)
    place.launcher.resume(TWO.key)  # it was not stored
    assert (await place.exits(2))[1].failure is FailureClass.LOST


async def test_what_an_earlier_manager_offered(place: Place) -> None:
    done = Exit(*TWO.key, status=3, failure=FailureClass.USER_ERROR)
    place.leases = {ONE.key: Lease(0.2), TWO.key: Lease(30, done)}
    assert not await place.launcher.adopt("unknown-0-aaaaa", 1, FOLDER)
    assert await place.launcher.adopt(*TWO.key, FOLDER)
    assert await place.exits() == [done]
    assert await place.launcher.adopt(*ONE.key, FOLDER)
    assert await place.launcher.adopt(*ONE.key, FOLDER)  # again, after a fault of the database
    assert (await place.exits(2))[1].failure is FailureClass.LOST
    await asyncio.sleep(0.3)
    assert len(place.found) == 2


async def test_a_completion_that_comes_before_the_adoption(place: Place) -> None:
    done = Exit(*ONE.key, status=0)
    place.launcher.hear(ONE.key, told=True)  # nobody knows it yet, and nobody minds
    place.launcher.complete(done)
    place.leases = {ONE.key: Lease(30)}  # as it was read before
    assert await place.launcher.adopt(*ONE.key, FOLDER)
    assert await place.exits() == [done]


async def test_closing_ends_waits_and_exits(place: Place) -> None:
    waiting = asyncio.create_task(place.launcher.offers.take(lambda offer: offer.study == "none", 30))
    await place.taken(seconds=0.05)
    await asyncio.sleep(0)
    await place.launcher.close()
    assert await waiting is None
    await asyncio.sleep(0.1)
    assert place.found == []  # workers keep what they have
