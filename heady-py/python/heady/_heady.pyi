"""
The engine's classes; import them from `heady`.
"""

from _typeshed import SupportsGetItem
from datetime import datetime
from heady._types import SequenceNotStr
from os import PathLike
from typing import Any, Final, Literal, SupportsFloat, SupportsIndex, final

__all__ = ["Audit", "AuditCheckpoint", "AuditEntry", "AuditExport", "AuditFault", "AuditPage", "AuditReport", "CheckpointPage", "Compensation", "Critique", "Drift", "DriftReport", "DriftSnapshot", "Estimate", "Failure", "Finding", "Forecast", "Heady", "Histogram", "HttpExchange", "HttpRoutes", "HttpSignals", "ImportEntry", "ImportReport", "ImportSection", "LastProbe", "MonteCarlo", "MonteCarloStatus", "Node", "NodeList", "Pipeline", "PipelineDefinition", "PipelineRun", "PipelineVersion", "PlanReport", "Probe", "ProbeReport", "Quantile", "Readiness", "Registry", "RegistryEvent", "RegistryWatch", "Replay", "RunFollow", "RunMetrics", "RunPage", "RunStep", "RunSummary", "RunningSimulation", "ScenarioOutcomes", "ScenarioPage", "ScenarioResult", "ScenarioRisk", "Service", "ServiceList", "Simulation", "SimulationPage", "Spread", "StageRun", "TaskContext", "TaskForecast", "TaskRun", "TaskTimes", "Warning", "Workflow", "WorkflowList", "connect"]

@final
class Audit:
    """
    The audit log.
    """
    def checkpoint(self, /) -> AuditCheckpoint:
        """
        Signs what all chains came to, and keeps it. An engine whose loops run does so by itself, every second or 1,000
        rows, and every engine when it closes.
        """
    def checkpoints(self, /, *, limit: SupportsIndex | None = None, cursor: str | None = None) -> CheckpointPage:
        """
        Lists checkpoints, newest first.
        """
    def export(self, /, *, limit: SupportsIndex | None = None, cursor: str | None = None) -> AuditExport:
        """
        Returns a part of the whole log as lines of JSON, for whoever verifies or keeps it elsewhere.
        """
    def list(self, /, *, actor: str | None = None, action: str | None = None, target: str | None = None, status: str | None = None, since: datetime | None = None, until: datetime | None = None, limit: SupportsIndex | None = None, cursor: str | None = None) -> AuditPage:
        """
        Lists entries, newest first.
        """
    def verify(self, /, *, public_keys: SequenceNotStr[str] | None = None, checkpoints: str | None = None) -> AuditReport:
        """
        Computes every hash and checks every signature again, and names the first thing that is wrong.
        """

@final
class AuditCheckpoint:
    """
    A signed statement about all rows there were at a moment.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> AuditCheckpoint:
        """
        What a pickle has of it, read again.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When it was made.
        """
    @property
    def id(self, /) -> str:
        """
        Its identifier; later ones have greater ones.
        """
    @property
    def note(self, /) -> str:
        """
        The statement with its signature: a C2SP checkpoint in a signed note. Keep it elsewhere.
        """
    @property
    def public_key(self, /) -> str:
        """
        The key that verifies it.
        """
    @property
    def rows(self, /) -> int:
        """
        How many rows there were.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class AuditEntry:
    """
    One thing that somebody did.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> AuditEntry:
        """
        What a pickle has of it, read again.
        """
    @property
    def action(self, /) -> str:
        """
        What: `DEPLOY`, `ROLLBACK`, `SECRETS_ACCESS`, `CONFIG_CHANGE`, `IMPORT`, `RUN_START`, `RUN_RESUME`,
        `RUN_CANCEL`, `RUN_FINISH`.
        """
    @property
    def actor(self, /) -> str:
        """
        Who: a user, an API key, a program.
        """
    @property
    def call_id(self, /) -> str | None:
        """
        The tool call that it is about.
        """
    @property
    def chain_id(self, /) -> str:
        """
        The chain that it stands in.
        """
    @property
    def details(self, /) -> Any:
        """
        Facts about it.
        """
    @property
    def hash(self, /) -> str:
        """
        The hash of it and of all before it, in hex.
        """
    @property
    def id(self, /) -> str:
        """
        The entry's identifier; later entries have greater ones.
        """
    @property
    def policy_version(self, /) -> int | None:
        """
        The version of the policy that decided.
        """
    @property
    def seq(self, /) -> int:
        """
        Its place there, from 1.
        """
    @property
    def status(self, /) -> str:
        """
        How it ended.
        """
    @property
    def target(self, /) -> str:
        """
        To what, such as `service:heady-manager` or `run:<id>`.
        """
    @property
    def timestamp(self, /) -> datetime:
        """
        When.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class AuditExport:
    """
    A part of the exported log.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> AuditExport:
        """
        What a pickle has of it, read again.
        """
    @property
    def ndjson(self, /) -> str:
        """
        Lines of JSON: all checkpoints, then all rows, chain by chain. Parts are put together by writing one after the
        other.
        """
    @property
    def next(self, /) -> str | None:
        """
        Where the next part begins, if there is one.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class AuditFault:
    """
    The first thing that is wrong with a log, in the order of chains and rows.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> AuditFault:
        """
        What a pickle has of it, read again.
        """
    @property
    def chain_id(self, /) -> str | None:
        """
        In which chain.
        """
    @property
    def id(self, /) -> str | None:
        """
        At which entry, if there is one.
        """
    @property
    def kind(self, /) -> Literal["HASH", "DETAILS", "GAP", "REORDER", "TRUNCATED", "HEAD", "CHECKPOINT", "CHECKPOINT_SIGNATURE", "UNSIGNED"]:
        """
        What is wrong.
        """
    @property
    def message(self, /) -> str:
        """
        The same in words.
        """
    @property
    def seq(self, /) -> int | None:
        """
        At which place of the chain.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class AuditPage:
    """
    A page of entries, newest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> AuditPage:
        """
        What a pickle has of it, read again.
        """
    @property
    def entries(self, /) -> list[AuditEntry]:
        """
        The entries.
        """
    @property
    def next(self, /) -> str | None:
        """
        Where the next page begins, if there is one.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class AuditReport:
    """
    What verifying came to.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> AuditReport:
        """
        What a pickle has of it, read again.
        """
    @property
    def chains(self, /) -> int:
        """
        How many chains there are.
        """
    @property
    def checkpoints(self, /) -> int:
        """
        How many checkpoints were verified.
        """
    @property
    def erased(self, /) -> int:
        """
        In how many of them the details were erased.
        """
    @property
    def first_fault(self, /) -> AuditFault | None:
        """
        What is wrong, if something is.
        """
    @property
    def keys_from(self, /) -> Literal["GIVEN", "ENGINE", "DATABASE"]:
        """
        Where those keys came from.
        """
    @property
    def ok(self, /) -> bool:
        """
        Whether everything is as it was written and signed.
        """
    @property
    def public_keys(self, /) -> list[str]:
        """
        The keys whose signatures were accepted.
        """
    @property
    def rows(self, /) -> int:
        """
        How many rows were verified.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def unsigned(self, /) -> int:
        """
        How many rows at the ends of chains no such checkpoint covers: those written since the last one. Whether more
        followed only a checkpoint that was kept elsewhere can tell.
        """

