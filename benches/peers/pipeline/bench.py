"""Durable no-op steps per second: ours, durare, DBOS for Python and the bare commit.

A run is nine steps; 1, 6 or 32 runs are under way at once. All save each step before the next begins. On SQLite `ours`
and durare survive the death of the process (synchronous=NORMAL); `ours-full`, DBOS and the floor that of power, too.
"""

import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from side_by_side import (
    Command,
    Key,
    Rates,
    Unavailable,
    disk,
    figure,
    interleave,
    ours,
    python,
    rate,
    rust,
    skipped,
    steady_postgres,
)

HERE = Path(__file__).resolve().parent
AT_ONCE = (1, 6, 32)
SECONDS = "2"
NO_TARGETS: dict[int, float] = {}

Measured = dict[Key, Rates | Unavailable]


def main() -> None:
    program = ours("pipeline")
    peers: dict[str, Command] = {}
    for name, install in {"durare": rust, "dbos": python}.items():
        try:
            peers[name] = install(HERE / name)
        except Unavailable as why:
            skipped("pipeline", name, why)
    mine = {name: [*program, name] for name in ("ours", "ours-full", "floor")}
    try:
        with steady_postgres() as url:
            programs = {name: mine[name] for name in ("ours", "floor")} | peers
            on_postgres(interleave(cells(programs, url)))
    except Unavailable as why:
        skipped("pipeline on PostgreSQL", "all", why)
    with disk() as folder:
        on_sqlite(interleave(cells(mine | peers, folder)))


def cells(programs: dict[str, Command], where: str | Path) -> dict:
    """One cell for each program and number of runs at once; neighbours are those that are compared."""
    return {
        (name, runs): partial(measure, command, where, runs) for runs in AT_ONCE for name, command in programs.items()
    }


def measure(command: Command, where: str | Path, runs: int) -> float:
    if isinstance(where, str):
        return rate([*command, where, str(runs), SECONDS])
    folder = tempfile.mkdtemp(dir=where)
    return rate([*command, f"sqlite:///{folder}/bench.db", str(runs), SECONDS])


def on_postgres(measured: Measured) -> None:
    database = "PostgreSQL, 2 ms a commit"
    compare(database, measured, "ours", "floor", {1: 0.6, 6: 0.6, 32: 0.6})
    compare(database, measured, "ours", "durare", {1: 1.1, 6: 1.4, 32: 3.0})
    compare(database, measured, "ours", "dbos", {6: 3.0, 32: 10.0})
    sharing(database, measured, "ours")


def on_sqlite(measured: Measured) -> None:
    compare("SQLite, synchronous=NORMAL", measured, "ours", "durare", {6: 5.0})
    database = "SQLite, synchronous=FULL"
    compare(database, measured, "ours-full", "dbos", NO_TARGETS)
    floor = measured["floor", 1]
    slow = isinstance(floor, list) and median(floor) < 1000
    compare(database, measured, "ours-full", "floor", {32: 8.0} if slow else NO_TARGETS)
    # Where a commit is cheap, sharing it saves little: there FULL has to cost little more than NORMAL.
    compare(database, measured, "ours-full", "ours", NO_TARGETS if slow else {32: 0.6})
    sharing(database, measured, "ours-full")


def compare(database: str, measured: Measured, ours: str, peer: str, targets: dict[int, float]) -> None:
    for runs in AT_ONCE:
        if (peer, runs) in measured:
            name = f"steps/s on {database}, {runs} at once"
            figure(name, peer, measured[ours, runs], measured[peer, runs], targets.get(runs))


def sharing(database: str, measured: Measured, ours: str) -> None:
    """Runs that share commits get more done together than one alone."""
    few, many = AT_ONCE[0], AT_ONCE[-1]
    name = f"steps/s on {database}, {many} at once against {few}"
    figure(name, "ours", measured[ours, many], measured[ours, few], 4.0)
