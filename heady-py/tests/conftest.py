import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import heady


def fresh_postgres() -> str:
    """A schema of its own on the server that `make test` starts."""
    server = os.environ.get("HEADY_TEST_POSTGRES_URL")
    if server is None:
        pytest.skip("HEADY_TEST_POSTGRES_URL is not set; `make test` sets it")
    schema = f"python_{uuid.uuid4().hex}"
    with psycopg.connect(server) as session:
        session.execute(f"CREATE SCHEMA {schema}")
    return f"{server}{'&' if '?' in server else '?'}options[search_path]={schema},public"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[heady.Heady]:
    url = "sqlite::memory:" if request.param == "sqlite" else fresh_postgres()
    with heady.connect(url, actor="tester") as engine:
        yield engine


@pytest.fixture(scope="session")
def command() -> str:
    """The ``heady`` command, which ``make test-bindings`` builds."""
    built = Path(__file__).parents[2] / "target" / "debug" / "heady"
    return os.environ.get("HEADY_COMMAND", str(built))
