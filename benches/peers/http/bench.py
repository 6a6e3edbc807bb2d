"""Through each door a call that does next to nothing, beside an empty call of the same kind.

- HTTP: `GET /health/live`, which asks nobody, and a service read from SQLite, beside a bare route of axum.
- Node.js: a getter, and closing what is closed as a promise, beside empty functions of napi-rs; `heady.fetch` beside a
  plain handler of Web requests.
- Python: a property, and closing what is closed, waited for, beside empty functions of pyo3; the same with
  `asyncio.to_thread` beside an empty future of pyo3-async-runtimes; `heady.asgi` beside a bare ASGI callable.
- Kotlin: cancelling what is cancelled, and closing what is closed as a suspend function, beside empty functions of
  UniFFI, and beside an empty C function that JNA calls directly, which for the latter calls back. The one shows what is
  ours, the other what UniFFI takes: for every call JNA allocates a status.

`heady.fetch` and `heady.asgi` are asked for `/health/live`, too, and do more than what stands beside them: they route,
check whom to let in, name the request and can be interrupted.
"""

import shutil
import venv
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from side_by_side import (
    CACHE,
    ROOT,
    TARGET,
    Command,
    Unavailable,
    attempt,
    built,
    disk,
    figure,
    heady,
    interleave,
    ours,
    peer,
    rate,
    say,
    serve,
    serving,
    skipped,
)

HERE = Path(__file__).resolve().parent
ONE, FEW = (1,), (1, 32)
SECONDS = "1"


@dataclass(frozen=True)
class Kind:
    """A kind of call: what its program calls it, the name of its figure, the peers with whose calls theirs are for the
    program, and how many there are at once."""

    what: str
    name: str
    peers: dict[str, str]
    at_once: tuple[int, ...] = ONE


def main() -> None:
    doors: dict[str, Callable[[], None]] = {
        "HTTP": over_http,
        "Node.js": from_node,
        "Python": from_python,
        "Kotlin": from_kotlin,
    }
    for door, measure in doors.items():
        try:
            measure()
        except Unavailable as why:
            skipped(f"calls, {door}", "all", why)


def over_http() -> None:
    program, server = ours("http"), heady()
    with disk() as folder:
        database = f"sqlite://{folder}/bench.db"
        attempt([*server, "import", str(ROOT / "examples" / "heady-registry.json"), "--database", database])
        with serving([*server, *serve(database)]) as ours_at, serving([*program, "serve"]) as bare_at:
            places = {
                "GET /health/live": (ours_at, "/health/live"),
                "GET /api/services/{id}": (ours_at, "/api/services/gateway-api"),
                "bare": (bare_at, "/"),
            }
            measured = interleave(
                {
                    (what, n): partial(rate, [*program, "get", *place, str(n), SECONDS])
                    for n in FEW
                    for what, place in places.items()
                }
            )
    for n in FEW:
        for what in ("GET /health/live", "GET /api/services/{id}"):
            name = f"requests/s over HTTP, {what}, {n} at once"
            figure(name, "axum", measured[what, n], measured["bare", n], None)


def from_node() -> None:
    kinds = (
        Kind("getter", "getters/s in Node.js", {"napi-rs": "empty"}),
        Kind("promise", "promises/s in Node.js", {"napi-rs": "empty"}, FEW),
        Kind("request", "requests/s to heady.fetch in Node.js", {"plain handler": "empty"}, FEW),
    )
    mine = library(built("heady-node", "-p", "heady-node"), "heady_node")
    empty = library(peer(HERE / "node"), "bench_node_empty")
    home = emptied("node")
    for whose, file in {"ours": mine, "empty": empty}.items():
        shutil.copy(file, home / f"{whose}.node")
    compare(kinds, lambda whose: ["node", str(HERE / "node" / "calls.mjs"), str(home / f"{whose}.node")])


def from_python() -> None:
    kinds = (
        Kind("property", "properties/s in Python", {"pyo3": "empty"}),
        Kind("blocking", "blocking calls/s in Python", {"pyo3": "empty"}),
        Kind("awaited", "awaited calls/s in Python", {"pyo3-async-runtimes": "empty"}, FEW),
        Kind("request", "requests/s to heady.asgi in Python", {"bare ASGI callable": "empty"}, FEW),
    )
    home = CACHE / "http-python"
    if not home.exists():
        venv.create(home, with_pip=True)
    interpreter = str(home / "bin" / "python")
    say("building heady-py")
    # pip has maturin build them, in release mode.
    install = ["env", f"CARGO_TARGET_DIR={TARGET[1]}", interpreter, "-m", "pip", "install"]
    options = ["--quiet", "--disable-pip-version-check", "--force-reinstall", "--no-deps"]
    attempt([*install, *options, str(ROOT / "heady-py"), str(HERE / "python")])
    program = [interpreter, str(HERE / "python" / "calls.py")]
    compare(kinds, lambda whose: [*program, whose])


def from_kotlin() -> None:
    peers = {"UniFFI": "uniffi", "JNA": "jna"}
    kinds = (
        Kind("function", "calls/s in Kotlin", peers),
        Kind("suspend", "suspending calls/s in Kotlin", peers, FEW),
    )
    if not shutil.which("mvn"):
        raise Unavailable("a JDK and Maven are needed")
    folder = built("heady-mobile", "-p", "heady-mobile", "--features", "bindgen")
    peer(HERE / "kotlin" / "empty")
    home = emptied("kotlin")
    generate = [str(folder / "uniffi-bindgen"), "generate", "--no-format", "--language", "kotlin"]
    for name in ("heady_mobile", "bench_kotlin_empty"):
        attempt([*generate, "--out-dir", str(home / "sources"), str(library(folder, name))])
    project = ["--file", str(HERE / "kotlin" / "pom.xml"), f"-Dbench.folder={home}"]
    attempt(["mvn", "--batch-mode", "--quiet", *project, "compile"])
    classes = f"{home}/target/classes:{home}/target/dependency/*"
    java = ["java", f"-Djna.library.path={folder}", "-cp", classes, "com.headysystems.heady.bench.CallsKt"]
    compare(kinds, lambda whose: [*java, whose])


def compare(kinds: tuple[Kind, ...], program: Callable[[str], Command]) -> None:
    """Measures each kind with ours and with its peers': PROGRAM WHAT AT_ONCE SECONDS."""
    cells = {
        (f"{kind.what}, {whose}", n): partial(rate, [*program(whose), kind.what, str(n), SECONDS])
        for kind in kinds
        for n in kind.at_once
        for whose in ("ours", *kind.peers.values())
    }
    measured = interleave(cells)
    for kind in kinds:
        for n in kind.at_once:
            name = kind.name if kind.at_once == ONE else f"{kind.name}, {n} at once"
            mine = measured[f"{kind.what}, ours", n]
            for theirs, whose in kind.peers.items():
                figure(name, theirs, mine, measured[f"{kind.what}, {whose}", n], None)


def library(folder: Path, name: str) -> Path:
    """The library of this name, as the system calls it."""
    files = (folder / file for file in (f"lib{name}.so", f"lib{name}.dylib", f"{name}.dll"))
    for file in files:
        if file.exists():
            return file
    raise Unavailable(f"there is no library {name} in {folder}")


def emptied(name: str) -> Path:
    """An empty folder for what one door needs."""
    home = CACHE / f"http-{name}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return home
