"""Is the release ready? `make py`, then `.cache/python/bin/python examples/python/readiness.py`."""

import heady

PLAN = {
    "name": "release",
    "unit": "days",
    "workers": 2,
    "deadline": 20,
    "tasks": [
        {"id": "design", "duration": {"pert": {"min": 2, "mode": 3, "max": 6}}},
        {"id": "engine", "dependsOn": ["design"], "duration": {"pert": {"min": 4, "mode": 6, "max": 12}}},
        {"id": "console", "dependsOn": ["design"], "duration": {"triangular": {"min": 3, "mode": 5, "max": 9}}},
        {
            "id": "release",
            "dependsOn": ["engine", "console"],
            "duration": {"lognormal": {"p10": 1, "p90": 4}},
            "failure": {"probability": 0.1, "retries": 2},
        },
    ],
}

with heady.connect("sqlite::memory:") as engine:
    simulation = engine.monte_carlo.run(PLAN, seed=42)

readiness = simulation.readiness
print(f"{readiness.verdict}: {readiness.score} of 100, grade {readiness.grade}")
for quantile in simulation.duration.quantiles:
    print(f"P{100 * quantile.p:g}: {quantile.value:.1f} days")
