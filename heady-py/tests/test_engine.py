import datetime
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import heady
from heady import errors


def test_what_is_written_is_there_when_the_database_is_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'kept.db'}"
    metadata = {"team": "ä", "nested": [1, 2.5, None, {"deep": True}], "big": 2**53 - 1}
    with heady.connect(url, actor="tester") as engine:
        service = engine.registry.register_service("manager", base_url="http://localhost:3301/", metadata=metadata)
        assert service.base_url == "http://localhost:3301"
        assert service.status == "UNKNOWN"
        assert service.last_healthy_at is None
        assert service.created_at.tzinfo == datetime.timezone.utc
        assert service.metadata == metadata
    with heady.connect(url, create_if_missing=False) as engine:
        assert engine.registry.get_service("manager") == service
        (entry,) = engine.audit.list(target="service:manager").entries
        assert (entry.actor, entry.action) == ("tester", "CONFIG_CHANGE")
    with pytest.raises(errors.UnavailableError):
        engine.start()


def test_a_missing_file_is_not_created_unasked(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError):
        heady.connect(f"sqlite:{tmp_path}/no-such-file.db", create_if_missing=False)
    assert list(tmp_path.iterdir()) == []


def test_services_are_probed_and_report_by_themselves() -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with heady.connect("sqlite::memory:") as engine:
        base_url = f"http://127.0.0.1:{server.server_port}"
        engine.registry.register_service("api", base_url=base_url, probe_interval_ms=100, unhealthy_threshold=5)
        engine.registry.register_service("job")
        engine.start(workers=False)
        deadline = time.monotonic() + 60
        while (api := engine.registry.get_service("api")).last_probe is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert api.last_probe is not None
        assert (api.last_probe.status, api.last_probe.reason) == ("HEALTHY", None)
        assert api.last_healthy_at == api.last_probe.at
        job = engine.registry.report_health("job", "DEGRADED", 60, note="late")
        assert (job.status, job.status_reason, job.last_probe) == ("DEGRADED", "late", None)
        assert job.report_expires_at is not None
    server.shutdown()


def test_the_audit_log_is_signed_exported_and_verified() -> None:
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    with heady.connect("sqlite::memory:") as engine:
        for name in "a", "b":
            engine.registry.register_service(name)
        assert len(engine.audit.list(since=since).entries) == 2
        assert engine.audit.list(until=since).entries == []
        checkpoint = engine.audit.checkpoint()
        report = engine.audit.verify(public_keys=[checkpoint.public_key], checkpoints=checkpoint.note)
        assert (report.ok, report.rows, report.checkpoints, report.first_fault) == (True, 2, 1, None)
        assert report.keys_from == "GIVEN"
        first = engine.audit.export(limit=2)
        rest = engine.audit.export(cursor=first.next)
        lines = [json.loads(line) for line in (first.ndjson + rest.ndjson).splitlines()]
        assert [line.get("checkpoint", line.get("seq")) for line in lines] == [checkpoint.note, 1, 2]
        assert [one.id for one in engine.audit.checkpoints().checkpoints] == [checkpoint.id]


def test_a_result_is_a_dict_a_text_and_a_picture(engine: heady.Heady) -> None:
    plan = {"tasks": [{"id": "a<b", "duration": 1}]}
    simulation = engine.monte_carlo.run(plan, seed=1, samples=100)
    assert simulation.to_dict()["planHash"] == simulation.plan_hash
    assert repr(simulation).startswith("Simulation {")
    html = simulation._repr_html_()
    assert html.startswith("<pre>") and "a<b" not in html