@final
class CheckpointPage:
    """
    A page of checkpoints, newest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> CheckpointPage:
        """
        What a pickle has of it, read again.
        """
    @property
    def checkpoints(self, /) -> list[AuditCheckpoint]:
        """
        The checkpoints.
        """
    @property
    def next(self, /) -> str | None:
        """
        Where the next page begins, if there is one.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Compensation:
    """
    One task that was undone, or was to be.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Compensation:
        """
        What a pickle has of it, read again.
        """
    @property
    def attempts(self, /) -> int:
        """
        How often it was tried.
        """
    @property
    def error(self, /) -> Failure | None:
        """
        Why it failed.
        """
    @property
    def finished_at(self, /) -> datetime | None:
        """
        When its last attempt ended.
        """
    @property
    def stage(self, /) -> str:
        """
        The id of the stage.
        """
    @property
    def started_at(self, /) -> datetime | None:
        """
        When its first attempt began.
        """
    @property
    def status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED", "INDETERMINATE"]:
        """
        Where the undoing stands.
        """
    @property
    def task(self, /) -> str:
        """
        The name of the task.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Critique:
    """
    What the engine says about a run when it looks back at it.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Critique:
        """
        What a pickle has of it, read again.
        """
    @property
    def findings(self, /) -> list[Finding]:
        """
        What there is to say, in the order of the tasks.
        """
    @property
    def score(self, /) -> int:
        """
        The share of tasks about which there is nothing to say, 0 to 100.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Drift:
    """
    One difference.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Drift:
        """
        What a pickle has of it, read again.
        """
    @property
    def desired(self, /) -> Any | None:
        """
        What should be there; null if nothing should.
        """
    @property
    def first_seen(self, /) -> datetime:
        """
        When it was first seen.
        """
    @property
    def id(self, /) -> str:
        """
        The entry; empty for a section that is one value.
        """
    @property
    def kind(self, /) -> Literal["MISSING", "EXTRA", "CHANGED"]:
        """
        How it differs.
        """
    @property
    def last_seen(self, /) -> datetime:
        """
        When it was last seen.
        """
    @property
    def observed(self, /) -> Any | None:
        """
        What is there; null if nothing is.
        """
    @property
    def orphan(self, /) -> bool:
        """
        Whether nobody declares this entry any more.
        """
    @property
    def path(self, /) -> str:
        """
        Where in the entry, such as `slo.target`, or `log."a.b"` where a dot belongs to a key; empty for the whole of it.
        """
    @property
    def reason(self, /) -> str:
        """
        How it came to differ, as far as that can be told.
        """
    @property
    def section(self, /) -> str:
        """
        The section of the entry; empty for a plain value of the file.
        """
    @property
    def severity(self, /) -> Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]:
        """
        How much it matters.
        """
    @property
    def source(self, /) -> Literal["FILE", "LIVE", "MANIFEST"]:
        """
        What the registry was compared with.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class DriftReport:
    """
    What differs, the most severe first, and the sources that say so.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> DriftReport:
        """
        What a pickle has of it, read again.
        """
    def _repr_html_(self, /) -> str: ...
    @property
    def drift(self, /) -> list[Drift]:
        """
        The differences.
        """
    @property
    def sources(self, /) -> list[DriftSnapshot]:
        """
        The sources that were ever looked at.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class DriftSnapshot:
    """
    A source and how it was found.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> DriftSnapshot:
        """
        What a pickle has of it, read again.
        """
    @property
    def content_hash(self, /) -> str | None:
        """
        The hash of what it said.
        """
    @property
    def error(self, /) -> Any | None:
        """
        Why the last look failed: its `code` and `message`. What it said before is still compared.
        """
    @property
    def failed_at(self, /) -> datetime | None:
        """
        When the last look failed.
        """
    @property
    def location(self, /) -> str | None:
        """
        The file, if it is one.
        """
    @property
    def observed(self, /) -> int:
        """
        How many things it told of: entries, or services that were asked.
        """
    @property
    def source(self, /) -> Literal["FILE", "LIVE", "MANIFEST"]:
        """
        Which source.
        """
    @property
    def taken_at(self, /) -> datetime | None:
        """
        When it was last looked at with success.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def unobserved(self, /) -> int:
        """
        How many could not be looked at, such as services without an address.
        """

@final
class Estimate:
    """
    An estimate with its 95 % interval.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Estimate:
        """
        What a pickle has of it, read again.
        """
    @property
    def estimate(self, /) -> float:
        """
        The estimate itself.
        """
    @property
    def lower(self, /) -> float:
        """
        The interval's lower end.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def upper(self, /) -> float:
        """
        The interval's upper end.
        """

