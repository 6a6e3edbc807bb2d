"""What callers give: the characters they mean, and the code of the engine for what cannot be taken."""

import collections
import datetime
import enum
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import heady

LONE = "x\ud800"
Call = Callable[[heady.Heady], object]


class Env(str, enum.Enum):
    PROD = "prod"
    KEY = "key"


class Level(enum.IntEnum):
    HIGH = 3


class Shouting(str):
    def __str__(self) -> str:
        return self.upper()


def refused(engine: heady.Heady, call: Call, name: str) -> heady.InvalidArgumentError:
    """The error for one argument, which it names first."""
    with pytest.raises(heady.InvalidArgumentError) as raised:
        call(engine)
    assert raised.value.code == "INVALID_ARGUMENT"
    assert str(raised.value).startswith(name), str(raised.value)
    return raised.value


def test_a_subclass_of_str_is_its_own_characters(engine: heady.Heady) -> None:
    given = {Env.KEY: [Env.PROD, Shouting("quiet"), Level.HIGH], "plain": collections.OrderedDict(a=(1,))}
    kept = {"key": ["prod", "quiet", 3], "plain": {"a": [1]}}
    registry = engine.registry
    assert registry.register_service(Env.PROD, name=Shouting("low"), metadata=given).metadata == kept
    assert (registry.get_service("prod").name, registry.get_service(Shouting("prod")).id) == ("low", "prod")
    assert registry.patch_service("prod", {Shouting("metadata"): {"env": Env.PROD}}).metadata == kept | {"env": "prod"}
    assert registry.register_node("n", triggers=[Env.PROD, "b"]).triggers == ["prod", "b"]
    document = {"services": [{"id": Env.KEY, "metadata": given}]}
    registry.import_(document=document)
    assert registry.get_service("key").to_dict()["id"] == "key"

    engine.pipeline.handle(Env.KEY, lambda context, _: {"env": Env.PROD, "input": context.input})
    definition = {"pipeline": {"name": Env.PROD, "stages": [{"id": "s", "tasks": [Env.KEY]}]}}
    run = engine.pipeline.run(definition=definition, input={"env": Env.PROD})
    assert run.stages[0].tasks[0].output == {"env": "prod", "input": {"env": "prod"}}


LONE_SURROGATES: list[tuple[str, Call]] = [
    ("metadata.a[1]: ", lambda engine: engine.registry.register_service("a", metadata={"a": [1, LONE]})),
    ("metadata[a key]: ", lambda engine: engine.registry.register_service("a", metadata={LONE: 1})),
    ("id: ", lambda engine: engine.registry.register_service(LONE)),
    ("id: ", lambda engine: engine.registry.get_node(LONE)),
    ("name: ", lambda engine: engine.registry.put_node("a", name=LONE)),
    ("triggers[1]: ", lambda engine: engine.registry.register_node("a", triggers=["b", LONE])),
    ("patch.name: ", lambda engine: engine.registry.patch_node("a", {"name": LONE})),
    ("governance: ", lambda engine: engine.registry.register_workflow("a", governance=LONE)),
    ("document.services[0].id: ", lambda engine: engine.registry.import_(document={"services": [{"id": LONE}]})),
    ("path: ", lambda engine: engine.registry.import_(LONE)),
    ("path: ", lambda engine: engine.registry.import_(Path(os.fsdecode(b"\xff.json")))),
    ("ids[0]: ", lambda engine: engine.registry.watch(ids=[LONE])),
    ("source: ", lambda engine: engine.registry.list_drift(source=LONE)),  # type: ignore[arg-type]
    ("input: ", lambda engine: engine.pipeline.start(workflow_id="a", input=LONE)),
    ("run_id: ", lambda engine: engine.pipeline.get(LONE)),
    ("name: ", lambda engine: engine.pipeline.handle(LONE, lambda context, _: None)),
    ("plan.tasks[0].id: ", lambda engine: engine.monte_carlo.run({"tasks": [{"id": LONE, "duration": 1}]})),
    ("actor: ", lambda engine: engine.audit.list(actor=LONE)),
    ("actor: ", lambda _: heady.connect("sqlite::memory:", actor=LONE)),
    ("url: ", lambda _: heady.connect(LONE)),
]


