from collections.abc import Iterator

import heady
import pytest


@pytest.fixture
def engine() -> Iterator[heady.Heady]:
    with heady.connect("sqlite::memory:", actor="tester") as engine:
        yield engine
