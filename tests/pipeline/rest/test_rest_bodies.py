"""Memory of bodies: bounds in all and for each client, and no requests that wait for each other."""

import asyncio
import contextlib

import pytest

from tfx_sequences.pipeline.rest.rest_bodies import BodyBudget

BODY = 100


async def waits(share, size):
    """Whether a share does not get its bytes at once."""
    try:
        await asyncio.wait_for(share.take(size), 0.05)
    except asyncio.TimeoutError:
        return True
    return False


def test_bytes_are_taken_as_they_arrive_and_given_back():
    async def run():
        budget = BodyBudget(BODY)
        async with budget.share("a") as share:
            assert budget.taken == 0
            await share.take(30)
            await share.take(20)
            assert budget.taken == share.size == 50
        assert budget.taken == 0

    asyncio.run(run())


def test_a_client_has_half_of_the_memory_and_all_clients_have_all():
    async def run():
        budget = BodyBudget(BODY)
        async with contextlib.AsyncExitStack() as stack:
            shares = {name: await stack.enter_async_context(budget.share(name[0])) for name in ("a1", "a2", "a3", "b1")}
            await shares["a1"].take(100)
            await shares["a2"].take(100)
            assert await waits(shares["a3"], 1)
            assert not await waits(shares["b1"], 100)
            others = [await stack.enter_async_context(budget.share(f"c{n}")) for n in range(2)]
            assert not await waits(others[0], 100)
            assert await waits(others[1], 1)

    asyncio.run(run())


@pytest.mark.parametrize("clients", ["aaaaaaaa", "abcdefgh", "aaaabbbb"])
def test_bodies_that_arrive_together_all_get_their_bytes(clients):
    async def send(budget, client):
        async with budget.share(client) as share:
            for _ in range(10):
                await share.take(BODY // 10)
                await asyncio.sleep(0)
            assert budget.taken <= 5 * BODY
            return share.size

    async def run():
        budget = BodyBudget(BODY)
        sizes = await asyncio.wait_for(asyncio.gather(*(send(budget, client) for client in clients)), 60)
        assert sizes == [BODY] * len(clients) and budget.taken == 0

    asyncio.run(run())
