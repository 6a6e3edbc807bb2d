"""The changes of the registry through ``heady.asgi``: sent as they happen, gone on with, and how they end."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

import heady
from heady._asgi import Event, Scope

WATCHERS = 64


class Client:
    """A client of one stream."""

    def __init__(self, app: Any, query: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/registry/watch",
            "query_string": query,
            "headers": [(b"host", b"heady"), *headers],
        }
        self.parts: asyncio.Queue[Event] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.asked = False
        self.task = asyncio.create_task(app(scope, self.receive, self.parts.put))

    async def receive(self) -> Event:
        if self.asked:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        self.asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def next(self) -> dict[str, str]:
        """The next event: the fields that it has."""
        part = b""
        while not part:
            part = (await self.parts.get()).get("body", b"")
        fields = (line.partition(": ") for line in part.decode().splitlines() if line)
        return {name: value for name, _, value in fields}

    async def leave(self) -> None:
        self.gone.set()
        await self.task


@pytest.fixture
def app(engine: heady.Heady) -> Any:
    return heady.asgi(engine, caller=lambda _: ("user:anna", "viewer"))


def test_a_client_that_is_interrupted_goes_on_where_it_stood(engine: heady.Heady, app: Any) -> None:
    async def trial() -> None:
        first = Client(app)
        assert await first.next() == {"id": "0"}
        for name in "a", "b", "c":
            await asyncio.to_thread(engine.registry.put_node, name)
        event = await first.next()
        data = json.loads(event["data"])
        assert (event["event"], data["revision"], data["id"]) == ("CREATE", 1, "a")
        assert event["id"].startswith("1-")
        await first.leave()
        again = Client(app, headers=[(b"last-event-id", event["id"].encode())])
        assert [json.loads((await again.next())["data"])["revision"] for _ in range(2)] == [2, 3]
        await again.leave()
        refused = Client(app, query=b"since=9")
        start = await refused.parts.get()
        assert start["status"] == 410
        await refused.task

    asyncio.run(trial())


def test_many_clients_wait_at_once_and_hold_up_nobody(engine: heady.Heady, app: Any) -> None:
    async def trial() -> None:
        clients = [Client(app, query=b"since=0&kinds=NODE") for _ in range(WATCHERS)]
        await asyncio.to_thread(engine.registry.put_service, "other")
        await asyncio.to_thread(engine.registry.put_node, "a")
        for client in clients:
            while "event" not in (event := await client.next()):
                pass
            assert json.loads(event["data"])["revision"] == 2
        for client in clients[1:]:
            await client.leave()
        await asyncio.to_thread(engine.close)
        await clients[0].task

    asyncio.run(trial())
