"""The same files that Rust and Node run: every method exists, bad input has the same code, a seed the same bits."""

import json
import keyword
import re
from pathlib import Path
from typing import Any

import pytest

import heady

FOLDER = Path(__file__).parents[2] / "tests" / "conformance"


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def python_name(name: str) -> str:
    """The rule of this language: snake_case, and an underscore behind a keyword."""
    name = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
    return f"{name}_" if keyword.iskeyword(name) else name


def call(engine: heady.Heady, entry: dict[str, Any]) -> Any:
    domain, method = entry["call"].split(".")
    function = getattr(getattr(engine, python_name(domain)), python_name(method))
    if "id" in entry:
        return function(entry["id"])
    return function(**{python_name(key): value for key, value in entry["options"].items()})


def test_every_method_exists_and_no_other(engine: heady.Heady) -> None:
    for domain, methods in read("api").items():
        handle = getattr(engine, python_name(domain))
        found = {name for name in dir(handle) if not name.startswith("_")}
        assert found == {python_name(name) for name in methods}, domain


def test_bad_input_has_the_same_code_in_every_language(engine: heady.Heady) -> None:
    file = read("errors")
    for entry in file["before"]:
        call(engine, entry)
    for entry in file["errors"]:
        with pytest.raises(heady.HeadyError) as raised:
            call(engine, entry)
        assert raised.value.code == entry["code"], f"{entry}: {raised.value}"
        assert "secret" not in str(raised.value)
    for entry in file["connect"]:
        with pytest.raises(heady.HeadyError) as raised:
            heady.connect(entry["url"])
        assert raised.value.code == entry["code"], f"{entry}: {raised.value}"


@pytest.mark.parametrize("threads", [1, 3])
def test_a_seed_determines_the_bits(engine: heady.Heady, threads: int) -> None:
    for vector in read("vectors")["simulations"]:
        simulation = engine.monte_carlo.run(
            vector["plan"], seed=vector["seed"], samples=vector["samples"], threads=threads
        )
        assert {
            "digest": simulation.digest,
            "planHash": simulation.plan_hash,
            "durationMean": simulation.duration.mean.estimate,
            "success": simulation.success.estimate,
        } == vector["expect"]