def test_errors_are_exceptions_of_both_worlds(engine: heady.Heady) -> None:
    with pytest.raises(LookupError) as missing:
        engine.registry.get_service("nobody")
    assert isinstance(missing.value, errors.NotFoundError)
    assert str(missing.value) == "service 'nobody' does not exist"

    engine.registry.register_node("jules")
    assert engine.registry.update_node("jules", enabled=False, if_version=1).resource_version == 2
    with pytest.raises(heady.AbortedError) as conflict:
        engine.registry.update_node("jules", enabled=True, if_version=1)
    assert conflict.value.details["current"]["resourceVersion"] == 2

    with pytest.raises(TypeError):
        engine.registry.register_service("a", metadata={"not": {"json"}})
    with pytest.raises(ValueError, match="no RunStatus"):
        engine.pipeline.list(status="DONE")  # type: ignore[arg-type]


def test_an_import_reports_and_drift_says_who_moved(engine: heady.Heady, tmp_path: Path) -> None:
    document = {
        "services": {"core": {"api": {"port": 1, "token": "hunter2", "file": "gone.js"}}},
        "workflows": [{"id": "publish", "dependencies": ["api", "nowhere"]}],
    }
    report = engine.registry.import_(document=document, root=tmp_path)
    assert (report.shape, report.created) == ("GROUPS", 2)
    codes = [warning.code for warning in report.warnings]
    assert codes == ["SECRET_REDACTED", "ASSUMED_LOCALHOST", "DANGLING_DEPENDENCY", "MISSING_FILE"]
    engine.registry.update_service("api", name="By call")
    found = engine.registry.detect_drift(live=False)
    assert [(source.source, source.error) for source in found.sources] == [("FILE", None)]
    (drift,) = found.drift
    assert (drift.id, drift.kind, drift.path, drift.observed) == ("api", "CHANGED", "name", "By call")
    assert "By call" in found._repr_html_()
    assert engine.registry.list_drift(severity="HIGH").drift == []
    deployed = engine.registry.detect_drift(live=False, manifest_document={"apps": [{"name": "worker"}]})
    assert ("worker", "EXTRA") in [(drift.id, drift.kind) for drift in deployed.drift]


def test_a_malformed_file_names_the_place(engine: heady.Heady, tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    file.write_text('{"services": [\n  {"id": "a",}\n]}')
    with pytest.raises(heady.InvalidArgumentError) as raised:
        engine.registry.import_(file)
    assert raised.value.details["line"] == 2
    assert engine.registry.list_services().services == []


def test_every_code_has_one_class() -> None:
    classes = errors.HeadyError.__subclasses__()
    assert len({error.code for error in classes}) == len(classes) == 13
    assert {error.__name__ for error in classes} | {"HeadyError"} == set(errors.__all__)


def test_calls_from_many_threads_share_one_engine(engine: heady.Heady) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: engine.registry.register_node(f"node-{n}"), range(100)))
    assert len(engine.registry.list_nodes().nodes) == 100


SLOW = """
import heady, signal
# A background job of a shell ignores the signal, and what it starts inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
engine = heady.connect({url!r})
engine.pipeline.handle("sleep", lambda context, _: context.wait_cancelled(60))
print("ready", flush=True)
engine.pipeline.run(definition={{"pipeline": {{"name": "slow", "stages": [{{"id": "s", "tasks": ["sleep"]}}]}}}})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of Unix")
def test_ctrl_c_interrupts_a_call_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'interrupted.db'}"
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(url=url)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=30)
    assert b"KeyboardInterrupt" in stderr
    assert child.returncode in (1, -signal.SIGINT)

    with heady.connect(url) as engine:
        (run,) = engine.pipeline.list().runs
        assert run.status == "RUNNING"
        engine.pipeline.handle("sleep", lambda context, _: "at once")
        engine.pipeline.resume(run.run_id)
        assert engine.pipeline.wait(run.run_id).status == "SUCCEEDED"


def test_an_engine_left_open_does_not_disturb_the_end_of_the_interpreter() -> None:
    script = """
import heady
engine = heady.connect("sqlite::memory:")
engine.pipeline.handle("sleep", lambda context, _: context.wait_cancelled(60))
engine.pipeline.start(definition={"pipeline": {"name": "p", "stages": [{"id": "s", "tasks": ["sleep"]}]}})
"""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
