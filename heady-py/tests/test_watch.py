import datetime
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import heady


def test_a_watch_that_goes_on_where_it_stood_misses_and_repeats_nothing(engine: heady.Heady) -> None:
    def write(writer: int) -> None:
        for n in range(25):
            engine.registry.put_node(f"n{writer}", name=str(n))

    seen: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, writer) for writer in range(4)]
        while len(seen) < 100:
            with engine.registry.watch(since=seen[-1] if seen else 0) as changes:
                for event in changes:
                    seen.append(event.revision)
                    if len(seen) % 7 == 0 or len(seen) == 100:
                        break
        for written in writing:
            written.result()
    assert seen == list(range(1, 101))


def test_only_what_was_asked_for_is_given_out(engine: heady.Heady) -> None:
    registry = engine.registry
    changes = registry.watch(kinds=["SERVICE"], ids=["a", "b"], bookmarks=True)
    begun = next(changes)
    assert (begun.change, begun.revision, begun.kind, begun.object) == ("BOOKMARK", 0, None, None)
    registry.put_node("a")
    registry.put_service("c")
    service = registry.put_service("b", metadata={"team": "ä"})
    event = next(changes)
    assert (event.change, event.kind, event.id) == ("CREATE", "SERVICE", "b")
    assert event.at >= service.created_at
    assert event.object == service.to_dict()
    assert event.to_dict()["change"] == "CREATE" and repr(event).startswith("RegistryEvent {")
    changes.close()
    assert list(changes) == []
    with pytest.raises(ValueError, match="no EntryKind"):
        registry.watch(kinds=["THING"])  # type: ignore[list-item]


def test_what_cannot_be_watched_says_list_again(engine: heady.Heady) -> None:
    with pytest.raises(heady.FailedPreconditionError) as raised:
        engine.registry.watch(since=5)
    assert raised.value.details["compacted"] is True
    assert raised.value.details["newest"] == 0


def test_the_change_of_another_log_is_told_apart(engine: heady.Heady) -> None:
    with engine.registry.watch(since=0) as changes:
        engine.registry.put_node("a")
        seen = next(changes)
        engine.registry.put_node("b")
    with engine.registry.watch(since=seen.revision, since_at=seen.at) as changes:
        assert next(changes).id == "b"
    other = seen.at - datetime.timedelta(milliseconds=1)
    with pytest.raises(heady.FailedPreconditionError, match="another registry") as raised:
        engine.registry.watch(since=seen.revision, since_at=other)
    assert raised.value.details["compacted"] is True


@pytest.mark.parametrize("end", ["watch", "engine"])
def test_a_thread_that_waits_is_told_when_it_ends(end: str) -> None:
    engine = heady.connect("sqlite::memory:")
    changes = engine.registry.watch(since=0)
    engine.registry.put_node("a")
    first, seen = threading.Event(), []

    def follow() -> None:
        for event in changes:
            seen.append(event.id)
            first.set()

    thread = threading.Thread(target=follow)
    thread.start()
    first.wait()
    if end == "watch":
        changes.close()
    engine.close()
    thread.join()
    assert seen == ["a"]


FOLLOW = """
import heady, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
engine = heady.connect("sqlite::memory:")
changes = engine.registry.watch()
try:
    print("ready", flush=True)
    for event in changes:
        pass
except KeyboardInterrupt:
    engine.registry.put_node("after")
    print(next(changes).id)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of Unix")
def test_ctrl_c_interrupts_the_waiting_and_the_watch_can_go_on() -> None:
    child = subprocess.Popen([sys.executable, "-c", FOLLOW], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=30)
    assert (child.returncode, said) == (0, "after\n")


def test_a_forgotten_watch_does_not_disturb_the_end_of_the_interpreter(tmp_path: Path) -> None:
    script = f"""
import heady, threading
engine = heady.connect("sqlite:{tmp_path / "left.db"}")
changes = engine.registry.watch()
threading.Thread(target=list, args=(changes,), daemon=True).start()
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
