"""The engine as an ASGI 3 application: what ``heady serve`` answers, in a host's own server.

>>> import heady
>>> engine = heady.connect("sqlite::memory:")
>>> app = heady.asgi(engine)  # uvicorn module:app, or app.mount("/engine", heady.asgi(engine)) in FastAPI
"""

import asyncio
import atexit
import itertools
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from ._heady import Heady, HttpRoutes, HttpSignals

__all__ = ["asgi"]

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Caller: TypeAlias = tuple[str, Literal["viewer", "operator", "admin"]]


def asgi(
    engine: Heady, *, caller: Callable[[Scope], Caller | None] | None = None
) -> Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]:
    """Makes an ASGI application of an engine, whose life stays its owner's.

    ``caller`` names whom the host vouches for, having checked the sender itself: the actor for the audit log and the
    role. Without it, or where it returns ``None``, a request needs an API key.
    """
    routes, signals = engine.http_routes(), _signals()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _answer(routes, signals, scope, receive, send, caller(scope) if caller else None)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            raise ValueError(f"the engine speaks http, not {scope['type']}")

    return application


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _answer(
    routes: HttpRoutes, signals: "_Signals", scope: Scope, receive: Receive, send: Send, caller: Caller | None
) -> None:
    body = await _body(receive)
    if body is None:
        return
    with signals.subscription() as (ticket, signal):
        exchange = routes.begin(
            scope["method"],
            _target(scope),
            list(scope["headers"]),
            body,
            caller=caller,
            signals=signals.native,
            ticket=ticket,
        )
        gone = asyncio.ensure_future(_disconnected(receive))
        gone.add_done_callback(lambda _: signal.set())
        try:
            more = True
            while more and not gone.done():
                event = exchange.event()
                if event is None:
                    await signal.wait()
                    signal.clear()
                else:
                    await send(event)
                    more = event.get("more_body", True)
        finally:
            gone.cancel()
            exchange.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Signals:
    """One thread that tells event loops which of their exchanges have an event, however many are waiting."""

    def __init__(self) -> None:
        self.native = HttpSignals()
        self._subscribers: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._tickets = itertools.count()
        # A daemon, or the interpreter would wait for it before it calls what is registered here.
        self._thread = threading.Thread(target=self._run, name="heady-signals", daemon=True)
        self._thread.start()
        self._process = os.getpid()
        atexit.register(self._stop)

    @contextmanager
    def subscription(self) -> Iterator[tuple[int, asyncio.Event]]:
        """A ticket, and what is set in this event loop whenever the ticket is signalled."""
        ticket, event = next(self._tickets), asyncio.Event()
        self._subscribers[ticket] = (asyncio.get_running_loop(), event)
        try:
            yield ticket, event
        finally:
            del self._subscribers[ticket]

    def _stop(self) -> None:
        # A fork has what is registered and not the thread.
        if os.getpid() != self._process:
            return
        self.native.close()
        self._thread.join()

    def _run(self) -> None:
        while (ticket := self.native.wait()) is not None:
            subscriber = self._subscribers.get(ticket)
            if subscriber is not None:
                loop, event = subscriber
                # A loop that was closed meanwhile has nobody who waits.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(event.set)


@cache
def _signals() -> _Signals:
    return _Signals()


async def _body(receive: Receive) -> bytes | None:
    """The body, or ``None`` if the client is gone. Of one that is too large only what shows that it is."""
    body = bytearray()
    while len(body) <= HttpRoutes.MAX_BODY:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += event.get("body", b"")
        if not event.get("more_body", False):
            break
    return bytes(body[: HttpRoutes.MAX_BODY + 1])


def _target(scope: Scope) -> str:
    """The path below where the application is mounted, as it was sent, and the query."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw is not None else quote(scope["path"])
    root = quote(scope.get("root_path", ""))
    if root and path.startswith(f"{root}/"):
        path = path[len(root) :]
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path
