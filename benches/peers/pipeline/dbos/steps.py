"""Durable no-op steps of DBOS for Python: steps.py URL RUNS SECONDS."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from dbos import DBOS

STEPS = 9


@DBOS.step()
def step(n: int) -> int:
    return n


@DBOS.workflow()
def bench(steps: int) -> int:
    return sum(step(n) for n in range(steps))


def main() -> None:
    url, runs, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url.replace("postgres://", "postgresql://"),
            "sys_db_pool_size": max(20, runs + 4),
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    bench(STEPS)
    begun = perf_counter()

    def repeat(_: int) -> int:
        done = 0
        while perf_counter() - begun < seconds:
            bench(STEPS)
            done += STEPS
        return done

    with ThreadPoolExecutor(runs) as pool:
        done = sum(pool.map(repeat, range(runs)))
    print(json.dumps({"done": done, "seconds": perf_counter() - begun}))
    DBOS.destroy()


main()