@pytest.mark.parametrize(("name", "call"), LONE_SURROGATES)
def test_a_lone_surrogate_is_no_character(name: str, call: Call) -> None:
    with heady.connect("sqlite::memory:") as engine:
        assert "\ud800" not in str(refused(engine, call, name))
        assert engine.registry.list_services().services == []


def test_a_handler_cannot_return_a_lone_surrogate(engine: heady.Heady) -> None:
    engine.pipeline.handle("bad", lambda context, _: {"a": LONE})
    task = {"name": "bad", "retry": {"maxAttempts": 1}}
    definition = {"pipeline": {"name": "p", "stages": [{"id": "s", "tasks": [task]}]}}
    run = engine.pipeline.run(definition=definition)
    assert run.status == "FAILED"
    error = run.stages[0].tasks[0].error
    assert error is not None
    assert error.message == "TypeError: the output of a handler must be JSON: .a: a lone surrogate is no character"


WRONG_VALUES: list[tuple[str, Call]] = [
    ("durability: ", lambda _: heady.connect("sqlite::memory:", durability="x")),  # type: ignore[arg-type]
    ("source: ", lambda engine: engine.registry.list_drift(source="file")),  # type: ignore[arg-type]
    ("severity: ", lambda engine: engine.registry.list_drift(severity="high")),  # type: ignore[arg-type]
    ("kinds[1]: ", lambda engine: engine.registry.watch(kinds=["NODE", "X"])),  # type: ignore[list-item]
    ("status: ", lambda engine: engine.registry.report_health("a", "healthy", 30)),  # type: ignore[arg-type]
    ("status: ", lambda engine: engine.pipeline.list(status="DONE")),  # type: ignore[arg-type]
    ("method: ", lambda engine: engine.monte_carlo.run({}, method="x")),  # type: ignore[arg-type]
    ("limit: ", lambda engine: engine.audit.list(limit=-1)),
    ("limit: ", lambda engine: engine.pipeline.list(limit=2**32)),
    ("threads: ", lambda engine: engine.monte_carlo.run({}, threads=-1)),
    ("gate: ", lambda engine: engine.monte_carlo.run({}, gate=10**400)),
    ("if_version: ", lambda engine: engine.registry.put_node("a", if_version=2**70)),
    ("seed: ", lambda engine: engine.pipeline.start(workflow_id="a", seed=-(2**70))),
    ("ttl_seconds: ", lambda engine: engine.registry.report_health("a", "HEALTHY", 2**64)),
    ("metadata.big: ", lambda engine: engine.registry.put_node("a", metadata={"big": 2**64})),
    ("metadata.small: ", lambda engine: engine.registry.put_node("a", metadata={"small": -(2**63) - 1})),
    ("metadata[0]: ", lambda engine: engine.registry.put_node("a", metadata=[float("nan")])),
]


@pytest.mark.parametrize(("name", "call"), WRONG_VALUES)
def test_a_wrong_value_has_the_code_and_the_name(name: str, call: Call) -> None:
    with heady.connect("sqlite::memory:") as engine:
        assert isinstance(refused(engine, call, name), ValueError)


def test_what_nests_too_deeply_is_refused(engine: heady.Heady) -> None:
    nested: Any = 1
    for _ in range(100_000):
        nested = [nested]
    error = refused(engine, lambda engine: engine.registry.put_node("a", metadata=nested), "metadata[0]")
    assert str(error).endswith(": deeper than 128 levels")


