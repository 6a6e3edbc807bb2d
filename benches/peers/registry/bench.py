"""The registry and its audit log, beside etcd and beside doing less.

Conditional puts per second (compare-and-set on the version) with 1 and 32 writers, and events per second that 1,000
watchers see of one writer: ours in process and over HTTP, and etcd. All data lies on one disk, and every commit waits
for it. Audit rows per second: chained beside unchained, verified beside read.

Ratios to commits, which are those of a lone writer's puts and of chained rows, have their target where a commit takes
2 ms: on a disk that syncs in a tenth of that, what is measured is the processor. What chaining costs is a few per cent,
so it takes many rounds.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from side_by_side import (
    CACHE,
    DISK,
    ROUNDS,
    Command,
    Unavailable,
    attempt,
    disk,
    figure,
    heady,
    interleave,
    ours,
    postgres,
    rate,
    rust,
    serve,
    serving,
    skipped,
    slow_syncs,
    steady_postgres,
)

HERE = Path(__file__).resolve().parent
WRITERS = (1, 32)
WATCHERS = 1000
SECONDS = "2"
# What is left of the rows per second when they are chained, at least, and in how many rounds that is told from noise.
CHAINED = 0.95
MANY_ROUNDS = 9
# How many thousands of rows are verified.
ROWS = 50

# Starts a server or makes an empty database, and yields its URL.
Place = Callable[[], AbstractContextManager[str]]


@dataclass(frozen=True)
class Subject:
    """A program that does something over and over, and where it does it."""

    program: Command
    place: Place

    def does(self, what: str, at_once: int) -> Callable[[], float]:
        """A measurement of how often it does this in a second."""

        def measure() -> float:
            with self.place() as url:
                return rate([*self.program, what, url, str(at_once), SECONDS])

        return measure


def main() -> None:
    program, server, etcd = ours("registry"), heady(), etcd_or_not()
    with disk() as folder:
        database(program, server, etcd, "SQLite", partial(sqlite, folder))
        try:
            slow_commits("SQLite", Subject(slow_syncs(program), partial(sqlite, folder)))
        except Unavailable as why:
            skipped("registry on SQLite, commits of 2 ms", "all", why)
    try:
        with postgres(DISK) as url:
            database(program, server, etcd, "PostgreSQL", partial(nullcontext, url))
        with steady_postgres() as url:
            slow_commits("PostgreSQL", Subject(program, partial(nullcontext, url)))
    except Unavailable as why:
        skipped("registry on PostgreSQL", "all", why)


def database(program: Command, server: Command, etcd: Subject, name: str, place: Place) -> None:
    mine, over_http = Subject(program, place), Subject(program, partial(served, server, place))
    puts(name, mine, over_http, etcd)
    watch(name, mine, over_http, etcd)
    append(name, mine)
    verify(name, mine)


def puts(database: str, mine: Subject, over_http: Subject, etcd: Subject) -> None:
    subjects = {"ours": (mine, "puts"), "served": (over_http, "puts"), "etcd": (etcd, "puts"), "floor": (mine, "floor")}
    cells = {(name, n): subject.does(what, n) for n in WRITERS for name, (subject, what) in subjects.items()}
    measured = interleave(cells)
    for n in WRITERS:
        name, theirs = f"conditional puts/s on {database}, {n} at once", measured["etcd", n]
        figure(name, "etcd", measured["ours", n], theirs, 2.0 if n == 32 else None)
        figure(f"{name}, over HTTP", "etcd", measured["served", n], theirs, None)
        figure(name, "floor", measured["ours", n], measured["floor", n], None)


def watch(database: str, mine: Subject, over_http: Subject, etcd: Subject) -> None:
    subjects = {"ours": mine, "served": over_http, "etcd": etcd}
    measured = interleave({(name, WATCHERS): subject.does("watch", WATCHERS) for name, subject in subjects.items()})
    name, theirs = f"events/s to {WATCHERS:,} watchers on {database}", measured["etcd", WATCHERS]
    figure(name, "etcd", measured["ours", WATCHERS], theirs, 2.0)
    figure(f"{name}, over HTTP", "etcd", measured["served", WATCHERS], theirs, None)


def slow_commits(database: str, mine: Subject) -> None:
    name = f"{database}, commits of 2 ms"
    measured = interleave({(what, 1): mine.does(what, 1) for what in ("puts", "floor")})
    figure(f"conditional puts/s on {name}, 1 at once", "floor", measured["puts", 1], measured["floor", 1], 0.5)
    append(name, mine, CHAINED, MANY_ROUNDS)


def append(database: str, mine: Subject, target: float | None = None, rounds: int = ROUNDS) -> None:
    kinds = ("append", "append-signed", "append-unchained")
    measured = interleave({(kind, n): mine.does(kind, n) for n in WRITERS for kind in kinds}, rounds)
    for n in WRITERS:
        name, unchained = f"audit rows/s on {database}, {n} at once", measured["append-unchained", n]
        figure(f"{name}, chained", "unchained", measured["append", n], unchained, target)
        figure(f"{name}, chained and signed", "unchained", measured["append-signed", n], unchained, None)


def verify(database: str, mine: Subject) -> None:
    with mine.place() as url:
        filled = Subject(mine.program, partial(nullcontext, url))
        filled.does("fill", ROWS)()
        measured = interleave({(what, 1): filled.does(what, 1) for what in ("verify", "read")})
    name = f"audit rows/s on {database}, verified"
    figure(name, "read", measured["verify", 1], measured["read", 1], 0.5)


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=folder) as mine:
        yield f"sqlite://{mine}/bench.db"


@contextmanager
def served(server: Command, place: Place) -> Iterator[str]:
    """`heady serve` on the database of a place; yields where it listens."""
    with place() as url, serving([*server, *serve(url)]) as address:
        yield address


def etcd_or_not() -> Subject:
    """etcd, or one that cannot be measured."""
    try:
        return Subject(rust(HERE / "etcd"), partial(running_etcd, etcd_server()))
    except Unavailable as why:
        return Subject([], partial(unavailable, why))


def unavailable(why: Unavailable) -> AbstractContextManager[str]:
    raise why


def etcd_server() -> str:
    """The program of Debian's package etcd-server, unpacked here if it is not installed."""
    if installed := shutil.which("etcd"):
        return installed
    home = CACHE / "registry-etcd"
    program = home / "usr" / "bin" / "etcd"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        attempt(["apt-get", "download", "etcd-server"], cwd=home)
        for package in home.glob("*.deb"):
            attempt(["dpkg-deb", "--extract", str(package), str(home)])
    return str(program)


@contextmanager
def running_etcd(server: str) -> Iterator[str]:
    """An empty etcd, which by itself syncs its log to the disk before it answers; yields its URL."""
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        options = {
            "data-dir": folder,
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "logger": "zap",
            "log-outputs": "/dev/null",
        }
        with subprocess.Popen([server, *(f"--{name}={value}" for name, value in options.items())]) as process:
            try:
                until_healthy(client)
                yield client
            finally:
                process.terminate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until_healthy(url: str) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        try:
            with urlopen(f"{url}/health", timeout=1) as answer:
                if json.load(answer)["health"] == "true":
                    return
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise Unavailable("etcd did not become healthy")
