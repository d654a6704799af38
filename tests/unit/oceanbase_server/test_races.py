# Copyright (c) 2026, the dbops.oracle_sessions authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a statement that waits when two things happen to it at once, before it has noticed the first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from servers.oceanbase import kill
from servers.oceanbase.client import Client
from servers.oceanbase.errors import Cut, ServerError
from servers.oceanbase.executor import execute
from servers.oceanbase.observer import Observer
from servers.oceanbase.options import Options
from servers.oceanbase.session import Session

WAITS = "UPDATE t SET v = v + 1 WHERE id = 1"


class World:
    """An observer without a network: a holder of a row, a waiter for it with a row of its own, and a third one."""

    def __init__(self) -> None:
        self.observer = Observer(Options(), "secret", [2881])
        self.cut: list[Client] = []
        self.holder, self.waiter, self.third = (self._session(number) for number in (1, 2, 3))

    def _session(self, number: int) -> Session:
        account = self.observer.accounts.find("shop", "SYS")
        assert account is not None

        def end() -> None:
            self.cut.append(client)

        address = ("127.0.0.1", 1)
        client: Client = Client(self.observer, "direct", "shop", account, *address, number, self.observer.nodes[0], end)
        self.observer.log_in(client)
        return client.session

    async def run(self, session: Session, *texts: str) -> Any:
        answer = None
        for text in texts:
            answer = await execute(self.observer, session, text)
        return answer

    async def waiting(self) -> asyncio.Task[Any]:
        """The waiter's statement, which waits."""
        await self.run(self.third, "CREATE TABLE t (id NUMBER(10) PRIMARY KEY, v NUMBER(10))")
        await self.run(self.third, "INSERT INTO t VALUES (1, 0)", "INSERT INTO t VALUES (2, 0)")
        await self.run(self.holder, "BEGIN", WAITS)
        await self.run(self.waiter, "BEGIN", "UPDATE t SET v = 5 WHERE id = 2")
        task = asyncio.get_running_loop().create_task(self.run(self.waiter, WAITS))
        while self.waiter.waits_for is None:
            await asyncio.sleep(0)
        return task

    async def values(self) -> list[int]:
        answer = await self.run(self.third, "SELECT v FROM t ORDER BY id")
        return [int(row[0]) for row in answer.rows]


async def settle() -> None:
    """Everybody has noticed what has happened."""
    for _turn in range(20):
        await asyncio.sleep(0)


def play(scene: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        world = World()
        await scene(world)
        await world.observer.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_killed_right_after_the_lock_was_free() -> None:
    async def scene(world: World) -> None:
        task = await world.waiting()
        world.holder.end_transaction(commit=True)
        kill.kill(world.observer, world.third, world.waiter.id)
        with pytest.raises(Cut):
            await task
        await world.run(world.third, "UPDATE t SET v = v + 10")
        assert await world.values() == [11, 10], "its locks are free, and its changes are gone"

    play(scene)


def test_killed_and_lingering_right_after_the_lock_was_free() -> None:
    async def scene(world: World) -> None:
        world.observer.policies["linger"] = 3600
        task = await world.waiting()
        world.holder.end_transaction(commit=True)
        kill.kill(world.observer, world.third, world.waiter.id)
        await settle()
        await world.run(world.third, "UPDATE t SET v = v + 10")
        assert await world.values() == [11, 10] and not task.done() and world.waiter.state == "SESSION_KILLED"
        world.observer.policies["linger"] = 0
        with pytest.raises(Cut):
            await task
        assert world.waiter.key not in world.observer.sessions

    play(scene)


def test_the_lock_was_free_right_after_the_kill() -> None:
    async def scene(world: World) -> None:
        task = await world.waiting()
        kill.kill(world.observer, world.third, world.waiter.id)
        world.holder.end_transaction(commit=True)
        with pytest.raises(Cut):
            await task
        assert await world.values() == [1, 0]

    play(scene)


@pytest.mark.parametrize("freed_first", [True, False])
def test_cancelled_when_the_lock_is_free(freed_first: bool) -> None:
    async def scene(world: World) -> None:
        task = await world.waiting()
        for step in sorted((0, 1), reverse=not freed_first):
            if step == 0:
                world.holder.end_transaction(commit=True)
            else:
                kill.kill(world.observer, world.third, world.waiter.id, query=True)
        with pytest.raises(ServerError, match="-5065"):
            await task
        await world.run(world.waiter, "COMMIT")
        assert await world.values() == [1, 5], "what it did before stays"

    play(scene)


def test_cancelled_and_killed() -> None:
    async def scene(world: World) -> None:
        task = await world.waiting()
        kill.kill(world.observer, world.third, world.waiter.id, query=True)
        kill.kill(world.observer, world.third, world.waiter.id)
        with pytest.raises(Cut):
            await task
        assert await world.values() == [0, 0]

    play(scene)


def test_the_client_hangs_up_when_the_lock_is_free() -> None:
    async def scene(world: World) -> None:
        task = await world.waiting()
        world.holder.end_transaction(commit=True)
        world.waiter.client.hang_up()
        with pytest.raises(Cut):
            await task
        world.observer.hang_up(world.waiter.client)
        assert await world.values() == [1, 0]
        await world.run(world.third, "UPDATE t SET v = v + 10")

    play(scene)


def test_a_circle_is_none_when_the_lock_was_just_free() -> None:
    """The waiter has not noticed yet that it waits for nobody any more, when the holder waits for it, and a third for that."""

    async def scene(world: World) -> None:
        task = await world.waiting()
        world.holder.end_transaction(commit=True)
        loop = asyncio.get_running_loop()
        back = loop.create_task(world.run(world.holder, "BEGIN", "UPDATE t SET v = 7 WHERE id = 2"))
        behind = loop.create_task(world.run(world.third, "UPDATE t SET v = 8 WHERE id = 2"))
        await task
        await world.run(world.waiter, "COMMIT")
        await back
        await world.run(world.holder, "COMMIT")
        await behind
        assert await world.values() == [2, 8]

    play(scene)


def test_an_idle_victim_is_cut_and_nobody_else() -> None:
    async def scene(world: World) -> None:
        kill.kill(world.observer, world.third, world.holder.id)
        assert world.cut == [world.holder.client] and set(world.observer.sessions) == {(2, 1), (3, 1)}

    play(scene)
