"""The engine as an ASGI application, under a driver of our own that holds to the specification."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import pytest

import heady
from heady._asgi import Caller, Event, Scope


class Answer:
    def __init__(self, events: list[Event]) -> None:
        start, *parts = events
        assert start["type"] == "http.response.start"
        assert all(part["type"] == "http.response.body" for part in parts)
        assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False]
        assert all(name == name.lower() for name, _ in start["headers"])
        self.status: int = start["status"]
        self.headers: dict[bytes, bytes] = dict(start["headers"])
        self.parts: list[bytes] = [part["body"] for part in parts if part["body"]]
        self.body = b"".join(self.parts)

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    app: Any, method: str, path: str, *parts: bytes, headers: Iterable[tuple[bytes, bytes]] = (), **more: Any
) -> Answer:
    """Sends one request, its body in these parts."""
    target, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"heady"), *headers],
        "client": None,
        "server": None,
        **more,
    }
    given = list(parts) or [b""]
    events: list[Event] = []

    async def receive() -> Event:
        if not given:
            await asyncio.Event().wait()
        body = given.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(given)}

    async def keep(event: Event) -> None:
        events.append(event)

    asyncio.run(app(scope, receive, keep))
    return Answer(events)


JSON = [(b"content-type", b"application/json")]


def vouched(role: Literal["viewer", "operator", "admin"]) -> Any:
    def caller(_: Scope) -> Caller | None:
        return ("user:anna", role)

    return caller


def test_the_caller_is_whom_the_host_vouches_for(engine: heady.Heady) -> None:
    app = heady.asgi(engine, caller=vouched("admin"))
    made = send(app, "POST", "/api/services", b'{"id": "api", ', '"name": "Ä"}'.encode(), headers=JSON)
    assert (made.status, made.json()["name"]) == (201, "Ä")
    assert made.headers[b"content-type"] == b"application/json"
    assert [entry.actor for entry in engine.audit.list(target="service:api").entries] == ["user:anna"]

    viewer = heady.asgi(engine, caller=vouched("viewer"))
    assert send(viewer, "GET", "/api/audit?limit=1").status == 200
    assert send(viewer, "POST", "/api/services", b'{"id": "b"}', headers=JSON).status == 403

    stranger = heady.asgi(engine)
    assert send(stranger, "GET", "/api/health").status == 200
    refused = send(stranger, "GET", "/api/services")
    assert (refused.status, refused.json()["code"]) == (401, "UNAUTHENTICATED")
    key = [(b"x-heady-api-key", b"heady_wrong")]
    assert send(stranger, "GET", "/api/services", headers=key).status == 401


def test_an_api_key_lets_its_owner_in_with_its_roles(command: str, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/heady.db"
    with heady.connect(url) as engine:
        app = heady.asgi(engine)
        made = subprocess.run(
            [command, "keys", "add", "ci", "--database", url, "--json"], check=True, capture_output=True
        )
        key = json.loads(made.stdout)["key"].encode()
        for name, value in [(b"authorization", b"Bearer " + key), (b"x-heady-api-key", key)]:
            assert send(app, "GET", "/api/nodes", headers=[(name, value)]).status == 200
            refused = send(app, "POST", "/api/nodes", headers=[(name, value)])
            assert refused.status == 403
            assert "key:ci" in refused.json()["error"]


def test_a_body_comes_part_by_part_and_one_too_large_is_refused(engine: heady.Heady) -> None:
    app = heady.asgi(engine, caller=vouched("admin"))
    # More than the thousand lines that a part has.
    rows = 1001
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: engine.registry.register_node(f"n{number}"), range(rows)))
    log = send(app, "GET", "/api/audit/export")
    assert log.headers[b"content-type"] == b"application/x-ndjson"
    assert len(log.parts) > 1
    assert len([json.loads(line) for line in log.body.splitlines()]) >= rows
    assert send(app, "POST", "/api/services", *[b" " * (1 << 20)] * 100, headers=JSON).status == 413


def test_a_mounted_application_sees_the_path_below_its_root(engine: heady.Heady) -> None:
    app = heady.asgi(engine, caller=vouched("admin"))
    engine.registry.register_node("a b/c")
    below = "/api/nodes/a%20b%2Fc"
    assert send(app, "GET", below).json()["id"] == "a b/c"
    assert (
        send(app, "GET", f"/in here{below}", raw_path=f"/in%20here{below}".encode(), root_path="/in here").status == 200
    )
    assert send(app, "GET", "/api/health", raw_path=None).status == 200
    nowhere = send(app, "GET", "/api/nothing")
    assert (nowhere.status, nowhere.json()["code"]) == (404, "NOT_FOUND")


def test_lifespan_and_what_is_no_http(engine: heady.Heady) -> None:
    app = heady.asgi(engine)
    coming: list[Event] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Event] = []

    async def receive() -> Event:
        return coming.pop(0)

    async def keep(event: Event) -> None:
        sent.append(event)

    asyncio.run(app({"type": "lifespan"}, receive, keep))
    assert [event["type"] for event in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(app({"type": "websocket"}, receive, keep))


def test_a_client_that_is_gone_is_not_answered(engine: heady.Heady) -> None:
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.disconnect"}

    async def keep(event: Event) -> None:
        sent.append(event)

    scope: Scope = {"type": "http", "method": "POST", "path": "/api/services", "headers": []}
    asyncio.run(heady.asgi(engine)(scope, receive, keep))
    assert sent == []


def test_a_client_that_leaves_is_waited_for_no_longer_and_its_run_goes_on(engine: heady.Heady) -> None:
    opened = threading.Event()
    engine.pipeline.handle("held", lambda *_: opened.wait())
    definition = {"pipeline": {"name": "held", "stages": [{"id": "one", "tasks": ["held"]}]}}
    engine.pipeline.define(definition=definition)
    app = heady.asgi(engine, caller=vouched("admin"))
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/pipeline/run",
        "headers": [*JSON, (b"prefer", b"wait=300")],
    }
    sent: list[Event] = []

    async def keep(event: Event) -> None:
        sent.append(event)

    async def leave() -> None:
        coming: list[Event] = [{"type": "http.request", "body": b'{"workflowId": "held"}'}]

        async def receive() -> Event:
            if coming:
                return coming.pop()
            while not engine.pipeline.list().runs:
                await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}

        await app(scope, receive, keep)

    asyncio.run(leave())
    assert sent == []
    opened.set()
    [run] = engine.pipeline.list().runs
    assert engine.pipeline.wait(run.run_id).status == "SUCCEEDED"


def test_events_come_until_the_client_leaves(engine: heady.Heady) -> None:
    app = heady.asgi(engine, caller=vouched("viewer"))
    text = bytearray()

    async def watch() -> None:
        seen = asyncio.Event()
        coming: list[Event] = [{"type": "http.request"}]

        async def receive() -> Event:
            if coming:
                return coming.pop()
            await seen.wait()
            return {"type": "http.disconnect"}

        async def keep(event: Event) -> None:
            if event["type"] == "http.response.start":
                assert (b"content-type", b"text/event-stream") in event["headers"]
                await asyncio.to_thread(engine.registry.register_node, "watched")
            else:
                text.extend(event["body"])
                if b'"watched"' in text:
                    seen.set()

        await app({"type": "http", "method": "GET", "path": "/api/registry/watch", "headers": []}, receive, keep)

    asyncio.run(watch())
    assert b'"watched"' in text


def test_many_requests_wait_at_once(engine: heady.Heady) -> None:
    """More than asyncio has threads, and the last one lets the others go."""
    opened = threading.Event()
    engine.pipeline.handle("held", lambda *_: opened.wait())
    definition = {"pipeline": {"name": "held", "stages": [{"id": "one", "tasks": ["held"]}]}}
    engine.pipeline.define(definition=definition)
    app = heady.asgi(engine, caller=vouched("admin"))
    run = engine.pipeline.start(workflow_id="held")

    async def one() -> Event:
        sent: list[Event] = []

        async def receive() -> Event:
            if sent:
                await asyncio.Event().wait()
            sent.append({})
            return {"type": "http.request"}

        async def keep(event: Event) -> None:
            sent.append(event)

        path = f"/api/pipeline/runs/{run.run_id}/wait"
        await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, keep)
        return sent[1]

    async def crowd() -> list[Event]:
        waiting = [asyncio.create_task(one()) for _ in range(200)]
        await asyncio.sleep(0.01)
        opened.set()
        return await asyncio.gather(*waiting)

    assert [start["status"] for start in asyncio.run(crowd())] == [200] * 200


def test_an_interpreter_ends_whatever_is_under_way() -> None:
    program = """
import asyncio, threading, heady
engine = heady.connect("sqlite::memory:")
app = heady.asgi(engine, caller=lambda scope: ("user:anna", "admin"))
engine.pipeline.handle("held", lambda *_: threading.Event().wait(0.1))
engine.pipeline.define(definition={"pipeline": {"name": "held", "stages": [{"id": "one", "tasks": ["held"]}]}})
run = engine.pipeline.start(workflow_id="held")
path = f"/api/pipeline/runs/{run.run_id}/wait"
async def main():
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    asyncio.ensure_future(app(scope, iter_receive().__anext__, print))
    await asyncio.sleep(0.05)
async def iter_receive():
    yield {"type": "http.request"}
    await asyncio.Event().wait()
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