@final
class Failure:
    """
    Why something failed.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Failure:
        """
        What a pickle has of it, read again.
        """
    @property
    def code(self, /) -> str:
        """
        One of the thirteen codes.
        """
    @property
    def message(self, /) -> str:
        """
        The sentence for people.
        """
    @property
    def retryable(self, /) -> bool:
        """
        Whether the same attempt may succeed when it is repeated.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Finding:
    """
    Something the engine noticed about a run when it looked back at it.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Finding:
        """
        What a pickle has of it, read again.
        """
    @property
    def code(self, /) -> str:
        """
        What kind of thing: `FAILED`, `RETRIED`, `SLOWER_THAN_FORECAST`.
        """
    @property
    def message(self, /) -> str:
        """
        The sentence for people.
        """
    @property
    def task(self, /) -> str:
        """
        `stage/task`.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Forecast:
    """
    What was expected of a run before it began: a simulation of that very run.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Forecast:
        """
        What a pickle has of it, read again.
        """
    @property
    def digest(self, /) -> str:
        """
        The simulation's bits in short.
        """
    @property
    def duration_ms(self, /) -> Spread:
        """
        How long it takes, in milliseconds.
        """
    @property
    def plan_hash(self, /) -> str:
        """
        The hash of the simulated plan.
        """
    @property
    def samples(self, /) -> int:
        """
        How many times it was simulated.
        """
    @property
    def score(self, /) -> int:
        """
        The readiness that follows, 0 to 100.
        """
    @property
    def success(self, /) -> Estimate:
        """
        The probability that no task fails for good.
        """
    @property
    def tasks(self, /) -> list[TaskForecast]:
        """
        The tasks, in order.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What the forecast had to assume.
        """

@final
class Heady:
    """
    An open engine. Use it in a `with` block, or `close` it.
    """
    def __enter__(self, /) -> Heady: ...
    def __exit__(self, /, _exception_type: Any | None, _exception: Any | None, _traceback: Any | None) -> None: ...
    @property
    def audit(self, /) -> Audit:
        """
        The audit log.
        """
    def close(self, /) -> None:
        """
        Hands its runs back, finishes what is being written and closes the database. In a fork of the process it does
        nothing: the engine stays with the process that opened it.
        """
    def http_routes(self, /) -> HttpRoutes:
        """
        What `heady serve` answers, in process; `heady.asgi` makes an application of it.
        """
    @property
    def monte_carlo(self, /) -> MonteCarlo:
        """
        Simulations.
        """
    @property
    def pipeline(self, /) -> Pipeline:
        """
        Pipelines and their runs.
        """
    @property
    def registry(self, /) -> Registry:
        """
        The registry of services, nodes and workflows.
        """
    def start(self, /, *, workers: bool | None = None, probes: bool | None = None) -> None:
        """
        Starts the engine's loops: from here on it also executes runs whose worker is gone, if all their handlers are
        registered here, and probes the services of the registry.
        """

@final
class Histogram:
    """
    How many samples fell between edges.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Histogram:
        """
        What a pickle has of it, read again.
        """
    @property
    def counts(self, /) -> list[int]:
        """
        The samples between each two edges.
        """
    @property
    def edges(self, /) -> list[float]:
        """
        The edges, one more than counts.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class HttpExchange:
    """
    One request under way.
    """
    def cancel(self, /) -> None:
        """
        Ends the answer: nobody waits for it.
        """
    def event(self, /) -> Any | None:
        """
        The next event for ASGI's `send`, or `None` if there is none yet.
        """

@final
class HttpRoutes:
    """
    The routes of an engine.
    """
    MAX_BODY: Final[int]
    """
    The most a body may weigh, in bytes.
    """
    def begin(self, /, method: str, target: str, headers: SupportsGetItem[int, tuple[SupportsGetItem[int, SupportsIndex], SupportsGetItem[int, SupportsIndex]]], body: SupportsGetItem[int, SupportsIndex], *, caller: tuple[str, Literal["viewer", "operator", "admin"]] | None, signals: HttpSignals, ticket: SupportsIndex) -> HttpExchange:
        """
        Begins to answer a request. Whenever the exchange has an event, its ticket is among the signals.
        """

@final
class HttpSignals:
    """
    The tickets of exchanges that have an event, for one thread of Python that passes them on to event loops.

    A thread of the engine must not call into an interpreter that may be ending.
    """
    def __new__(cls, /) -> HttpSignals: ...
    def close(self, /) -> None:
        """
        Ends the waiting.
        """
    def wait(self, /) -> int | None:
        """
        Waits for the next ticket; `None` after `close`.
        """

@final
class ImportEntry:
    """
    One entry of an import.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ImportEntry:
        """
        What a pickle has of it, read again.
        """
    @property
    def action(self, /) -> Literal["CREATE", "UPDATE", "DELETE", "UNCHANGED", "SKIP"]:
        """
        What happened to it.
        """
    @property
    def id(self, /) -> str:
        """
        The entry in it; empty for a section that is one value.
        """
    @property
    def reason(self, /) -> str | None:
        """
        Why, where that is not obvious.
        """
    @property
    def section(self, /) -> str:
        """
        The section of the document.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class ImportReport:
    """
    What an import did, or would do.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ImportReport:
        """
        What a pickle has of it, read again.
        """
    def _repr_html_(self, /) -> str: ...
    @property
    def created(self, /) -> int:
        """
        How many entries were created.
        """
    @property
    def deleted(self, /) -> int:
        """
        How many were deleted.
        """
    @property
    def entries(self, /) -> list[ImportEntry]:
        """
        All but the unchanged.
        """
    @property
    def sections(self, /) -> list[ImportSection]:
        """
        The same by section.
        """
    @property
    def shape(self, /) -> str:
        """
        Which shape the document has: `CATALOG` (lists of entries), `MAPS` (entries under their ids), `GROUPS` (of lists
        or maps) or `SCAN` (what the scanner stores).
        """
    @property
    def skipped(self, /) -> int:
        """
        How many were left out or kept.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def unchanged(self, /) -> int:
        """
        How many were there already.
        """
    @property
    def updated(self, /) -> int:
        """
        How many were changed.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What was noticed on the way.
        """

@final
class ImportSection:
    """
    What happened to the entries of a section.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ImportSection:
        """
        What a pickle has of it, read again.
        """
    @property
    def created(self, /) -> int:
        """
        How many entries were created.
        """
    @property
    def deleted(self, /) -> int:
        """
        How many were deleted.
        """
    @property
    def section(self, /) -> str:
        """
        The section: its name, or `section/group`.
        """
    @property
    def skipped(self, /) -> int:
        """
        How many were left out or kept.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def unchanged(self, /) -> int:
        """
        How many were there already.
        """
    @property
    def updated(self, /) -> int:
        """
        How many were changed.
        """

@final
class LastProbe:
    """
    What the last probes of a service found, whether or not it was enough to change its status.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> LastProbe:
        """
        What a pickle has of it, read again.
        """
    @property
    def at(self, /) -> datetime:
        """
        When the last one ended.
        """
    @property
    def consecutive_failures(self, /) -> int:
        """
        How many in a row did not.
        """
    @property
    def consecutive_successes(self, /) -> int:
        """
        How many in a row found it healthy.
        """
    @property
    def latency_ms(self, /) -> float | None:
        """
        How long the answer took, in milliseconds; null without one.
        """
    @property
    def reason(self, /) -> str | None:
        """
        Why it did not find it healthy, in words.
        """
    @property
    def status(self, /) -> Literal["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"]:
        """
        What it found.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class MonteCarlo:
    """
    Simulations.
    """
    def check(self, /, plan: Any) -> PlanReport:
        """
        Checks a plan without simulating it.
        """
    def get(self, /, id: str) -> Simulation:
        """
        Returns a simulation of the history.
        """
    def list(self, /, *, limit: SupportsIndex | None = None, cursor: str | None = None) -> SimulationPage:
        """
        Lists the simulations of plans, newest first.
        """
    def list_scenarios(self, /, *, limit: SupportsIndex | None = None, cursor: str | None = None) -> ScenarioPage:
        """
        Lists what scenarios came to, newest first.
        """
    def replay(self, /, id: str) -> Replay:
        """
        Does a simulation of the history again and compares the bits.
        """
    def run(self, /, plan: Any, *, seed: SupportsIndex | None = None, samples: SupportsIndex | None = None, threads: SupportsIndex | None = None, method: Literal["mc", "lhs", "sobol", "antithetic"] | None = None, gate: SupportsFloat | SupportsIndex | None = None) -> Simulation:
        """
        Simulates a plan and keeps the result in the history. Dropping the future stops the simulation.
        """
    def scenario(self, /, *, scenario: Any | None = None, iterations: SupportsIndex | None = None, seed: SupportsIndex | None = None) -> ScenarioResult:
        """
        Simulates a scenario in the callers' simple form and keeps the result in the history.
        """
    def status(self, /) -> MonteCarloStatus:
        """
        Returns what the simulator has done and does.
        """

@final
class MonteCarloStatus:
    """
    What the simulator has done and does.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> MonteCarloStatus:
        """
        What a pickle has of it, read again.
        """
    @property
    def algorithm(self, /) -> str:
        """
        The algorithm of new simulations.
        """
    @property
    def default_iterations(self, /) -> int:
        """
        How many samples are drawn unless the caller says.
        """
    @property
    def last_run(self, /) -> Simulation | None:
        """
        The newest simulation of a plan.
        """
    @property
    def last_scenario(self, /) -> ScenarioResult | None:
        """
        The newest simulation of a scenario.
        """
    @property
    def running(self, /) -> list[RunningSimulation]:
        """
        Those under way in this engine.
        """
    @property
    def runs_completed(self, /) -> int:
        """
        How many runs the history has: simulations of plans and of scenarios.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Node:
    """
    An agent or model that does work when one of its triggers occurs.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Node:
        """
        What a pickle has of it, read again.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When it was registered.
        """
    @property
    def enabled(self, /) -> bool:
        """
        Whether it takes work.
        """
    @property
    def id(self, /) -> str:
        """
        Its name in references.
        """
    @property
    def metadata(self, /) -> Any:
        """
        The whole entry as it was imported, or what its owner attached.
        """
    @property
    def name(self, /) -> str:
        """
        Its name for people.
        """
    @property
    def resource_version(self, /) -> int:
        """
        The registry's revision at its last change; grows with every one.
        """
    @property
    def runtime(self, /) -> str:
        """
        What executes it.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def triggers(self, /) -> list[str]:
        """
        The words or events that call it.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it was last changed.
        """

@final
class NodeList:
    """
    All nodes, by id.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> NodeList:
        """
        What a pickle has of it, read again.
        """
    @property
    def nodes(self, /) -> list[Node]:
        """
        The nodes.
        """
    @property
    def revision(self, /) -> int:
        """
        The registry's revision at which this was so: watch from here.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Pipeline:
    """
    Pipelines and their runs.
    """
    def cancel(self, /, run_id: str) -> PipelineRun:
        """
        Cancels a run: what is under way is interrupted, what was done is undone. A run that nobody executes is
        cancelled when somebody resumes it, or at once if it waits for a person.
        """
    def define(self, /, path: str | PathLike[str] | None = None, *, definition: Any | None = None) -> PipelineVersion:
        """
        Registers a definition as the newest version of its pipeline, and the workflow of its name to run it.
        """
    def definition(self, /, workflow_id: str | None = None, *, version: SupportsIndex | None = None) -> PipelineDefinition:
        """
        Returns the definition that a workflow runs: the newest version, or the one that is asked for.
        """
    def follow(self, /, id: str, *, after: str | None = None, stages: SequenceNotStr[str] | None = None) -> RunFollow:
        """
        Follows a run wherever it is executed: what is recorded of it, from the beginning or after a step's `position`, in
        order and once, as an iterator that waits for the next step and ends with the run.
        """
    def get(self, /, run_id: str) -> PipelineRun:
        """
        Returns a run as it stands.
        """
    def handle(self, /, name: str, handler: Any) -> None:
        """
        Registers a callable `(context, input) -> output` under a name, in place of an earlier one. What it returns, or
        what its coroutine does, is the task's output; what it raises fails the attempt, and the `code` of a
        `HeadyError` decides whether it is repeated. Calls come from threads of the engine.
        """
    def list(self, /, *, workflow_id: str | None = None, status: Literal["PENDING", "RUNNING", "WAITING", "PAUSED", "COMPENSATING", "SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED", "DEAD"] | None = None, limit: SupportsIndex | None = None, cursor: str | None = None) -> RunPage:
        """
        Lists runs, newest first.
        """
    def resume(self, /, run_id: str) -> PipelineRun:
        """
        Continues a run that a crash interrupted, that is paused, or that failed: finished tasks are not repeated,
        undone ones are. Returns it as it then stands; it goes on in the background.
        """
    def run(self, /, *, workflow_id: str | None = None, path: str | PathLike[str] | None = None, definition: Any | None = None, input: Any | None = None, request_id: str | None = None, seed: SupportsIndex | None = None, simulate: bool | None = None) -> PipelineRun:
        """
        Begins a run and returns it when it has ended, or waits for a person.
        """
    def start(self, /, *, workflow_id: str | None = None, path: str | PathLike[str] | None = None, definition: Any | None = None, input: Any | None = None, request_id: str | None = None, seed: SupportsIndex | None = None, simulate: bool | None = None) -> PipelineRun:
        """
        Begins a run and returns it as it then stands; it goes on in the background.
        """
    def wait(self, /, run_id: str) -> PipelineRun:
        """
        Returns a run when it has ended or waits for a person, wherever it is executed.
        """

@final
class PipelineDefinition:
    """
    A definition as it was registered.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> PipelineDefinition:
        """
        What a pickle has of it, read again.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When this version was registered.
        """
    @property
    def definition(self, /) -> Any:
        """
        The definition itself.
        """
    @property
    def definition_hash(self, /) -> str:
        """
        The hash of the definition.
        """
    @property
    def max_concurrent_tasks(self, /) -> int:
        """
        How many tasks of one run are under way at most.
        """
    @property
    def name(self, /) -> str:
        """
        Its name in the definition.
        """
    @property
    def pipeline_id(self, /) -> str:
        """
        The pipeline.
        """
    @property
    def stages(self, /) -> int:
        """
        How many stages it has.
        """
    @property
    def tasks(self, /) -> int:
        """
        How many tasks, those aside that a run's input or the host's handlers add to the built-in stages.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def version(self, /) -> int:
        """
        Its version, from 1.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What the reader noticed.
        """
    @property
    def workflow_id(self, /) -> str:
        """
        The workflow that runs it.
        """

@final
class PipelineRun:
    """
    A run, whole.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> PipelineRun:
        """
        What a pickle has of it, read again.
        """
    def _repr_html_(self, /) -> str: ...
    @property
    def compensations(self, /) -> list[Compensation]:
        """
        What was undone, in the order in which that happened.
        """
    @property
    def critique(self, /) -> Critique | None:
        """
        What the engine says about it, once it has ended.
        """
    @property
    def error(self, /) -> Failure | None:
        """
        Why it did not succeed.
        """
    @property
    def finished_at(self, /) -> datetime | None:
        """
        When it ended.
        """
    @property
    def forecast(self, /) -> Forecast | None:
        """
        What was expected.
        """
    @property
    def metrics(self, /) -> RunMetrics:
        """
        What it came to.
        """
    @property
    def request_id(self, /) -> str | None:
        """
        The caller's name for the request; the same one is carried out once.
        """
    @property
    def run_id(self, /) -> str:
        """
        The run.
        """
    @property
    def seed(self, /) -> int:
        """
        What its random draws follow from.
        """
    @property
    def simulated(self, /) -> bool:
        """
        Whether no handler was really called.
        """
    @property
    def stages(self, /) -> list[StageRun]:
        """
        Its stages, in the order of execution.
        """
    @property
    def started_at(self, /) -> datetime:
        """
        When it began.
        """
    @property
    def status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "PAUSED", "COMPENSATING", "SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED", "DEAD"]:
        """
        Where the run stands.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What the reader of the definition noticed.
        """
    @property
    def workflow_id(self, /) -> str:
        """
        The workflow that is run.
        """