def test_a_handler_waits_for_no_negative_time(engine: heady.Heady) -> None:
    engine.pipeline.handle("wait", lambda context, _: context.wait_cancelled(-1))
    definition = {"pipeline": {"name": "p", "stages": [{"id": "s", "tasks": ["wait"]}]}}
    error = engine.pipeline.run(definition=definition).stages[0].tasks[0].error
    assert error is not None
    assert (error.code, error.message[:9]) == ("INVALID_ARGUMENT", "timeout: ")


WRONG_KINDS: list[tuple[str, Call]] = [
    ("id: ", lambda engine: engine.registry.get_node(1)),  # type: ignore[arg-type]
    ("limit: ", lambda engine: engine.audit.list(limit="1")),  # type: ignore[arg-type]
    ("enabled: ", lambda engine: engine.registry.put_node("a", enabled="no")),  # type: ignore[arg-type]
    ("triggers: ", lambda engine: engine.registry.put_node("a", triggers="abc")),  # type: ignore[arg-type]
    ("triggers[1]: ", lambda engine: engine.registry.put_node("a", triggers=["a", 1])),  # type: ignore[list-item]
    ("metadata.a: ", lambda engine: engine.registry.put_node("a", metadata={"a": {1}})),
    ("metadata.a: ", lambda engine: engine.registry.put_node("a", metadata={"a": {1: 2}})),
    ("since: ", lambda engine: engine.audit.list(since="2026-01-01")),  # type: ignore[arg-type]
    ("until: ", lambda engine: engine.audit.list(until=datetime.datetime(2026, 1, 1))),
]


@pytest.mark.parametrize(("name", "call"), WRONG_KINDS)
def test_a_wrong_kind_is_a_type_error_with_the_name(name: str, call: Call) -> None:
    with heady.connect("sqlite::memory:") as engine, pytest.raises(TypeError) as raised:
        call(engine)
    assert str(raised.value).startswith(name), str(raised.value)


def test_an_error_of_the_callers_own_code_stays_what_it_is(engine: heady.Heady) -> None:
    class Broken:
        def __init__(self, error: type[Exception]) -> None:
            self.error = error

        def __index__(self) -> int:
            raise self.error("mine")

    for error in KeyError, TypeError, ValueError, OverflowError:
        with pytest.raises(error, match=r"^'?mine'?$"):
            engine.audit.list(limit=Broken(error))
        with pytest.raises(error, match=r"^'?mine'?$"):
            engine.registry.put_node("a", metadata={"n": Broken(error)})


def test_a_time_is_an_instant_in_whatever_zone(engine: heady.Heady) -> None:
    engine.registry.register_service("a")
    (entry,) = engine.audit.list().entries
    hours = datetime.timedelta(hours=1)
    zones = [datetime.timezone.utc, ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]
    zones += [datetime.timezone(2 * hours), datetime.timezone(-5.5 * hours), datetime.timezone(hours / 3600)]
    for zone in zones:
        at = entry.timestamp.astimezone(zone)
        second = datetime.timedelta(seconds=1)
        assert engine.audit.list(since=at, until=at + second).entries == [entry], zone
        assert engine.audit.list(since=at + second).entries == [], zone
        assert engine.audit.list(until=at - second).entries == [], zone


def test_a_time_beyond_the_calendar_is_refused(engine: heady.Heady) -> None:
    first = datetime.datetime.min.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    refused(engine, lambda engine: engine.audit.list(since=first), "since: ")


def test_who_is_vouched_for_has_a_name_and_a_role(engine: heady.Heady) -> None:
    routes, signals = engine.http_routes(), heady.HttpSignals()

    def begin(method: str, caller: Any) -> Call:
        return lambda _: routes.begin(method, "/", [], b"", caller=caller, signals=signals, ticket=0)

    refused(engine, begin("GET", (LONE, "admin")), "caller[0]: ")
    refused(engine, begin("GET", ("me", "king")), "caller[1]: ")
    refused(engine, begin(LONE, None), "method: ")
