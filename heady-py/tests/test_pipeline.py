import asyncio
import threading
import time
from typing import Any

import pytest

import heady


def one(*tasks: Any, **stage: Any) -> dict[str, Any]:
    return {"pipeline": {"name": "test", "stages": [{"id": "stage", "tasks": list(tasks), **stage}]}}


def test_functions_and_coroutines_get_their_input_and_give_the_output(engine: heady.Heady) -> None:
    seen = []

    def now(context: heady.TaskContext, given: dict[str, int]) -> dict[str, int]:
        seen.append((context.stage, context.task, context.attempt, context.compensating, context.input))
        return {"twice": given["n"] * 2}

    async def later(context: heady.TaskContext, _: None) -> list[int]:
        await asyncio.sleep(0.005)
        return [len(context.idempotency_key), context.seed, len(context.run_id)]

    engine.pipeline.handle("now", now)
    engine.pipeline.handle("later", later)
    engine.pipeline.handle("nothing", lambda context, _: None)
    run = engine.pipeline.run(
        definition=one({"name": "now", "with": {"n": 21}}, "later", "nothing"),
        input={"who": "me"},
        seed=7,
    )
    assert run.status == "SUCCEEDED"
    assert [task.output for task in run.stages[0].tasks] == [{"twice": 42}, [32, 7, 36], None]
    assert seen == [("stage", "now", 1, False, {"who": "me"})]
    assert run.to_dict()["metrics"]["completedTasks"] == 3
    assert "SUCCEEDED" in run._repr_html_()


def test_the_code_of_what_is_raised_decides_whether_it_is_tried_again(engine: heady.Heady) -> None:
    calls = []

    def flaky(context: heady.TaskContext, _: None) -> int:
        calls.append("flaky")
        if context.attempt < 3:
            raise heady.UnavailableError("not yet")
        return context.attempt

    def wrong(context: heady.TaskContext, _: None) -> None:
        calls.append("wrong")
        raise heady.InvalidArgumentError("no such plan")

    engine.pipeline.handle("flaky", flaky)
    engine.pipeline.handle("wrong", wrong)
    retry = {"maxAttempts": 5, "backoff": {"baseMs": 1, "maxMs": 1}}
    tasks = [{"name": name, "retry": retry} for name in ("flaky", "wrong")]
    run = engine.pipeline.run(definition=one(*tasks, onFailure="collectAll"))
    assert sorted(calls) == ["flaky"] * 3 + ["wrong"]
    done, failed = run.stages[0].tasks
    assert (done.status, done.attempts, done.output) == ("SUCCEEDED", 3, 3)
    assert failed.error is not None
    assert failed.error.to_dict() == {
        "code": "INVALID_ARGUMENT",
        "message": "no such plan",
        "retryable": False,
    }


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (lambda context, _: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda context, _: {"a": {1}}, "TypeError: the output of a handler must be JSON"),
        (lambda context, _: float("nan"), "has no JSON form"),
        (lambda: None, "TypeError"),
    ],
)
def test_whatever_goes_wrong_fails_the_task_and_says_why(engine: heady.Heady, handler: Any, message: str) -> None:
    engine.pipeline.handle("task", handler)
    run = engine.pipeline.run(definition=one("task"))
    error = run.stages[0].tasks[0].error
    assert run.status == "FAILED"
    assert error is not None and error.code == "INTERNAL"
    assert message in error.message


def test_a_task_without_a_handler_fails_and_what_was_done_is_undone(engine: heady.Heady) -> None:
    run = engine.pipeline.run(definition=one("nobody-has-it"))
    error = run.stages[0].tasks[0].error
    assert run.status == "FAILED" and error is not None and error.code == "NOT_FOUND"

    order: list[Any] = []
    for name in "ab":
        engine.pipeline.handle(name, lambda context, _: order.append(context.task))
    engine.pipeline.handle("undo", lambda context, _: order.append((context.task, context.compensating)))
    tasks = [{"name": name, "compensate": {"uses": "undo"}} for name in "ab"]
    definition = one(*tasks, parallel=False)
    definition["pipeline"]["stages"].append(
        {
            "id": "last",
            "dependsOn": ["stage"],
            "tasks": ["nobody-has-it"],
            "onFailure": "collectAll",
        }
    )
    run = engine.pipeline.run(definition=definition)
    assert run.status == "COMPENSATED"
    assert order == ["a", "b", ("b", True), ("a", True)]


def test_a_handler_learns_that_its_time_is_up(engine: heady.Heady) -> None:
    learnt = []

    def slow(context: heady.TaskContext, _: None) -> None:
        learnt.append((context.cancelled, context.wait_cancelled(30)))

    engine.pipeline.handle("slow", slow)
    begun = time.monotonic()
    run = engine.pipeline.run(definition=one({"name": "slow", "timeoutMs": 50}))
    error = run.stages[0].tasks[0].error
    assert error is not None and error.code == "DEADLINE_EXCEEDED"
    assert learnt == [(False, True)]
    assert time.monotonic() - begun < 20


def test_a_handler_may_call_the_engine(engine: heady.Heady) -> None:
    def register(context: heady.TaskContext, _: None) -> str:
        return engine.registry.register_node(f"made-by-{context.task}").id

    engine.pipeline.handle("register", register)
    run = engine.pipeline.run(definition=one(*({"name": f"t{n}", "uses": "register"} for n in range(20))))
    assert run.metrics.completed_tasks == 20
    assert len(engine.registry.list_nodes().nodes) == 20


def test_a_run_is_followed_to_its_end_and_from_where_somebody_stood(engine: heady.Heady) -> None:
    finish = threading.Event()
    engine.pipeline.handle("quick", lambda context, _: 1)
    engine.pipeline.handle("slow", lambda context, _: finish.wait(60))
    run = engine.pipeline.start(definition=one("quick", "slow", parallel=False))
    steps = []
    with engine.pipeline.follow(run.run_id) as follow:
        for step in follow:
            steps.append(step)
            finish.set()
    assert [(step.kind, step.task, step.status or step.run_status) for step in steps] == [
        ("TASK", "quick", "SUCCEEDED"),
        ("TASK", "slow", "SUCCEEDED"),
        ("STAGE", None, "SUCCEEDED"),
        ("RUN", None, "SUCCEEDED"),
    ]
    assert steps[3].to_dict()["runStatus"] == "SUCCEEDED"
    assert list(engine.pipeline.follow(run.run_id, after=steps[1].position)) == steps[2:]
    assert list(engine.pipeline.follow(run.run_id, stages=["none"])) == steps[3:]
    closed = engine.pipeline.follow(run.run_id)
    closed.close()
    assert list(closed) == []
    with pytest.raises(heady.InvalidArgumentError):
        engine.pipeline.follow(run.run_id, after="9")


def test_names_of_the_engine_are_refused(engine: heady.Heady) -> None:
    with pytest.raises(heady.InvalidArgumentError):
        engine.pipeline.handle("process.run", print)


def test_asyncio_users_call_it_in_a_thread(engine: heady.Heady) -> None:
    engine.pipeline.handle("quick", lambda context, _: None)

    async def main() -> list[heady.PipelineRun]:
        runs = (asyncio.to_thread(engine.pipeline.run, definition=one("quick")) for _ in range(8))
        return await asyncio.gather(*runs)

    assert {run.status for run in asyncio.run(main())} == {"SUCCEEDED"}