@final
class PipelineVersion:
    """
    A registered definition.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> PipelineVersion:
        """
        What a pickle has of it, read again.
        """
    @property
    def created(self, /) -> bool:
        """
        Whether this call added the version.
        """
    @property
    def definition_hash(self, /) -> str:
        """
        The hash of the definition.
        """
    @property
    def pipeline_id(self, /) -> str:
        """
        The pipeline.
        """
    @property
    def stages(self, /) -> int:
        """
        How many stages it has.
        """
    @property
    def tasks(self, /) -> int:
        """
        How many tasks.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def version(self, /) -> int:
        """
        Its version, from 1.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What the reader noticed.
        """
    @property
    def workflow_id(self, /) -> str:
        """
        The workflow under which it is run.
        """

@final
class PlanReport:
    """
    A plan that can be simulated.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> PlanReport:
        """
        What a pickle has of it, read again.
        """
    @property
    def plan_hash(self, /) -> str:
        """
        SHA-256 of the plan as JSON with sorted keys.
        """
    @property
    def tasks(self, /) -> int:
        """
        How many tasks it has.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What was noticed.
        """

@final
class Probe:
    """
    What one probe found.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Probe:
        """
        What a pickle has of it, read again.
        """
    @property
    def id(self, /) -> str:
        """
        Which service.
        """
    @property
    def latency_ms(self, /) -> float | None:
        """
        How long the answer took, in milliseconds; null without one.
        """
    @property
    def reason(self, /) -> str | None:
        """
        Why it is not healthy, in words.
        """
    @property
    def status(self, /) -> Literal["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"]:
        """
        What it means for its health; `UNKNOWN` if it could not be probed.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class ProbeReport:
    """
    What a round of probes found.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ProbeReport:
        """
        What a pickle has of it, read again.
        """
    @property
    def probes(self, /) -> list[Probe]:
        """
        One for each service, by id.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Quantile:
    """
    One quantile with its 95 % interval.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Quantile:
        """
        What a pickle has of it, read again.
        """
    @property
    def lower(self, /) -> float:
        """
        The interval's lower end.
        """
    @property
    def p(self, /) -> float:
        """
        The share of samples that lie at or below the value.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def upper(self, /) -> float:
        """
        The interval's upper end.
        """
    @property
    def value(self, /) -> float:
        """
        The value.
        """

@final
class Readiness:
    """
    Whether a plan is ready, judged by the lower end of an interval: of the probability that every task succeeds and
    what was stated about time and cost holds.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Readiness:
        """
        What a pickle has of it, read again.
        """
    @property
    def grade(self, /) -> str:
        """
        A from 0.95 on, B from 0.85, C from 0.70, D from 0.50, else F, by the lower end.
        """
    @property
    def lower(self, /) -> float:
        """
        The interval's lower end.
        """
    @property
    def score(self, /) -> int:
        """
        0 to 100: the lower end in percent, rounded down.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def upper(self, /) -> float:
        """
        The interval's upper end.
        """
    @property
    def verdict(self, /) -> Literal["PROCEED", "HOLD", "UNDECIDED"]:
        """
        Whether to proceed.
        """

@final
class Registry:
    """
    The registry of services, nodes and workflows.
    """
    def delete_node(self, /, id: str, *, if_version: SupportsIndex | None = None) -> Node:
        """
        Deletes a node and returns what it was.
        """
    def delete_service(self, /, id: str, *, if_version: SupportsIndex | None = None) -> Service:
        """
        Deletes a service and returns what it was.
        """
    def delete_workflow(self, /, id: str, *, if_version: SupportsIndex | None = None) -> Workflow:
        """
        Deletes a workflow that has never run and returns what it was.
        """
    def detect_drift(self, /, path: str | PathLike[str] | None = None, *, document: Any | None = None, live: bool | None = None, manifest: str | PathLike[str] | None = None, manifest_document: Any | None = None, timeout_ms: SupportsIndex | None = None) -> DriftReport:
        """
        Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
        what differs. A source that cannot be read is listed with its error and stops no other.
        """
    def export(self, /) -> Any:
        """
        Returns the registry as the document that [`Registry::import`] reads: every section of the last import, unknown
        ones included, with today's services, nodes and workflows.
        """
    def get_node(self, /, id: str) -> Node:
        """
        Returns a node.
        """
    def get_service(self, /, id: str) -> Service:
        """
        Returns a service.
        """
    def get_workflow(self, /, id: str) -> Workflow:
        """
        Returns a workflow.
        """
    def import_(self, /, path: str | PathLike[str] | None = None, *, document: Any | None = None, root: str | PathLike[str] | None = None, dry_run: bool | None = None, force: bool | None = None) -> ImportReport:
        """
        Imports a registry document: plans what to create, change and delete, then does it in one transaction.
        """
    def list_drift(self, /, *, source: Literal["FILE", "LIVE", "MANIFEST"] | None = None, severity: Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"] | None = None, id: str | None = None) -> DriftReport:
        """
        Lists the drift that was found last, the most severe first, and the sources that say so.
        """
    def list_nodes(self, /) -> NodeList:
        """
        Lists all nodes by id.
        """
    def list_services(self, /) -> ServiceList:
        """
        Lists all services by id.
        """
    def list_workflows(self, /) -> WorkflowList:
        """
        Lists all workflows by id.
        """
    def patch_node(self, /, id: str, patch: Any, *, if_version: SupportsIndex | None = None) -> Node:
        """
        Changes a node by a merge patch (RFC 7396) of its declared fields.
        """
    def patch_service(self, /, id: str, patch: Any, *, if_version: SupportsIndex | None = None) -> Service:
        """
        Changes a service by a merge patch (RFC 7396) of its declared fields.
        """
    def patch_workflow(self, /, id: str, patch: Any, *, if_version: SupportsIndex | None = None) -> Workflow:
        """
        Changes a workflow by a merge patch (RFC 7396) of its declared fields.
        """
    def probe(self, /, *, services: SequenceNotStr[str] | None = None, timeout_ms: SupportsIndex | None = None) -> ProbeReport:
        """
        Asks services for their health now and records what they answer.
        """
    def put_node(self, /, id: str, *, name: str | None = None, runtime: str | None = None, triggers: SequenceNotStr[str] | None = None, enabled: bool | None = None, metadata: Any | None = None, if_version: SupportsIndex | None = None, if_absent: bool | None = None, if_present: bool | None = None) -> Node:
        """
        Creates a node, or puts it in place of the one of its id; putting what is there changes nothing.
        """
    def put_service(self, /, id: str, *, name: str | None = None, base_url: str | None = None, health_path: str | None = None, probe_interval_ms: SupportsIndex | None = None, probe_timeout_ms: SupportsIndex | None = None, healthy_threshold: SupportsIndex | None = None, unhealthy_threshold: SupportsIndex | None = None, metadata: Any | None = None, if_version: SupportsIndex | None = None, if_absent: bool | None = None, if_present: bool | None = None) -> Service:
        """
        Creates a service, or puts it in place of the one of its id; putting what is there changes nothing.
        """
    def put_workflow(self, /, id: str, *, name: str | None = None, pipeline_id: str | None = None, max_concurrent_tasks: SupportsIndex | None = None, governance: Any | None = None, metadata: Any | None = None, if_version: SupportsIndex | None = None, if_absent: bool | None = None, if_present: bool | None = None) -> Workflow:
        """
        Creates a workflow, or puts it in place of the one of its id; putting what is there changes nothing.
        """
    def register_node(self, /, id: str, *, name: str | None = None, runtime: str | None = None, triggers: SequenceNotStr[str] | None = None, enabled: bool | None = None, metadata: Any | None = None) -> Node:
        """
        Registers a new node.
        """
    def register_service(self, /, id: str, *, name: str | None = None, base_url: str | None = None, health_path: str | None = None, probe_interval_ms: SupportsIndex | None = None, probe_timeout_ms: SupportsIndex | None = None, healthy_threshold: SupportsIndex | None = None, unhealthy_threshold: SupportsIndex | None = None, metadata: Any | None = None) -> Service:
        """
        Registers a new service.
        """
    def register_workflow(self, /, id: str, *, name: str | None = None, pipeline_id: str | None = None, max_concurrent_tasks: SupportsIndex | None = None, governance: Any | None = None, metadata: Any | None = None) -> Workflow:
        """
        Registers a new workflow.
        """
    def report_health(self, /, id: str, status: Literal["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"], ttl_seconds: SupportsIndex, *, note: str | None = None) -> Service:
        """
        Records what a service says of its own health, which holds for a while: without another report until then the
        service is unhealthy.
        """
    def update_node(self, /, id: str, *, name: str | None = None, runtime: str | None = None, triggers: SequenceNotStr[str] | None = None, enabled: bool | None = None, metadata: Any | None = None, if_version: SupportsIndex | None = None) -> Node:
        """
        Changes a node.
        """
    def update_service(self, /, id: str, *, name: str | None = None, base_url: str | None = None, health_path: str | None = None, probe_interval_ms: SupportsIndex | None = None, probe_timeout_ms: SupportsIndex | None = None, healthy_threshold: SupportsIndex | None = None, unhealthy_threshold: SupportsIndex | None = None, metadata: Any | None = None, if_version: SupportsIndex | None = None) -> Service:
        """
        Changes a service.
        """
    def update_workflow(self, /, id: str, *, name: str | None = None, pipeline_id: str | None = None, max_concurrent_tasks: SupportsIndex | None = None, governance: Any | None = None, metadata: Any | None = None, if_version: SupportsIndex | None = None) -> Workflow:
        """
        Changes a workflow.
        """
    def watch(self, /, *, since: SupportsIndex | None = None, since_at: datetime | None = None, kinds: SequenceNotStr[Literal["SERVICE", "NODE", "WORKFLOW"]] | None = None, ids: SequenceNotStr[str] | None = None, bookmarks: bool | None = None) -> RegistryWatch:
        """
        Watches entries: every change after a revision, in order and once, as an iterator that waits for the next one.
        """

@final
class RegistryEvent:
    """
    One change of the registry.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> RegistryEvent:
        """
        What a pickle has of it, read again.
        """
    @property
    def at(self, /) -> datetime:
        """
        When; of a bookmark, when the change of its revision was.
        """
    @property
    def change(self, /) -> Literal["CREATE", "UPDATE", "DELETE", "BOOKMARK"]:
        """
        What happened.
        """
    @property
    def id(self, /) -> str | None:
        """
        Which entry; null for a bookmark.
        """
    @property
    def kind(self, /) -> Literal["SERVICE", "NODE", "WORKFLOW"] | None:
        """
        What kind of entry; null for a bookmark.
        """
    @property
    def object(self, /) -> Any | None:
        """
        The service, node or workflow with this change, or before it was deleted, as its JSON; null for a bookmark.
        """
    @property
    def revision(self, /) -> int:
        """
        The registry's revision with this change: the next change has the next number.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class RegistryWatch:
    """
    A stream of changes: an iterator that waits for the next one. Use it in a `with` block, or `close` it; it also ends
    when the engine is closed. Ctrl-C interrupts the waiting, and the iteration can go on afterwards.
    """
    def __enter__(self, /) -> RegistryWatch: ...
    def __exit__(self, /, _exception_type: Any | None, _exception: Any | None, _traceback: Any | None) -> None: ...
    def __iter__(self, /) -> RegistryWatch: ...
    def __next__(self, /) -> RegistryEvent: ...
    def close(self, /) -> None:
        """
        Ends the watch, also for another thread that waits for its next change.
        """

@final
class Replay:
    """
    A simulation done again and compared.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Replay:
        """
        What a pickle has of it, read again.
        """
    @property
    def equal(self, /) -> bool:
        """
        Whether they are the same.
        """
    @property
    def expected(self, /) -> str:
        """
        The digest in the history.
        """
    @property
    def found(self, /) -> str:
        """
        The digest found now.
        """
    @property
    def id(self, /) -> str:
        """
        The simulation.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class RunFollow:
    """
    The steps of a run: an iterator that waits for the next one, up to the end of the run. Use it in a `with` block, or
    `close` it; it also ends when the engine is closed. Ctrl-C interrupts the waiting, and the iteration can go on
    afterwards.
    """
    def __enter__(self, /) -> RunFollow: ...
    def __exit__(self, /, _exception_type: Any | None, _exception: Any | None, _traceback: Any | None) -> None: ...
    def __iter__(self, /) -> RunFollow: ...
    def __next__(self, /) -> RunStep: ...
    def close(self, /) -> None:
        """
        Ends the following, not the run, also for another thread that waits for its next step.
        """

@final
class RunMetrics:
    """
    What a run came to, in numbers.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> RunMetrics:
        """
        What a pickle has of it, read again.
        """
    @property
    def completed_tasks(self, /) -> int:
        """
        Those that succeeded.
        """
    @property
    def elapsed_ms(self, /) -> float:
        """
        From start to end, or until now, in milliseconds.
        """
    @property
    def error_rate(self, /) -> float:
        """
        Failed tasks by all tasks.
        """
    @property
    def failed_tasks(self, /) -> int:
        """
        Those that failed or ended nobody knows how.
        """
    @property
    def readiness_score(self, /) -> float | None:
        """
        0 to 100: the lower of the forecast's score and 100 - 200 x error rate; null for a simulated run.
        """
    @property
    def retried_tasks(self, /) -> int:
        """
        Those that took more than one attempt.
        """
    @property
    def skipped_tasks(self, /) -> int:
        """
        Those that were never begun or were interrupted by a cancellation.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def total_tasks(self, /) -> int:
        """
        All tasks of the definition.
        """

@final
class RunPage:
    """
    A page of runs, newest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> RunPage:
        """
        What a pickle has of it, read again.
        """
    def _repr_html_(self, /) -> str: ...
    @property
    def next(self, /) -> str | None:
        """
        Where the next page begins, if there is one.
        """
    @property
    def runs(self, /) -> list[RunSummary]:
        """
        The runs.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class RunStep:
    """
    Something that is recorded of a run. What a task returned stands in the run itself.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> RunStep:
        """
        What a pickle has of it, read again.
        """
    @property
    def attempt(self, /) -> int | None:
        """
        The number of the attempt, from 1, and 0 for what was not tried; null if this is about a stage or the run.
        """
    @property
    def duration_ms(self, /) -> float | None:
        """
        How long the attempt took, in milliseconds; drawn from the forecast in a simulated run.
        """
    @property
    def error(self, /) -> Failure | None:
        """
        Why it failed.
        """
    @property
    def finished_at(self, /) -> datetime | None:
        """
        When it ended; null if it has not or never began.
        """
    @property
    def iteration(self, /) -> int:
        """
        How often the run had been resumed after an end.
        """
    @property
    def kind(self, /) -> Literal["RUN", "STAGE", "TASK", "COMPENSATION"]:
        """
        What it is about.
        """
    @property
    def position(self, /) -> str:
        """
        Where to go on after it.
        """
    @property
    def run_status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "PAUSED", "COMPENSATING", "SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED", "DEAD"] | None:
        """
        Where the run stands now; null unless this is about the run.
        """
    @property
    def simulated(self, /) -> bool:
        """
        Whether no handler was really called.
        """
    @property
    def stage_id(self, /) -> str | None:
        """
        The stage; null if this is about the run.
        """
    @property
    def stage_num(self, /) -> int | None:
        """
        The position of the stage; null if this is about the run.
        """
    @property
    def started_at(self, /) -> datetime | None:
        """
        When it began; null if it never did.
        """
    @property
    def status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED", "INDETERMINATE"] | None:
        """
        Where the stage stands now, the task after this attempt, or its compensation; null if this is about the run.
        """
    @property
    def task(self, /) -> str | None:
        """
        The task that is done or undone; null if this is about a stage or the run.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class RunSummary:
    """
    A run in a list.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> RunSummary:
        """
        What a pickle has of it, read again.
        """
    @property
    def finished_at(self, /) -> datetime | None:
        """
        When it ended.
        """
    @property
    def metrics(self, /) -> RunMetrics | None:
        """
        What it came to; null until it has ended.
        """
    @property
    def request_id(self, /) -> str | None:
        """
        The caller's name for the request.
        """
    @property
    def run_id(self, /) -> str:
        """
        The run.
        """
    @property
    def seed(self, /) -> int:
        """
        What its random draws follow from.
        """
    @property
    def started_at(self, /) -> datetime:
        """
        When it began.
        """
    @property
    def status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "PAUSED", "COMPENSATING", "SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED", "DEAD"]:
        """
        Where the run stands.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def workflow_id(self, /) -> str:
        """
        The workflow that is run.
        """

@final
class RunningSimulation:
    """
    A simulation that is under way in this engine.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> RunningSimulation:
        """
        What a pickle has of it, read again.
        """
    @property
    def done(self, /) -> int:
        """
        How many are done.
        """
    @property
    def id(self, /) -> str:
        """
        The simulation.
        """
    @property
    def samples(self, /) -> int:
        """
        How many samples were asked for.
        """
    @property
    def started_at(self, /) -> datetime:
        """
        When it began.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class ScenarioOutcomes:
    """
    How often a scenario ended how.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ScenarioOutcomes:
        """
        What a pickle has of it, read again.
        """
    @property
    def failure(self, /) -> int:
        """
        Not at all.
        """
    @property
    def partial(self, /) -> int:
        """
        In part.
        """
    @property
    def success(self, /) -> int:
        """
        Wholly.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class ScenarioPage:
    """
    A page of what scenarios came to, newest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ScenarioPage:
        """
        What a pickle has of it, read again.
        """
    @property
    def next(self, /) -> str | None:
        """
        Where the next page begins, if there is one.
        """
    @property
    def scenarios(self, /) -> list[ScenarioResult]:
        """
        The results.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class ScenarioResult:
    """
    What a scenario came to.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ScenarioResult:
        """
        What a pickle has of it, read again.
        """
    @property
    def confidence(self, /) -> float:
        """
        The share of successes in percent, with two decimals.
        """
    @property
    def failure_rate(self, /) -> float:
        """
        The share of failures in percent, with two decimals.
        """
    @property
    def id(self, /) -> str:
        """
        The result in the history.
        """
    @property
    def iterations(self, /) -> int:
        """
        How many iterations there were.
        """
    @property
    def outcomes(self, /) -> ScenarioOutcomes:
        """
        How often it ended how.
        """
    @property
    def risk_grade(self, /) -> str:
        """
        `LOW` below 5 % failures, `MEDIUM` below 15 %, `HIGH` below 30 %, else `CRITICAL`.
        """
    @property
    def scenario(self, /) -> str:
        """
        The scenario's name.
        """
    @property
    def seed(self, /) -> int:
        """
        What the draws follow from.
        """
    @property
    def success(self, /) -> Estimate:
        """
        The probability of success with its interval.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def top_mitigations(self, /) -> list[ScenarioRisk]:
        """
        The risks, the most frequent first.
        """
    @property
    def ts(self, /) -> datetime:
        """
        When.
        """

@final
class ScenarioRisk:
    """
    A risk of a scenario and how often it occurred.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ScenarioRisk:
        """
        What a pickle has of it, read again.
        """
    @property
    def hit_rate(self, /) -> str:
        """
        The share of iterations in which it occurred, such as `19.9%`.
        """
    @property
    def recommendation(self, /) -> str:
        """
        What its owner wants to do about it, or that nothing is planned.
        """
    @property
    def risk(self, /) -> str:
        """
        The risk's name.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Service:
    """
    Something that runs and can be asked for its health.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Service:
        """
        What a pickle has of it, read again.
        """
    @property
    def base_url(self, /) -> str:
        """
        Scheme, host and port, such as `http://localhost:3301`; empty if nobody knows where it runs.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When it was registered.
        """
    @property
    def health_path(self, /) -> str:
        """
        The path that answers with its health.
        """
    @property
    def healthy_threshold(self, /) -> int | None:
        """
        How many probes in a row must find it healthy, or better than before, to say so; null for 2.
        """
    @property
    def id(self, /) -> str:
        """
        Its name in references.
        """
    @property
    def last_healthy_at(self, /) -> datetime | None:
        """
        When it was last found healthy, to the second while it is probed.
        """
    @property
    def last_probe(self, /) -> LastProbe | None:
        """
        What its last probes found; null where it was never probed.
        """
    @property
    def metadata(self, /) -> Any:
        """
        The whole entry as it was imported, or what its owner attached.
        """
    @property
    def name(self, /) -> str:
        """
        Its name for people.
        """
    @property
    def probe_interval_ms(self, /) -> int | None:
        """
        How often it is probed, in milliseconds; null for every 10 seconds.
        """
    @property
    def probe_timeout_ms(self, /) -> int | None:
        """
        How long its answer may take, in milliseconds; null for 5 seconds.
        """
    @property
    def report_expires_at(self, /) -> datetime | None:
        """
        Until when its own last report holds, if it reports.
        """
    @property
    def resource_version(self, /) -> int:
        """
        The registry's revision at its last change, health aside; grows with every one.
        """
    @property
    def status(self, /) -> Literal["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"]:
        """
        What probes or its own reports said; never taken from a file.
        """
    @property
    def status_changed_at(self, /) -> datetime | None:
        """
        When its status last became another one.
        """
    @property
    def status_reason(self, /) -> str | None:
        """
        Why it is not healthy, in words.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def unhealthy_threshold(self, /) -> int | None:
        """
        How many in a row must find it worse; null for 3.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it was last changed, health aside.
        """

@final
class ServiceList:
    """
    All services, by id.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> ServiceList:
        """
        What a pickle has of it, read again.
        """
    @property
    def revision(self, /) -> int:
        """
        The registry's revision at which this was so: watch from here.
        """
    @property
    def services(self, /) -> list[Service]:
        """
        The services.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Simulation:
    """
    What a simulation came to.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Simulation:
        """
        What a pickle has of it, read again.
        """
    def _repr_html_(self, /) -> str: ...
    @property
    def algorithm(self, /) -> str:
        """
        The algorithm; a digest can be compared only under the same one.
        """
    @property
    def complete(self, /) -> bool:
        """
        Whether all that were asked for were drawn.
        """
    @property
    def cost(self, /) -> Spread:
        """
        What everything costs.
        """
    @property
    def digest(self, /) -> str:
        """
        The result's bits in short: equal plans, seeds and sample counts give equal digests on any machine.
        """
    @property
    def duration(self, /) -> Spread:
        """
        How long everything takes, in the plan's unit.
        """
    @property
    def elapsed_ms(self, /) -> float:
        """
        How long it took, in milliseconds.
        """
    @property
    def histogram(self, /) -> Histogram:
        """
        The durations, for drawing.
        """
    @property
    def id(self, /) -> str:
        """
        The simulation in the history.
        """
    @property
    def joint(self, /) -> Estimate:
        """
        The probability of success and all that was stated.
        """
    @property
    def method(self, /) -> Literal["mc", "lhs", "sobol", "antithetic"]:
        """
        How samples were drawn.
        """
    @property
    def on_time(self, /) -> Estimate | None:
        """
        The probability of meeting the deadline; null without one.
        """
    @property
    def plan_hash(self, /) -> str:
        """
        SHA-256 of the plan as JSON with sorted keys.
        """
    @property
    def readiness(self, /) -> Readiness:
        """
        Whether the plan is ready.
        """
    @property
    def samples(self, /) -> int:
        """
        How many there were.
        """
    @property
    def seed(self, /) -> int:
        """
        What the draws follow from.
        """
    @property
    def success(self, /) -> Estimate:
        """
        The probability that no task fails for good.
        """
    @property
    def tasks(self, /) -> list[TaskTimes]:
        """
        The tasks, in the order of the plan.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def warnings(self, /) -> list[Warning]:
        """
        What was noticed on the way.
        """
    @property
    def within_budget(self, /) -> Estimate | None:
        """
        The probability of staying within the budget; null without one.
        """

@final
class SimulationPage:
    """
    A page of simulations, newest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> SimulationPage:
        """
        What a pickle has of it, read again.
        """
    @property
    def next(self, /) -> str | None:
        """
        Where the next page begins, if there is one.
        """
    @property
    def simulations(self, /) -> list[Simulation]:
        """
        The simulations.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Spread:
    """
    How a quantity is distributed over the samples.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Spread:
        """
        What a pickle has of it, read again.
        """
    @property
    def mean(self, /) -> Estimate:
        """
        The mean.
        """
    @property
    def quantiles(self, /) -> list[Quantile]:
        """
        Quantiles, the lowest first.
        """
    @property
    def sd(self, /) -> float:
        """
        The standard deviation.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class StageRun:
    """
    One stage of a run.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> StageRun:
        """
        What a pickle has of it, read again.
        """
    @property
    def finished_at(self, /) -> datetime | None:
        """
        When it ended.
        """
    @property
    def id(self, /) -> str:
        """
        Its id in the definition.
        """
    @property
    def name(self, /) -> str:
        """
        Its name for people.
        """
    @property
    def num(self, /) -> int:
        """
        Its position in the order of execution, from 0.
        """
    @property
    def started_at(self, /) -> datetime | None:
        """
        When it began.
        """
    @property
    def status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED", "INDETERMINATE"]:
        """
        Where it stands.
        """
    @property
    def tasks(self, /) -> list[TaskRun]:
        """
        Its tasks, in the order of the definition.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class TaskContext:
    """
    What a handler knows about the attempt it executes.
    """
    @property
    def attempt(self, /) -> int:
        """
        The number of this attempt, from 1.
        """
    @property
    def cancelled(self, /) -> bool:
        """
        Whether the attempt should end early: its time is up, or the run was cancelled. The engine cannot interrupt a
        Python function, so one that takes long looks here.
        """
    @property
    def compensating(self, /) -> bool:
        """
        Whether this call undoes the task instead of doing it.
        """
    @property
    def idempotency_key(self, /) -> str:
        """
        The same for every attempt of this task, also after a crash, so that a receiver can recognise a repetition.
        """
    @property
    def input(self, /) -> Any:
        """
        What the run was started with.
        """
    @property
    def run_id(self, /) -> str:
        """
        The run.
        """
    @property
    def seed(self, /) -> int:
        """
        The seed of the run.
        """
    @property
    def stage(self, /) -> str:
        """
        The id of the stage.
        """
    @property
    def task(self, /) -> str:
        """
        The name of the task.
        """
    def wait_cancelled(self, /, timeout: SupportsFloat | SupportsIndex) -> bool:
        """
        Waits until the attempt should end early, at most `timeout` seconds; returns whether it should.
        """
    @property
    def workflow_id(self, /) -> str:
        """
        The workflow that is run.
        """

@final
class TaskForecast:
    """
    What was expected of one task before the run began.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> TaskForecast:
        """
        What a pickle has of it, read again.
        """
    @property
    def assumed(self, /) -> bool:
        """
        Whether neither history nor the definition says anything, so that the documented default was assumed.
        """
    @property
    def name(self, /) -> str:
        """
        `stage/task`.
        """
    @property
    def p50(self, /) -> float:
        """
        Half of the time it takes at most this, in milliseconds, retries included.
        """
    @property
    def p95(self, /) -> float:
        """
        In 19 of 20 cases it takes at most this, in milliseconds, retries included.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class TaskRun:
    """
    One task of a run.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> TaskRun:
        """
        What a pickle has of it, read again.
        """
    @property
    def attempts(self, /) -> int:
        """
        How often it was tried.
        """
    @property
    def duration_ms(self, /) -> float | None:
        """
        All attempts and the waits between them, in milliseconds; drawn from the forecast in a simulated run.
        """
    @property
    def error(self, /) -> Failure | None:
        """
        Why it failed.
        """
    @property
    def finished_at(self, /) -> datetime | None:
        """
        When its last attempt ended.
        """
    @property
    def name(self, /) -> str:
        """
        Its name in the stage.
        """
    @property
    def output(self, /) -> Any:
        """
        What the handler returned.
        """
    @property
    def simulated(self, /) -> bool:
        """
        Whether its handler was not really called.
        """
    @property
    def started_at(self, /) -> datetime | None:
        """
        When its first attempt began.
        """
    @property
    def status(self, /) -> Literal["PENDING", "RUNNING", "WAITING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED", "INDETERMINATE"]:
        """
        Where it stands.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def uses(self, /) -> str:
        """
        The handler that executes it.
        """

@final
class TaskTimes:
    """
    How long one task takes, all its attempts, waits and delays together.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> TaskTimes:
        """
        What a pickle has of it, read again.
        """
    @property
    def id(self, /) -> str:
        """
        The task.
        """
    @property
    def mean(self, /) -> float:
        """
        The mean.
        """
    @property
    def p50(self, /) -> float:
        """
        The median.
        """
    @property
    def p95(self, /) -> float:
        """
        The 95 % quantile.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Warning:
    """
    Something a reader noticed that did not stop it.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Warning:
        """
        What a pickle has of it, read again.
        """
    @property
    def code(self, /) -> str:
        """
        What kind of thing was noticed, in upper case: `UNKNOWN_KEY`, `NO_HISTORY`.
        """
    @property
    def message(self, /) -> str:
        """
        The sentence for people.
        """
    @property
    def path(self, /) -> str:
        """
        Where, such as `pipeline.stages[3].mcConfig`; empty for the whole document.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """

