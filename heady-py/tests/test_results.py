"""What every class of the package has."""

import copy
import multiprocessing
import pickle
from typing import Any

import pytest

import heady
from heady import _heady

CLASSES = [value for name in _heady.__all__ if isinstance(value := getattr(_heady, name), type)]
# What does things instead of being a result.
ACTIVE = {"Audit", "Heady", "HttpExchange", "HttpRoutes", "HttpSignals", "MonteCarlo", "Pipeline", "Registry"}
ACTIVE |= {"RegistryWatch", "RunFollow", "TaskContext"}
RESULTS = [one for one in CLASSES if one.__name__ not in ACTIVE]


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_a_class_says_where_it_is_found(one: type) -> None:
    assert one.__module__ == "heady"
    assert pickle.loads(pickle.dumps(one)) is one
    assert getattr(heady, one.__name__) is one


@pytest.mark.parametrize("name", [one.__name__ for one in RESULTS])
def test_a_result_is_a_dict_and_a_text(name: str) -> None:
    offers = vars(getattr(heady, name))
    assert "to_dict" in offers and "__repr__" in offers


def work(metadata: dict[str, Any]) -> list[heady.Service]:
    """What another process does."""
    with heady.connect("sqlite::memory:") as engine:
        engine.registry.put_service("manager", metadata=metadata)
        return engine.registry.list_services().services


def test_results_go_from_one_process_to_another_and_are_copied() -> None:
    metadata: dict[str, Any] = {"share": 0.1, "nested": [1, None, {"ä": True}]}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        ((service,),) = pool.map(work, [metadata])
    assert service.metadata == metadata
    plan = {"tasks": [{"id": "a", "duration": 1}]}
    with heady.connect("sqlite::memory:") as engine:
        engine.pipeline.handle("work", lambda context, given: {"done": 1})
        results: list[Any] = [
            engine.registry.import_(document={"services": [{"id": "api", "port": 4301}]}),
            engine.registry.list_services(),
            engine.registry.detect_drift(live=False),
            engine.pipeline.run(definition={"pipeline": {"name": "p", "stages": [{"id": "s", "tasks": ["work"]}]}}),
            engine.monte_carlo.run(plan, seed=1, samples=100),
            engine.audit.list(),
            engine.audit.verify(),
        ]
    for result in [service, *results]:
        for copied in (copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
            assert type(copied) is type(result)
            assert copied == result
            assert repr(copied) == repr(result)
