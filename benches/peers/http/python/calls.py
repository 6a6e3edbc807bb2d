"""Calls from Python, ours and empty ones: calls.py WHOSE WHAT AT_ONCE SECONDS.

Ours are those that do least: a property, which makes an object; the closing of an engine that is closed, with nothing
to wait for; and a request that is answered without the database.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from itertools import repeat
from time import perf_counter

import heady_empty

import heady

# So many blocking calls are made between two looks at the clock.
BATCH = 1000

SCOPE = {"type": "http", "method": "GET", "path": "/health/live", "query_string": b"", "headers": [(b"host", b"heady")]}
LIVE = b'{"ok":true,"status":"ok","uptime":0,"timestamp":"2026-01-01T00:00:00.000Z"}'

Call = Callable[[], object]
Application = Callable[[dict, Callable[[], Awaitable[dict]], Callable[[dict], Awaitable[None]]], Awaitable[None]]


def ours() -> dict[str, Call]:
    engine = heady.connect("sqlite::memory:")
    engine.close()
    application = heady.asgi(engine)
    return {
        "property": lambda: engine.audit,
        "blocking": engine.close,
        "awaited": lambda: asyncio.to_thread(engine.close),
        "request": lambda: ask(application),
    }


def theirs() -> dict[str, Call]:
    empty = heady_empty.Empty()
    return {
        "property": lambda: empty.other,
        "blocking": empty.wait,
        "awaited": empty.nothing,
        "request": lambda: ask(bare),
    }


async def bare(scope, receive, send) -> None:
    """What every ASGI application does at least."""
    await receive()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": LIVE})


async def ask(application: Application) -> None:
    """What a server does with a request, whose client then waits."""
    events = iter([{"type": "http.request", "body": b"", "more_body": False}])
    statuses = []

    async def receive() -> dict:
        return next(events, None) or await asyncio.get_running_loop().create_future()

    async def send(event: dict) -> None:
        statuses.append(event.get("status"))

    await application(SCOPE, receive, send)
    if statuses != [200, None]:
        raise SystemExit(f"not answered: {statuses}")


def blocking(call: Call, seconds: float) -> tuple[int, float]:
    begun, done = perf_counter(), 0
    while perf_counter() - begun < seconds:
        for _ in repeat(None, BATCH):
            call()
        done += BATCH
    return done, perf_counter() - begun


async def awaited(call: Call, seconds: float, at_once: int) -> tuple[int, float]:
    begun = perf_counter()

    async def one() -> int:
        done = 0
        while perf_counter() - begun < seconds:
            await call()
            done += 1
        return done

    done = sum(await asyncio.gather(*(one() for _ in range(at_once))))
    return done, perf_counter() - begun


def main() -> None:
    whose, what, at_once, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    call = (ours if whose == "ours" else theirs)()[what]
    if what in ("property", "blocking"):
        done, took = blocking(call, seconds)
    else:
        done, took = asyncio.run(awaited(call, seconds, at_once))
    print(json.dumps({"done": done, "seconds": took}), flush=True)
    # An interpreter that ends while futures of pyo3-async-runtimes do may crash.
    os._exit(0)


main()