@final
class Workflow:
    """
    Something that can be run; what it does stands in the pipeline definition that it names.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> Workflow:
        """
        What a pickle has of it, read again.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When it was registered.
        """
    @property
    def governance(self, /) -> Any:
        """
        Rules that its owner attached.
        """
    @property
    def id(self, /) -> str:
        """
        Its name in references.
        """
    @property
    def max_concurrent_tasks(self, /) -> int:
        """
        How many tasks of a run may be under way at once, unless the definition says.
        """
    @property
    def metadata(self, /) -> Any:
        """
        The whole entry as it was imported, or what its owner attached.
        """
    @property
    def name(self, /) -> str:
        """
        Its name for people.
        """
    @property
    def pipeline_id(self, /) -> str:
        """
        The pipeline whose newest definition it runs.
        """
    @property
    def resource_version(self, /) -> int:
        """
        The registry's revision at its last change; grows with every one.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it was last changed.
        """

@final
class WorkflowList:
    """
    All workflows, by id.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __reduce__(self, /) -> tuple[Any, tuple[type, str]]: ...
    def __repr__(self, /) -> str: ...
    @staticmethod
    def _of_json(text: str) -> WorkflowList:
        """
        What a pickle has of it, read again.
        """
    @property
    def revision(self, /) -> int:
        """
        The registry's revision at which this was so: watch from here.
        """
    def to_dict(self, /) -> Any:
        """
        Returns the fields as a dict, in the shape of the JSON.
        """
    @property
    def workflows(self, /) -> list[Workflow]:
        """
        The workflows.
        """

def connect(url: str, *, actor: str | None = None, durability: Literal["FULL", "PROCESS"] | None = None, allow_programs: SequenceNotStr[str] | None = None, allow_hosts: SequenceNotStr[str] | None = None, audit_key: str | PathLike[str] | None = None, create_if_missing: bool | None = None) -> Heady:
    """
    Opens a database: `sqlite:heady.db`, `sqlite::memory:` or `postgres://…`.
    """
