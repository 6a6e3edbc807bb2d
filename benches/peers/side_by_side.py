"""What the benches of all domains share: installing, a database, interleaved rounds, lines of figures."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "peers"
TARGET = ["--target-dir", str(CACHE / "target")]
ROUNDS = 3

# Where everybody may have a folder that is on a disk.
DISK = Path("/var/tmp")

Command = list[str]
Rates = list[float]
Key = tuple[str, int]


class Unavailable(Exception):
    """A peer cannot be installed or run here; the message says why."""


def say(text: str) -> None:
    """Reports progress, on stderr: stdout has figures only."""
    print(text, file=sys.stderr, flush=True)


def built(what: str, *arguments: str) -> Path:
    """Builds with cargo; returns the folder in which what was built is."""
    say(f"building {what}")
    attempt(["cargo", "build", "--release", "--quiet", *TARGET, *arguments])
    return CACHE / "target" / "release"


def ours(domain: str) -> Command:
    """Builds our program for the domain; returns the command that runs it."""
    program = f"bench-{domain}"
    return [str(built(f"ours for {domain}", "-p", "heady-benches", "--bin", program) / program)]


def heady() -> Command:
    """Builds the `heady` command; returns it."""
    return [str(built("heady", "-p", "heady") / "heady")]


def rust(folder: Path) -> Command:
    """Builds the peer in the folder, a workspace of its own; returns the command that runs it."""
    return [str(peer(folder) / f"bench-{folder.name}")]


def peer(folder: Path) -> Path:
    """Builds what is in the folder, a workspace of its own; returns the folder in which it then is."""
    return built(str(folder.relative_to(ROOT)), "--locked", "--manifest-path", str(folder / "Cargo.toml"))


def python(folder: Path) -> Command:
    """Installs the requirements.txt of the folder; returns the command that runs its steps.py."""
    requirements = (folder / "requirements.txt").read_text()
    home = CACHE / f"{folder.parent.name}-{folder.name}"
    complete = home / "complete"
    if not complete.exists() or complete.read_text() != requirements:
        say(f"installing {folder.relative_to(ROOT)}")
        venv.create(home, clear=True, with_pip=True)
        install = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        attempt([*install, "-r", str(folder / "requirements.txt")])
        complete.write_text(requirements)
    return [str(home / "bin" / "python"), str(folder / "steps.py")]


def attempt(command: Command, timeout: float = 3600, cwd: Path | None = None) -> str:
    """Runs a command and returns what it printed; raises Unavailable with the end of its complaints."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, cwd=cwd
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(
            "\n".join((done.stderr or done.stdout).strip().splitlines()[-3:]) or f"exit {done.returncode}"
        )
    return done.stdout


def rate(command: Command) -> float:
    """Runs a program that prints {"done": …, "seconds": …} as its last line; returns how much was done per second."""
    try:
        last = json.loads(attempt(command, timeout=120).strip().splitlines()[-1])
        return last["done"] / last["seconds"]
    except (ValueError, LookupError, ZeroDivisionError) as error:
        raise Unavailable(f"{command[0]} printed no figure: {error}") from error


def slow_syncs(program: Command) -> Command:
    """The same program, each of whose syncs takes 2 ms more than the disk does."""
    library = CACHE / "slow_sync.so"
    attempt(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(ROOT / "benches" / "peers" / "slow_sync.c")])
    return ["env", f"LD_PRELOAD={library}", *program]


def steady_postgres() -> AbstractContextManager[str]:
    """A throw-away PostgreSQL whose commits take 2 ms, whatever the disk and its other users do; yields its URL."""
    settings = "-c commit_delay=2000 -c commit_siblings=0"
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30:
        return postgres(memory, settings)
    say("/dev/shm has not 4 GB free: PostgreSQL lies on the disk, and its commits are as steady as that is")
    return postgres(DISK, settings)


@contextmanager
def postgres(where: Path, settings: str = "") -> Iterator[str]:
    """A throw-away PostgreSQL in a folder of this one; yields its URL."""
    environment = {key: value for key, value in os.environ.items() if key != "HEADY_TEST_POSTGRES_URL"}
    environment |= {"HEADY_POSTGRES_SETTINGS": settings, "TMPDIR": str(where)}
    hold = 'echo "$HEADY_TEST_POSTGRES_URL"; cat >/dev/null'
    command = [str(ROOT / "scripts" / "with-postgres.sh"), "--", "sh", "-c", hold]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as server:
        url = server.stdout.readline().strip()
        if not url:
            raise Unavailable("PostgreSQL did not start; what it said stands above")
        try:
            yield url
        finally:
            server.stdin.close()


@contextmanager
def serving(server: Command) -> Iterator[str]:
    """A server whose first line is JSON that says its address; yields that."""
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            if not line:
                raise Unavailable(f"{server[0]} did not start; what it said stands above")
            yield json.loads(line)["address"]
        finally:
            process.terminate()


def serve(database: str) -> list[str]:
    """The arguments with which `heady` serves a database on a port of its choice."""
    return ["serve", "--database", database, "--listen", "127.0.0.1:0", "--json"]


@contextmanager
def disk() -> Iterator[Path]:
    """An empty folder on the disk, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        yield Path(folder)


def interleave(cells: dict[Key, Callable[[], float]], rounds: int = ROUNDS) -> dict[Key, Rates | Unavailable]:
    """Measures each cell once a round, so that all see the machine in the same moods; each round starts elsewhere."""
    measured: dict[Key, Rates | Unavailable] = {key: [] for key in cells}
    for number in range(rounds):
        start = number * len(cells) // rounds
        for key, measure in [*cells.items()][start:] + [*cells.items()][:start]:
            if isinstance(measured[key], Unavailable):
                continue
            try:
                measured[key].append(measure())
                say(f"round {number + 1}/{rounds} {key}: {measured[key][-1]:,.0f}/s")
            except Unavailable as error:
                measured[key] = error
    return measured


def figure(name: str, peer: str, ours: Rates | Unavailable, theirs: Rates | Unavailable, target: float | None) -> None:
    """Prints one line: how often theirs goes into ours. Without a target it is only for the reader to know."""
    if isinstance(ours, Unavailable):
        raise ours
    if isinstance(theirs, Unavailable):
        return skipped(name, peer, theirs)
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    line = {"name": name, "peer": peer, "ours": round(median(ours), 1), "theirs": round(median(theirs), 1)}
    line |= {"ratio": float(f"{ratio:.3g}"), "target": target, "met": None if target is None else ratio >= target}
    print(json.dumps(line), flush=True)


def skipped(name: str, peer: str, why: Exception) -> None:
    """Prints the line of a peer that is not there."""
    print(json.dumps({"name": name, "peer": peer, "skipped": str(why)}), flush=True)
