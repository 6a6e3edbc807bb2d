"""What every class of the package has."""

import pickle

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
