/** A point in time. */
export type Timestamp = Date
/** Any JSON value. */
export type Json = any
/** What every call of the engine throws, or rejects its promise with. */
export interface HeadyError extends Error {
  /** The same string in every language. */
  code:
    | 'ABORTED'
    | 'ALREADY_EXISTS'
    | 'CANCELLED'
    | 'DATA_LOSS'
    | 'DEADLINE_EXCEEDED'
    | 'FAILED_PRECONDITION'
    | 'INTERNAL'
    | 'INVALID_ARGUMENT'
    | 'NOT_FOUND'
    | 'PERMISSION_DENIED'
    | 'RESOURCE_EXHAUSTED'
    | 'UNAUTHENTICATED'
    | 'UNAVAILABLE'
  /** Facts beside the message, such as `line` and `column`, or the `current` object of a version conflict. */
  details?: Record<string, Json>
}
/** What `for await` goes over. */
export interface RegistryWatch {
  [Symbol.asyncIterator](): this
}
export interface RunFollow {
  [Symbol.asyncIterator](): this
}
/** A value as its JSON: points in time are texts. */
export type AsJson<T> = 0 extends 1 & T
  ? T
  : T extends Date
    ? string
    : T extends object
      ? { [K in keyof T]: AsJson<T[K]> }
      : T
/** One change of the registry: `kind` says which entry `object` is, as its JSON; a bookmark has none. */
export type RegistryEvent =
  | RegistryChangeOf<'SERVICE', Service>
  | RegistryChangeOf<'NODE', Node>
  | RegistryChangeOf<'WORKFLOW', Workflow>
  | (Pick<RegistryEventFields, 'revision' | 'at'> & {
      change: 'BOOKMARK'
      kind: null
      id: null
      object: null
    })
/** A change of an entry of one kind. */
export type RegistryChangeOf<Kind extends EntryKind, Entry> = Pick<RegistryEventFields, 'revision' | 'at'> & {
  change: Exclude<RegistryChange, 'BOOKMARK'>
  kind: Kind
  id: Id
  object: AsJson<Entry>
}

/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/** A signed statement about all rows there were at a moment. */
export interface AuditCheckpoint {
  /** Its identifier; later ones have greater ones. */
  id: Id
  /** How many rows there were. */
  rows: number
  /** The statement with its signature: a C2SP checkpoint in a signed note. Keep it elsewhere. */
  note: string
  /** The key that verifies it. */
  publicKey: string
  /** When it was made. */
  createdAt: Timestamp
}

/** One thing that somebody did. */
export interface AuditEntry {
  /** The entry's identifier; later entries have greater ones. */
  id: Id
  /** Who: a user, an API key, a program. */
  actor: string
  /**
   * What: `DEPLOY`, `ROLLBACK`, `SECRETS_ACCESS`, `CONFIG_CHANGE`, `IMPORT`, `RUN_START`, `RUN_RESUME`,
   * `RUN_CANCEL`, `RUN_FINISH`.
   */
  action: string
  /** To what, such as `service:heady-manager` or `run:<id>`. */
  target: string
  /** How it ended. */
  status: string
  /** Facts about it. */
  details: Json
  /** When. */
  timestamp: Timestamp
  /** The chain that it stands in. */
  chainId: string
  /** Its place there, from 1. */
  seq: number
  /** The hash of it and of all before it, in hex. */
  hash: string
  /** The tool call that it is about. */
  callId: Id | null
  /** The version of the policy that decided. */
  policyVersion: number | null
}

/** A part of the exported log. */
export interface AuditExport {
  /**
   * Lines of JSON: all checkpoints, then all rows, chain by chain. Parts are put together by writing one after the
   * other.
   */
  ndjson: string
  /** Where the next part begins, if there is one. */
  next: string | null
}

/** The first thing that is wrong with a log, in the order of chains and rows. */
export interface AuditFault {
  /** What is wrong. */
  kind: FaultKind
  /** In which chain. */
  chainId: string | null
  /** At which place of the chain. */
  seq: number | null
  /** At which entry, if there is one. */
  id: Id | null
  /** The same in words. */
  message: string
}

/** A page of entries, newest first. */
export interface AuditPage {
  /** The entries. */
  entries: Array<AuditEntry>
  /** Where the next page begins, if there is one. */
  next: string | null
}

/** Which entries to list; a field left out does not restrict. */
export interface AuditQuery {
  /** Only this actor's. */
  actor?: string
  /** Only this action. */
  action?: string
  /** Only this target's. */
  target?: string
  /** Only what ended like this: `SUCCEEDED`, `FAILED`. */
  status?: string
  /** Only from this moment on. */
  since?: Timestamp
  /** Only before this moment. */
  until?: Timestamp
  /** At most this many, 1 to 1,000; 100 if left out. */
  limit?: number
  /** Continue after the page that gave this as its `next`. */
  cursor?: string
}

/** What verifying came to. */
export interface AuditReport {
  /** Whether everything is as it was written and signed. */
  ok: boolean
  /** How many rows were verified. */
  rows: number
  /** In how many of them the details were erased. */
  erased: number
  /** How many chains there are. */
  chains: number
  /** How many checkpoints were verified. */
  checkpoints: number
  /**
   * How many rows at the ends of chains no such checkpoint covers: those written since the last one. Whether more
   * followed only a checkpoint that was kept elsewhere can tell.
   */
  unsigned: number
  /** The keys whose signatures were accepted. */
  publicKeys: Array<string>
  /** Where those keys came from. */
  keysFrom: KeySource
  /** What is wrong, if something is. */
  firstFault: AuditFault | null
}

/**
 * Who a request comes from. The audit log names the actor with everything the request changes.
 *
 * A host that calls the router in process puts one into the extensions of each request: it vouches for it. Requests
 * that come from a network never have one, so nobody can send it.
 */
export interface Caller {
  /** The name in the audit log, such as `user:anna`. */
  actor: string
  /** What the caller may do. */
  role: Role
}

/** A page of checkpoints, newest first. */
export interface CheckpointPage {
  /** The checkpoints. */
  checkpoints: Array<AuditCheckpoint>
  /** Where the next page begins, if there is one. */
  next: string | null
}

/** Which checkpoints to list. */
export interface CheckpointQuery {
  /** At most this many, 1 to 1,000; 100 if left out. */
  limit?: number
  /** Continue after the page that gave this as its `next`. */
  cursor?: string
}

/** One task that was undone, or was to be. */
export interface Compensation {
  /** The id of the stage. */
  stage: string
  /** The name of the task. */
  task: string
  /** Where the undoing stands. */
  status: StageStatus
  /** How often it was tried. */
  attempts: number
  /** When its first attempt began. */
  startedAt: Timestamp | null
  /** When its last attempt ended. */
  finishedAt: Timestamp | null
  /** Why it failed. */
  error: Failure | null
}

/** What the engine says about a run when it looks back at it. */
export interface Critique {
  /** The share of tasks about which there is nothing to say, 0 to 100. */
  score: number
  /** What there is to say, in the order of the tasks. */
  findings: Array<Finding>
}

/** A definition to register. */
export interface DefinePipeline {
  /** A YAML or JSON file. */
  path?: string
  /** The definition itself, in place of a file. */
  definition?: Json
}

/** Which definition to return. */
export interface DefinitionQuery {
  /** The one that this workflow runs; `hcfullpipeline` if left out, as for a run. */
  workflowId?: string
  /** This version; the newest if left out. */
  version?: number
}

/** What to delete. */
export interface DeleteEntry {
  /** Which one. */
  id: string
  /** Only if its resource version is still this one. */
  ifVersion?: number
}

/** What to compare the registry with. */
export interface DetectDrift {
  /** A registry file; the one imported last if left out. */
  path?: string
  /** A registry document, in place of a file. */
  document?: Json
  /** Whether to ask the services for their health; true if left out. */
  live?: boolean
  /**
   * A deploy manifest: a Compose file, a list of PM2 apps or a registry; the one of the last time if left out;
   * an empty text forgets that one, and what differed from it.
   */
  manifest?: string
  /**
   * A deploy manifest in place of a file, in JSON or as a text in JSON or YAML. It is compared with again each time, until there is
   * another.
   */
  manifestDocument?: Json
  /** How long a service may take to answer, in milliseconds; 5,000 if left out. */
  timeoutMs?: number
}

/** One difference. */
export interface Drift {
  /** What the registry was compared with. */
  source: DriftSource
  /** The section of the entry; empty for a plain value of the file. */
  section: string
  /** The entry; empty for a section that is one value. */
  id: Id
  /** How it differs. */
  kind: DriftKind
  /** Where in the entry, such as `slo.target`, or `log."a.b"` where a dot belongs to a key; empty for the whole of it. */
  path: string
  /** How much it matters. */
  severity: DriftSeverity
  /** What should be there; null if nothing should. */
  desired: Json | null
  /** What is there; null if nothing is. */
  observed: Json | null
  /** How it came to differ, as far as that can be told. */
  reason: string
  /** Whether nobody declares this entry any more. */
  orphan: boolean
  /** When it was first seen. */
  firstSeen: Timestamp
  /** When it was last seen. */
  lastSeen: Timestamp
}

/** How something differs. */
export type DriftKind = 'MISSING' | 'EXTRA' | 'CHANGED'

/** Which drift to list; a field left out does not restrict. */
export interface DriftQuery {
  /** Only from this source. */
  source?: DriftSource
  /** Only of this severity or a higher one. */
  severity?: DriftSeverity
  /** Only of this entry. */
  id?: string
}

/** What differs, the most severe first, and the sources that say so. */
export interface DriftReport {
  /** The sources that were ever looked at. */
  sources: Array<DriftSnapshot>
  /** The differences. */
  drift: Array<Drift>
}

/** How much a difference matters, as the criticality of the entry says. */
export type DriftSeverity = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL'

/** A source and how it was found. */
export interface DriftSnapshot {
  /** Which source. */
  source: DriftSource
  /** The file, if it is one. */
  location: string | null
  /** The hash of what it said. */
  contentHash: string | null
  /** When it was last looked at with success. */
  takenAt: Timestamp | null
  /** How many things it told of: entries, or services that were asked. */
  observed: number
  /** How many could not be looked at, such as services without an address. */
  unobserved: number
  /** Why the last look failed: its `code` and `message`. What it said before is still compared. */
  error: Json | null
  /** When the last look failed. */
  failedAt: Timestamp | null
}

/** What the registry is compared with. */
export type DriftSource = 'FILE' | 'LIVE' | 'MANIFEST'

/** What a commit survives on SQLite. PostgreSQL follows its server's `synchronous_commit`. */
export type Durability = 'FULL' | 'PROCESS'

/** How to open an engine. */
export interface EngineOptions {
  /** Who acts through this engine, as the audit log names them; `engine` if left out. */
  actor?: string
  /** What a commit survives on SQLite; `FULL` if left out. */
  durability?: Durability
  /** The programs that pipelines may run: names to find on the PATH, or absolute paths. */
  allowPrograms?: Array<string>
  /** The hosts that pipelines may call besides loopback and the services of the registry. */
  allowHosts?: Array<string>
  /**
   * The file of the key that signs checkpoints of the audit log, created if it is missing; `<database>-audit-key`
   * beside a SQLite database if left out. On PostgreSQL nothing is signed without it.
   */
  auditKey?: string
  /** Whether a SQLite file that is missing is created; true if left out. With false that is `NOT_FOUND`. */
  createIfMissing?: boolean
}

/** What an entry of the registry is. */
export type EntryKind = 'SERVICE' | 'NODE' | 'WORKFLOW'

/** An estimate with its 95 % interval. */
export interface Estimate {
  /** The estimate itself. */
  estimate: number
  /** The interval's lower end. */
  lower: number
  /** The interval's upper end. */
  upper: number
}

/** Which part of the log to export. */
export interface ExportAudit {
  /** At most this many lines, 1 to 1,000, which is also the number if left out. */
  limit?: number
  /** Continue after the part that gave this as its `next`. */
  cursor?: string
}

/** Why something failed. */
export interface Failure {
  /** One of the thirteen codes. */
  code: string
  /** The sentence for people. */
  message: string
  /** Whether the same attempt may succeed when it is repeated. */
  retryable: boolean
}

/** What is wrong with a log. */
export type FaultKind = 'HASH' | 'DETAILS' | 'GAP' | 'REORDER' | 'TRUNCATED' | 'HEAD' | 'CHECKPOINT' | 'CHECKPOINT_SIGNATURE' | 'UNSIGNED'

/** Something the engine noticed about a run when it looked back at it. */
export interface Finding {
  /** What kind of thing: `FAILED`, `RETRIED`, `SLOWER_THAN_FORECAST`. */
  code: string
  /** `stage/task`. */
  task: string
  /** The sentence for people. */
  message: string
}

/** Which run to follow. */
export interface FollowRun {
  /** The run. */
  id: string
  /** Steps after the one that gave this as its `position`; from the beginning if left out. */
  after?: string
  /** Only steps of these stages, by id, and those of the run itself. */
  stages?: Array<string>
}

/** What was expected of a run before it began: a simulation of that very run. */
export interface Forecast {
  /** The simulation's bits in short. */
  digest: string
  /** The hash of the simulated plan. */
  planHash: string
  /** How many times it was simulated. */
  samples: number
  /** The probability that no task fails for good. */
  success: Estimate
  /** How long it takes, in milliseconds. */
  durationMs: Spread
  /** The readiness that follows, 0 to 100. */
  score: number
  /** The tasks, in order. */
  tasks: Array<TaskForecast>
  /** What the forecast had to assume. */
  warnings: Array<Warning>
}

/** What probes found out about a service, or what it says of itself. */
export type HealthStatus = 'UNKNOWN' | 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY'

/** How many samples fell between edges. */
export interface Histogram {
  /** The edges, one more than counts. */
  edges: Array<number>
  /** The samples between each two edges. */
  counts: Array<number>
}

/** The name of a stored thing: a UUID (version 7, RFC 9562) where the engine chose it, text where the user did. */
export type Id = string

/** What an import does with one entry. */
export type ImportAction = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNCHANGED' | 'SKIP'

/** One entry of an import. */
export interface ImportEntry {
  /** The section of the document. */
  section: string
  /** The entry in it; empty for a section that is one value. */
  id: string
  /** What happened to it. */
  action: ImportAction
  /** Why, where that is not obvious. */
  reason: string | null
}

/** What to import. */
export interface ImportOptions {
  /** A registry file to read. */
  path?: string
  /** The registry itself, in place of a file. */
  document?: Json
  /** The folder that the paths in it begin in; that of the file if left out. */
  root?: string
  /** Only say what would happen. */
  dryRun?: boolean
  /** Delete even a large share of what an earlier import brought, and overwrite what was changed by call since. */
  force?: boolean
}

/** What an import did, or would do. */
export interface ImportReport {
  /**
   * Which shape the document has: `CATALOG` (lists of entries), `MAPS` (entries under their ids), `GROUPS` (of lists
   * or maps) or `SCAN` (what the scanner stores).
   */
  shape: string
  /** How many entries were created. */
  created: number
  /** How many were changed. */
  updated: number
  /** How many were deleted. */
  deleted: number
  /** How many were there already. */
  unchanged: number
  /** How many were left out or kept. */
  skipped: number
  /** The same by section. */
  sections: Array<ImportSection>
  /** All but the unchanged. */
  entries: Array<ImportEntry>
  /** What was noticed on the way. */
  warnings: Array<Warning>
}

/** What happened to the entries of a section. */
export interface ImportSection {
  /** The section: its name, or `section/group`. */
  section: string
  /** How many entries were created. */
  created: number
  /** How many were changed. */
  updated: number
  /** How many were deleted. */
  deleted: number
  /** How many were there already. */
  unchanged: number
  /** How many were left out or kept. */
  skipped: number
}

/** Where the keys came from that checkpoints were verified with. */
export type KeySource = 'GIVEN' | 'ENGINE' | 'DATABASE'

/** What the last probes of a service found, whether or not it was enough to change its status. */
export interface LastProbe {
  /** When the last one ended. */
  at: Timestamp
  /** What it found. */
  status: HealthStatus
  /** How long the answer took, in milliseconds; null without one. */
  latencyMs: number | null
  /** Why it did not find it healthy, in words. */
  reason: string | null
  /** How many in a row found it healthy. */
  consecutiveSuccesses: number
  /** How many in a row did not. */
  consecutiveFailures: number
}

/** How samples are drawn. */
export type Method = 'mc' | 'lhs' | 'sobol' | 'antithetic'

/** What the simulator has done and does. */
export interface MonteCarloStatus {
  /** The algorithm of new simulations. */
  algorithm: string
  /** How many runs the history has: simulations of plans and of scenarios. */
  runsCompleted: number
  /** Those under way in this engine. */
  running: Array<RunningSimulation>
  /** The newest simulation of a plan. */
  lastRun: Simulation | null
  /** The newest simulation of a scenario. */
  lastScenario: ScenarioResult | null
  /** How many samples are drawn unless the caller says. */
  defaultIterations: number
}

/** An agent or model that does work when one of its triggers occurs. */
export interface Node {
  /** Its name in references. */
  id: Id
  /** Its name for people. */
  name: string
  /** What executes it. */
  runtime: string
  /** The words or events that call it. */
  triggers: Array<string>
  /** Whether it takes work. */
  enabled: boolean
  /** The whole entry as it was imported, or what its owner attached. */
  metadata: Json
  /** When it was registered. */
  createdAt: Timestamp
  /** When it was last changed. */
  updatedAt: Timestamp
  /** The registry's revision at its last change; grows with every one. */
  resourceVersion: number
}

/** All nodes, by id. */
export interface NodeList {
  /** The nodes. */
  nodes: Array<Node>
  /** The registry's revision at which this was so: watch from here. */
  revision: number
}

/** A merge patch (RFC 7396) for an entry. */
export interface PatchEntry {
  /** Which one. */
  id: string
  /**
   * The declared fields to change, as an object: objects are merged, null gives a field its default or takes a key
   * out, anything else replaces.
   */
  patch: Json
  /** Only if its resource version is still this one. */
  ifVersion?: number
}

/** A definition as it was registered. */
export interface PipelineDefinition {
  /** The workflow that runs it. */
  workflowId: string
  /** The pipeline. */
  pipelineId: string
  /** Its name in the definition. */
  name: string
  /** Its version, from 1. */
  version: number
  /** The hash of the definition. */
  definitionHash: string
  /** When this version was registered. */
  createdAt: Timestamp
  /** How many stages it has. */
  stages: number
  /** How many tasks, those aside that a run's input or the host's handlers add to the built-in stages. */
  tasks: number
  /** How many tasks of one run are under way at most. */
  maxConcurrentTasks: number
  /** The definition itself. */
  definition: Json
  /** What the reader noticed. */
  warnings: Array<Warning>
}

/** A run, whole. */
export interface PipelineRun {
  /** The run. */
  runId: Id
  /** The workflow that is run. */
  workflowId: string
  /** The caller's name for the request; the same one is carried out once. */
  requestId: string | null
  /** Where the run stands. */
  status: RunStatus
  /** What its random draws follow from. */
  seed: number
  /** Whether no handler was really called. */
  simulated: boolean
  /** When it began. */
  startedAt: Timestamp
  /** When it ended. */
  finishedAt: Timestamp | null
  /** Why it did not succeed. */
  error: Failure | null
  /** What it came to. */
  metrics: RunMetrics
  /** Its stages, in the order of execution. */
  stages: Array<StageRun>
  /** What was undone, in the order in which that happened. */
  compensations: Array<Compensation>
  /** What was expected. */
  forecast: Forecast | null
  /** What the engine says about it, once it has ended. */
  critique: Critique | null
  /** What the reader of the definition noticed. */
  warnings: Array<Warning>
}

/** A registered definition. */
export interface PipelineVersion {
  /** The workflow under which it is run. */
  workflowId: string
  /** The pipeline. */
  pipelineId: string
  /** Its version, from 1. */
  version: number
  /** The hash of the definition. */
  definitionHash: string
  /** Whether this call added the version. */
  created: boolean
  /** How many stages it has. */
  stages: number
  /** How many tasks. */
  tasks: number
  /** What the reader noticed. */
  warnings: Array<Warning>
}

/** A plan that can be simulated. */
export interface PlanReport {
  /** SHA-256 of the plan as JSON with sorted keys. */
  planHash: string
  /** How many tasks it has. */
  tasks: number
  /** What was noticed. */
  warnings: Array<Warning>
}

/** What one probe found. */
export interface Probe {
  /** Which service. */
  id: Id
  /** What it means for its health; `UNKNOWN` if it could not be probed. */
  status: HealthStatus
  /** How long the answer took, in milliseconds; null without one. */
  latencyMs: number | null
  /** Why it is not healthy, in words. */
  reason: string | null
}

/** What to probe, and how patiently. */
export interface ProbeOptions {
  /** These services; all if left out. */
  services?: Array<string>
  /** How long one answer may take, in milliseconds; as long as the service's own setting says if left out. */
  timeoutMs?: number
}

/** What a round of probes found. */
export interface ProbeReport {
  /** One for each service, by id. */
  probes: Array<Probe>
}

/** A node to create, or to put in place of the one of this id. A field left out has its default. */
export interface PutNode {
  /** Its name in references. */
  id: string
  /** Its name for people; the id if left out. */
  name?: string
  /** What executes it; `node` if left out. */
  runtime?: string
  /** The words or events that call it. */
  triggers?: Array<string>
  /** Whether it takes work; true if left out. */
  enabled?: boolean
  /** Anything its owner wants to attach: an object. */
  metadata?: Json
  /** Only if it is there with this resource version. */
  ifVersion?: number
  /** Only if it is not there. */
  ifAbsent?: boolean
  /** Only if it is there, with whatever version. */
  ifPresent?: boolean
}

/** A service to create, or to put in place of the one of this id. A field left out has its default. */
export interface PutService {
  /** Its name in references. */
  id: string
  /** Its name for people; the id if left out. */
  name?: string
  /** An `http` or `https` URL; a service without one is never probed. */
  baseUrl?: string
  /** The path that answers with its health; `/api/health` if left out. */
  healthPath?: string
  /** How often to probe it, in milliseconds; 10,000 if left out. */
  probeIntervalMs?: number
  /** How long its answer may take, in milliseconds; 5,000 if left out. */
  probeTimeoutMs?: number
  /** How many probes in a row must find it healthy, or better than before, to say so; 2 if left out. */
  healthyThreshold?: number
  /** How many in a row must find it worse; 3 if left out. */
  unhealthyThreshold?: number
  /** Anything its owner wants to attach: an object. */
  metadata?: Json
  /** Only if it is there with this resource version. */
  ifVersion?: number
  /** Only if it is not there. */
  ifAbsent?: boolean
  /** Only if it is there, with whatever version. */
  ifPresent?: boolean
}

/** A workflow to create, or to put in place of the one of this id. A field left out has its default. */
export interface PutWorkflow {
  /** Its name in references. */
  id: string
  /** Its name for people; the id if left out. */
  name?: string
  /** The pipeline that it runs; the id if left out. */
  pipelineId?: string
  /** How many tasks may be under way at once unless the definition says; 6 if left out. */
  maxConcurrentTasks?: number
  /** Rules to attach: an object. */
  governance?: Json
  /** Anything its owner wants to attach: an object. */
  metadata?: Json
  /** Only if it is there with this resource version. */
  ifVersion?: number
  /** Only if it is not there. */
  ifAbsent?: boolean
  /** Only if it is there, with whatever version. */
  ifPresent?: boolean
}

/** One quantile with its 95 % interval. */
export interface Quantile {
  /** The share of samples that lie at or below the value. */
  p: number
  /** The value. */
  value: number
  /** The interval's lower end. */
  lower: number
  /** The interval's upper end. */
  upper: number
}

/**
 * Whether a plan is ready, judged by the lower end of an interval: of the probability that every task succeeds and
 * what was stated about time and cost holds.
 */
export interface Readiness {
  /** 0 to 100: the lower end in percent, rounded down. */
  score: number
  /** A from 0.95 on, B from 0.85, C from 0.70, D from 0.50, else F, by the lower end. */
  grade: string
  /** Whether to proceed. */
  verdict: Verdict
  /** The interval's lower end. */
  lower: number
  /** The interval's upper end. */
  upper: number
}

/** A node to register. */
export interface RegisterNode {
  /** Its name in references. */
  id: string
  /** Its name for people; the id if left out. */
  name?: string
  /** What executes it; `node` if left out. */
  runtime?: string
  /** The words or events that call it. */
  triggers?: Array<string>
  /** Whether it takes work; true if left out. */
  enabled?: boolean
  /** Anything its owner wants to attach: an object. */
  metadata?: Json
}

/** A service to register. */
export interface RegisterService {
  /** Its name in references. */
  id: string
  /** Its name for people; the id if left out. */
  name?: string
  /** An `http` or `https` URL; a service without one is never probed. */
  baseUrl?: string
  /** The path that answers with its health; `/api/health` if left out. */
  healthPath?: string
  /** How often to probe it, in milliseconds; 10,000 if left out. */
  probeIntervalMs?: number
  /** How long its answer may take, in milliseconds; 5,000 if left out. */
  probeTimeoutMs?: number
  /** How many probes in a row must find it healthy, or better than before, to say so; 2 if left out. */
  healthyThreshold?: number
  /** How many in a row must find it worse; 3 if left out. */
  unhealthyThreshold?: number
  /** Anything its owner wants to attach: an object. */
  metadata?: Json
}

/** A workflow to register. */
export interface RegisterWorkflow {
  /** Its name in references. */
  id: string
  /** Its name for people; the id if left out. */
  name?: string
  /** The pipeline that it runs; the id if left out. */
  pipelineId?: string
  /** How many tasks may be under way at once unless the definition says; 6 if left out. */
  maxConcurrentTasks?: number
  /** Rules to attach: an object. */
  governance?: Json
  /** Anything its owner wants to attach: an object. */
  metadata?: Json
}

/** What happened to an entry. */
export type RegistryChange = 'CREATE' | 'UPDATE' | 'DELETE' | 'BOOKMARK'

/** One change of the registry. */
export interface RegistryEventFields {
  /** The registry's revision with this change: the next change has the next number. */
  revision: number
  /** What happened. */
  change: RegistryChange
  /** What kind of entry; null for a bookmark. */
  kind: EntryKind | null
  /** Which entry; null for a bookmark. */
  id: Id | null
  /** The service, node or workflow with this change, or before it was deleted, as its JSON; null for a bookmark. */
  object: Json | null
  /** When; of a bookmark, when the change of its revision was. */
  at: Timestamp
}

/** A simulation done again and compared. */
export interface Replay {
  /** The simulation. */
  id: Id
  /** The digest in the history. */
  expected: string
  /** The digest found now. */
  found: string
  /** Whether they are the same. */
  equal: boolean
}

/** What a service says of itself. */
export interface ReportHealth {
  /** Which service. */
  id: string
  /** How it is: `HEALTHY`, `DEGRADED` or `UNHEALTHY`. */
  status: HealthStatus
  /** For how long that holds, in seconds, 1 to 86,400: without another report until then it is unhealthy. */
  ttlSeconds: number
  /** Why, in words. */
  note?: string
}

/** What a caller may do; each role may also do what those before it may. */
export type Role = 'viewer' | 'operator' | 'admin'

/** What a run came to, in numbers. */
export interface RunMetrics {
  /** All tasks of the definition. */
  totalTasks: number
  /** Those that succeeded. */
  completedTasks: number
  /** Those that failed or ended nobody knows how. */
  failedTasks: number
  /** Those that were never begun or were interrupted by a cancellation. */
  skippedTasks: number
  /** Those that took more than one attempt. */
  retriedTasks: number
  /** Failed tasks by all tasks. */
  errorRate: number
  /** 0 to 100: the lower of the forecast's score and 100 - 200 x error rate; null for a simulated run. */
  readinessScore: number | null
  /** From start to end, or until now, in milliseconds. */
  elapsedMs: number
}

/** A simulation that is under way in this engine. */
export interface RunningSimulation {
  /** The simulation. */
  id: Id
  /** How many samples were asked for. */
  samples: number
  /** How many are done. */
  done: number
  /** When it began. */
  startedAt: Timestamp
}

/** A page of runs, newest first. */
export interface RunPage {
  /** The runs. */
  runs: Array<RunSummary>
  /** Where the next page begins, if there is one. */
  next: string | null
}

/** Which runs to list; a field left out does not restrict. */
export interface RunQuery {
  /** Only this workflow's. */
  workflowId?: string
  /** Only those with this status. */
  status?: RunStatus
  /** At most this many, 1 to 1,000; 100 if left out. */
  limit?: number
  /** Continue after the page that gave this as its `next`. */
  cursor?: string
}

/** Where a run stands. */
export type RunStatus = 'PENDING' | 'RUNNING' | 'WAITING' | 'PAUSED' | 'COMPENSATING' | 'SUCCEEDED' | 'FAILED' | 'COMPENSATED' | 'CANCELLED' | 'DEAD'

/** Something that is recorded of a run. What a task returned stands in the run itself. */
export interface RunStep {
  /** Where to go on after it. */
  position: string
  /** What it is about. */
  kind: StepKind
  /** Where the run stands now; null unless this is about the run. */
  runStatus: RunStatus | null
  /** Where the stage stands now, the task after this attempt, or its compensation; null if this is about the run. */
  status: StageStatus | null
  /** The position of the stage; null if this is about the run. */
  stageNum: number | null
  /** The stage; null if this is about the run. */
  stageId: string | null
  /** The task that is done or undone; null if this is about a stage or the run. */
  task: string | null
  /** The number of the attempt, from 1, and 0 for what was not tried; null if this is about a stage or the run. */
  attempt: number | null
  /** How often the run had been resumed after an end. */
  iteration: number
  /** When it began; null if it never did. */
  startedAt: Timestamp | null
  /** When it ended; null if it has not or never began. */
  finishedAt: Timestamp | null
  /** How long the attempt took, in milliseconds; drawn from the forecast in a simulated run. */
  durationMs: number | null
  /** Whether no handler was really called. */
  simulated: boolean
  /** Why it failed. */
  error: Failure | null
}

/** A run in a list. */
export interface RunSummary {
  /** The run. */
  runId: Id
  /** The workflow that is run. */
  workflowId: string
  /** The caller's name for the request. */
  requestId: string | null
  /** Where the run stands. */
  status: RunStatus
  /** What its random draws follow from. */
  seed: number
  /** When it began. */
  startedAt: Timestamp
  /** When it ended. */
  finishedAt: Timestamp | null
  /** What it came to; null until it has ended. */
  metrics: RunMetrics | null
}

/** The callers' simple form of a simulation. */
export interface ScenarioOptions {
  /**
   * `{name, baseSuccessRate, riskFactors: [{name, probability, impact, mitigation}], mitigations: [{boost}]}`; each
   * may be left out.
   */
  scenario?: Json
  /** 1 to 100,000,000; 10,000 if left out. */
  iterations?: number
  /** 0 to 2^53 - 1; a random one if left out. */
  seed?: number
}

/** How often a scenario ended how. */
export interface ScenarioOutcomes {
  /** Wholly. */
  success: number
  /** In part. */
  partial: number
  /** Not at all. */
  failure: number
}

/** A page of what scenarios came to, newest first. */
export interface ScenarioPage {
  /** The results. */
  scenarios: Array<ScenarioResult>
  /** Where the next page begins, if there is one. */
  next: string | null
}

/** What a scenario came to. */
export interface ScenarioResult {
  /** The result in the history. */
  id: Id
  /** The scenario's name. */
  scenario: string
  /** How many iterations there were. */
  iterations: number
  /** What the draws follow from. */
  seed: number
  /** How often it ended how. */
  outcomes: ScenarioOutcomes
  /** The share of successes in percent, with two decimals. */
  confidence: number
  /** The share of failures in percent, with two decimals. */
  failureRate: number
  /** `LOW` below 5 % failures, `MEDIUM` below 15 %, `HIGH` below 30 %, else `CRITICAL`. */
  riskGrade: string
  /** The risks, the most frequent first. */
  topMitigations: Array<ScenarioRisk>
  /** The probability of success with its interval. */
  success: Estimate
  /** When. */
  ts: Timestamp
}

/** A risk of a scenario and how often it occurred. */
export interface ScenarioRisk {
  /** The risk's name. */
  risk: string
  /** The share of iterations in which it occurred, such as `19.9%`. */
  hitRate: string
  /** What its owner wants to do about it, or that nothing is planned. */
  recommendation: string
}

/** Something that runs and can be asked for its health. */
export interface Service {
  /** Its name in references. */
  id: Id
  /** Its name for people. */
  name: string
  /** Scheme, host and port, such as `http://localhost:3301`; empty if nobody knows where it runs. */
  baseUrl: string
  /** The path that answers with its health. */
  healthPath: string
  /** How often it is probed, in milliseconds; null for every 10 seconds. */
  probeIntervalMs: number | null
  /** How long its answer may take, in milliseconds; null for 5 seconds. */
  probeTimeoutMs: number | null
  /** How many probes in a row must find it healthy, or better than before, to say so; null for 2. */
  healthyThreshold: number | null
  /** How many in a row must find it worse; null for 3. */
  unhealthyThreshold: number | null
  /** What probes or its own reports said; never taken from a file. */
  status: HealthStatus
  /** Why it is not healthy, in words. */
  statusReason: string | null
  /** When its status last became another one. */
  statusChangedAt: Timestamp | null
  /** When it was last found healthy, to the second while it is probed. */
  lastHealthyAt: Timestamp | null
  /** Until when its own last report holds, if it reports. */
  reportExpiresAt: Timestamp | null
  /** What its last probes found; null where it was never probed. */
  lastProbe: LastProbe | null
  /** The whole entry as it was imported, or what its owner attached. */
  metadata: Json
  /** When it was registered. */
  createdAt: Timestamp
  /** When it was last changed, health aside. */
  updatedAt: Timestamp
  /** The registry's revision at its last change, health aside; grows with every one. */
  resourceVersion: number
}

/** All services, by id. */
export interface ServiceList {
  /** The services. */
  services: Array<Service>
  /** The registry's revision at which this was so: watch from here. */
  revision: number
}

/** What a simulation came to. */
export interface Simulation {
  /** The simulation in the history. */
  id: Id
  /** The algorithm; a digest can be compared only under the same one. */
  algorithm: string
  /** SHA-256 of the plan as JSON with sorted keys. */
  planHash: string
  /** What the draws follow from. */
  seed: number
  /** How samples were drawn. */
  method: Method
  /** How many there were. */
  samples: number
  /** Whether all that were asked for were drawn. */
  complete: boolean
  /** The result's bits in short: equal plans, seeds and sample counts give equal digests on any machine. */
  digest: string
  /** How long it took, in milliseconds. */
  elapsedMs: number
  /** The probability that no task fails for good. */
  success: Estimate
  /** The probability of meeting the deadline; null without one. */
  onTime: Estimate | null
  /** The probability of staying within the budget; null without one. */
  withinBudget: Estimate | null
  /** The probability of success and all that was stated. */
  joint: Estimate
  /** How long everything takes, in the plan's unit. */
  duration: Spread
  /** What everything costs. */
  cost: Spread
  /** The durations, for drawing. */
  histogram: Histogram
  /** Whether the plan is ready. */
  readiness: Readiness
  /** The tasks, in the order of the plan. */
  tasks: Array<TaskTimes>
  /** What was noticed on the way. */
  warnings: Array<Warning>
}

/** What to simulate, and how. */
export interface SimulationOptions {
  /** The plan. */
  plan: Json
  /** 0 to 2^53 - 1; a random one if left out. */
  seed?: number
  /** 1 to 1,000,000,000; 16,384 if left out. */
  samples?: number
  /** As many as there are processors if left out; the result does not depend on it. */
  threads?: number
  /** How samples are drawn; `mc` if left out. */
  method?: Method
  /** The probability from which on readiness says to proceed; 0.7 if left out. */
  gate?: number
}

/** A page of simulations, newest first. */
export interface SimulationPage {
  /** The simulations. */
  simulations: Array<Simulation>
  /** Where the next page begins, if there is one. */
  next: string | null
}

/** Which simulations to list. */
export interface SimulationQuery {
  /** At most this many, 1 to 1,000; 100 if left out. */
  limit?: number
  /** Continue after the page that gave this as its `next`. */
  cursor?: string
}

/** How a quantity is distributed over the samples. */
export interface Spread {
  /** The mean. */
  mean: Estimate
  /** The standard deviation. */
  sd: number
  /** Quantiles, the lowest first. */
  quantiles: Array<Quantile>
}

/** One stage of a run. */
export interface StageRun {
  /** Its position in the order of execution, from 0. */
  num: number
  /** Its id in the definition. */
  id: string
  /** Its name for people. */
  name: string
  /** Where it stands. */
  status: StageStatus
  /** When it began. */
  startedAt: Timestamp | null
  /** When it ended. */
  finishedAt: Timestamp | null
  /** Its tasks, in the order of the definition. */
  tasks: Array<TaskRun>
}

/** Where a stage, a task or a compensation stands. */
export type StageStatus = 'PENDING' | 'RUNNING' | 'WAITING' | 'SUCCEEDED' | 'FAILED' | 'SKIPPED' | 'CANCELLED' | 'INDETERMINATE'

/** Which of the engine's loops to start. */
export interface StartOptions {
  /** Whether to execute runs whose worker is gone; true if left out. */
  workers?: boolean
  /** Whether to take a share in probing the services of the registry; true if left out. */
  probes?: boolean
}

/** What to run. */
export interface StartRun {
  /** A registered workflow; `hcfullpipeline` if neither this nor a definition is given. */
  workflowId?: string
  /** A definition file, registered on the way. */
  path?: string
  /** A definition, registered on the way. */
  definition?: Json
  /** What the handlers get as the run's input. */
  input?: Json
  /** The caller's name for the request: a second start under it returns the first run. */
  requestId?: string
  /** 0 to 2^53 - 1; the definition's if left out, else a random one. */
  seed?: number
  /** Call no handler: every task ends at once with a duration drawn from the forecast. */
  simulate?: boolean
}

/** What a step of a run is about. */
export type StepKind = 'RUN' | 'STAGE' | 'TASK' | 'COMPENSATION'

/** What was expected of one task before the run began. */
export interface TaskForecast {
  /** `stage/task`. */
  name: string
  /** Half of the time it takes at most this, in milliseconds, retries included. */
  p50: number
  /** In 19 of 20 cases it takes at most this, in milliseconds, retries included. */
  p95: number
  /** Whether neither history nor the definition says anything, so that the documented default was assumed. */
  assumed: boolean
}

/** One task of a run. */
export interface TaskRun {
  /** Its name in the stage. */
  name: string
  /** The handler that executes it. */
  uses: string
  /** Where it stands. */
  status: StageStatus
  /** How often it was tried. */
  attempts: number
  /** When its first attempt began. */
  startedAt: Timestamp | null
  /** When its last attempt ended. */
  finishedAt: Timestamp | null
  /** All attempts and the waits between them, in milliseconds; drawn from the forecast in a simulated run. */
  durationMs: number | null
  /** Whether its handler was not really called. */
  simulated: boolean
  /** What the handler returned. */
  output: Json
  /** Why it failed. */
  error: Failure | null
}

/** How long one task takes, all its attempts, waits and delays together. */
export interface TaskTimes {
  /** The task. */
  id: string
  /** The mean. */
  mean: number
  /** The median. */
  p50: number
  /** The 95 % quantile. */
  p95: number
}

/** Changes to a node; a field left out stays as it is. */
export interface UpdateNode {
  /** Which node. */
  id: string
  /** Another name for people. */
  name?: string
  /** Another runtime. */
  runtime?: string
  /** Other triggers, in place of all present ones. */
  triggers?: Array<string>
  /** Whether it takes work. */
  enabled?: boolean
  /** Another object in place of the attached one. */
  metadata?: Json
  /** Only if its resource version is still this one. */
  ifVersion?: number
}

/** Changes to a service; a field left out stays as it is. */
export interface UpdateService {
  /** Which service. */
  id: string
  /** Another name for people. */
  name?: string
  /** Another place; its health is unknown until it is probed there. */
  baseUrl?: string
  /** Another path for its health. */
  healthPath?: string
  /** Another interval between its probes, in milliseconds. */
  probeIntervalMs?: number
  /** Another time that its answer may take, in milliseconds. */
  probeTimeoutMs?: number
  /** Another number of probes in a row that must find it better. */
  healthyThreshold?: number
  /** Another number of probes in a row that must find it worse. */
  unhealthyThreshold?: number
  /** Another object in place of the attached one. */
  metadata?: Json
  /** Only if its resource version is still this one. */
  ifVersion?: number
}

/** Changes to a workflow; a field left out stays as it is. */
export interface UpdateWorkflow {
  /** Which workflow. */
  id: string
  /** Another name for people. */
  name?: string
  /** Another pipeline. */
  pipelineId?: string
  /** Another limit. */
  maxConcurrentTasks?: number
  /** Another object of rules. */
  governance?: Json
  /** Another object in place of the attached one. */
  metadata?: Json
  /** Only if its resource version is still this one. */
  ifVersion?: number
}

/** What readiness recommends. */
export type Verdict = 'PROCEED' | 'HOLD' | 'UNDECIDED'

/** How to verify. */
export interface VerifyAudit {
  /** The public keys to trust; the engine's own if left out, or those that the database names if it has none. */
  publicKeys?: Array<string>
  /**
   * Checkpoints that were kept elsewhere, as one text of notes, JSON of checkpoints or an export: what they say is
   * checked besides those of the database.
   */
  checkpoints?: string
}

/** Something a reader noticed that did not stop it. */
export interface Warning {
  /** What kind of thing was noticed, in upper case: `UNKNOWN_KEY`, `NO_HISTORY`. */
  code: string
  /** Where, such as `pipeline.stages[3].mcConfig`; empty for the whole document. */
  path: string
  /** The sentence for people. */
  message: string
}

/** What to watch. */
export interface WatchOptions {
  /** Events after this revision, such as that of a list; those from now on if left out. */
  since?: number
  /**
   * When the change of that revision was, as its event or its bookmark said: a registry that was put back from a backup
   * and has changed otherwise since is told apart then. Looked at to the millisecond.
   */
  sinceAt?: Timestamp
  /** Only entries of these kinds. */
  kinds?: Array<EntryKind>
  /** Only entries of these ids. */
  ids?: Array<string>
  /**
   * Whether to give out bookmarks: one at once when everything up to now was seen, and later ones when a while went
   * by in which only other entries changed. False if left out.
   */
  bookmarks?: boolean
}

/** Something that can be run; what it does stands in the pipeline definition that it names. */
export interface Workflow {
  /** Its name in references. */
  id: Id
  /** Its name for people. */
  name: string
  /** The pipeline whose newest definition it runs. */
  pipelineId: string
  /** How many tasks of a run may be under way at once, unless the definition says. */
  maxConcurrentTasks: number
  /** Rules that its owner attached. */
  governance: Json
  /** The whole entry as it was imported, or what its owner attached. */
  metadata: Json
  /** When it was registered. */
  createdAt: Timestamp
  /** When it was last changed. */
  updatedAt: Timestamp
  /** The registry's revision at its last change; grows with every one. */
  resourceVersion: number
}

/** All workflows, by id. */
export interface WorkflowList {
  /** The workflows. */
  workflows: Array<Workflow>
  /** The registry's revision at which this was so: watch from here. */
  revision: number
}

/** The audit log. */
export declare class Audit {
  /** Lists entries, newest first. */
  list(query?: AuditQuery | undefined | null, call?: CallOptions | undefined | null): Promise<AuditPage>
  /** Computes every hash and checks every signature again, and names the first thing that is wrong. */
  verify(options?: VerifyAudit | undefined | null, call?: CallOptions | undefined | null): Promise<AuditReport>
  /** Lists checkpoints, newest first. */
  checkpoints(query?: CheckpointQuery | undefined | null, call?: CallOptions | undefined | null): Promise<CheckpointPage>
  /** Returns a part of the whole log as lines of JSON, for whoever verifies or keeps it elsewhere. */
  export(options?: ExportAudit | undefined | null, call?: CallOptions | undefined | null): Promise<AuditExport>
  /**
   * Signs what all chains came to, and keeps it. An engine whose loops run does so by itself, every second or 1,000
   * rows, and every engine when it closes.
   */
  checkpoint(call?: CallOptions | undefined | null): Promise<AuditCheckpoint>
}

/** An open engine. */
export declare class Heady {
  /** Opens a database: `sqlite:heady.db`, `sqlite::memory:` or `postgres://…`. */
  static connect(url: string, options?: EngineOptions | undefined | null, call?: CallOptions | undefined | null): Promise<Heady>
  /** The audit log. */
  get audit(): Audit
  /** The registry of services, nodes and workflows. */
  get registry(): Registry
  /** Simulations. */
  get monteCarlo(): MonteCarlo
  /** Pipelines and their runs. */
  get pipeline(): Pipeline
  /**
   * Answers a request as `heady serve` does, in process. Whom `as` names the caller vouches for; without it the
   * request needs an API key. When the request's signal is aborted, the promise is rejected with its reason, and a
   * body that is being read ends with it.
   */
  fetch(request: Request, options?: FetchOptions | undefined | null): Promise<Response>
  /**
   * Starts the engine's loops: from here on it also executes runs whose worker is gone, if all their handlers are
   * registered here, and probes the services of the registry.
   */
  start(options?: StartOptions | undefined | null): void
  /** Hands its runs back, finishes what is being written and closes the database. */
  close(): Promise<undefined>
}

/** Simulations. */
export declare class MonteCarlo {
  /** Simulates a plan and keeps the result in the history. Dropping the future stops the simulation. */
  run(options: SimulationOptions, call?: CallOptions | undefined | null): Promise<Simulation>
  /** Checks a plan without simulating it. */
  check(plan: Json, call?: CallOptions | undefined | null): Promise<PlanReport>
  /** Returns a simulation of the history. */
  get(id: string, call?: CallOptions | undefined | null): Promise<Simulation>
  /** Lists the simulations of plans, newest first. */
  list(query?: SimulationQuery | undefined | null, call?: CallOptions | undefined | null): Promise<SimulationPage>
  /** Returns what the simulator has done and does. */
  status(call?: CallOptions | undefined | null): Promise<MonteCarloStatus>
  /** Does a simulation of the history again and compares the bits. */
  replay(id: string, call?: CallOptions | undefined | null): Promise<Replay>
  /** Simulates a scenario in the callers' simple form and keeps the result in the history. */
  scenario(options: ScenarioOptions | undefined | null, call?: CallOptions | undefined | null): Promise<ScenarioResult>
  /** Lists what scenarios came to, newest first. */
  listScenarios(query?: SimulationQuery | undefined | null, call?: CallOptions | undefined | null): Promise<ScenarioPage>
}

/** Pipelines and their runs. */
export declare class Pipeline {
  /**
   * Registers a handler under a name, in place of an earlier one. What it returns, or what its promise gives, is
   * the task's output; what it throws fails the attempt, and a `code` of the engine decides whether it is repeated.
   */
  handle(name: string, handler: (context: TaskContext, input: any) => unknown): void
  /** Registers a definition as the newest version of its pipeline, and the workflow of its name to run it. */
  define(options: DefinePipeline, call?: CallOptions | undefined | null): Promise<PipelineVersion>
  /** Returns the definition that a workflow runs: the newest version, or the one that is asked for. */
  definition(query?: DefinitionQuery | undefined | null, call?: CallOptions | undefined | null): Promise<PipelineDefinition>
  /** Begins a run and returns it as it then stands; it goes on in the background. */
  start(options?: StartRun | undefined | null, call?: CallOptions | undefined | null): Promise<PipelineRun>
  /** Begins a run and returns it when it has ended, or waits for a person. */
  run(options?: StartRun | undefined | null, call?: CallOptions | undefined | null): Promise<PipelineRun>
  /** Returns a run as it stands. */
  get(runId: string, call?: CallOptions | undefined | null): Promise<PipelineRun>
  /** Returns a run when it has ended or waits for a person, wherever it is executed. */
  wait(runId: string, call?: CallOptions | undefined | null): Promise<PipelineRun>
  /** Lists runs, newest first. */
  list(query?: RunQuery | undefined | null, call?: CallOptions | undefined | null): Promise<RunPage>
  /**
   * Follows a run wherever it is executed: what is recorded of it, from the beginning or from where an earlier follow
   * stood, in order and once, as an async iterator. It ends with the run, with the loop over it, with its `return()`, or
   * when the engine is closed. An aborted signal ends it with `CANCELLED`.
   */
  follow(options: FollowRun, call?: CallOptions | undefined | null): RunFollow
  /**
   * Cancels a run: what is under way is interrupted, what was done is undone. A run that nobody executes is
   * cancelled when somebody resumes it, or at once if it waits for a person.
   */
  cancel(runId: string, call?: CallOptions | undefined | null): Promise<PipelineRun>
  /**
   * Continues a run that a crash interrupted, that is paused, or that failed: finished tasks are not repeated,
   * undone ones are. Returns it as it then stands; it goes on in the background.
   */
  resume(runId: string, call?: CallOptions | undefined | null): Promise<PipelineRun>
}

/** The registry of services, nodes and workflows. */
export declare class Registry {
  /** Registers a new service. */
  registerService(options: RegisterService, call?: CallOptions | undefined | null): Promise<Service>
  /** Creates a service, or puts it in place of the one of its id; putting what is there changes nothing. */
  putService(options: PutService, call?: CallOptions | undefined | null): Promise<Service>
  /** Returns a service. */
  getService(id: string, call?: CallOptions | undefined | null): Promise<Service>
  /** Lists all services by id. */
  listServices(call?: CallOptions | undefined | null): Promise<ServiceList>
  /** Changes a service. */
  updateService(options: UpdateService, call?: CallOptions | undefined | null): Promise<Service>
  /** Changes a service by a merge patch (RFC 7396) of its declared fields. */
  patchService(options: PatchEntry, call?: CallOptions | undefined | null): Promise<Service>
  /** Deletes a service and returns what it was. */
  deleteService(options: DeleteEntry, call?: CallOptions | undefined | null): Promise<Service>
  /** Registers a new node. */
  registerNode(options: RegisterNode, call?: CallOptions | undefined | null): Promise<Node>
  /** Creates a node, or puts it in place of the one of its id; putting what is there changes nothing. */
  putNode(options: PutNode, call?: CallOptions | undefined | null): Promise<Node>
  /** Returns a node. */
  getNode(id: string, call?: CallOptions | undefined | null): Promise<Node>
  /** Lists all nodes by id. */
  listNodes(call?: CallOptions | undefined | null): Promise<NodeList>
  /** Changes a node. */
  updateNode(options: UpdateNode, call?: CallOptions | undefined | null): Promise<Node>
  /** Changes a node by a merge patch (RFC 7396) of its declared fields. */
  patchNode(options: PatchEntry, call?: CallOptions | undefined | null): Promise<Node>
  /** Deletes a node and returns what it was. */
  deleteNode(options: DeleteEntry, call?: CallOptions | undefined | null): Promise<Node>
  /** Registers a new workflow. */
  registerWorkflow(options: RegisterWorkflow, call?: CallOptions | undefined | null): Promise<Workflow>
  /** Creates a workflow, or puts it in place of the one of its id; putting what is there changes nothing. */
  putWorkflow(options: PutWorkflow, call?: CallOptions | undefined | null): Promise<Workflow>
  /** Returns a workflow. */
  getWorkflow(id: string, call?: CallOptions | undefined | null): Promise<Workflow>
  /** Lists all workflows by id. */
  listWorkflows(call?: CallOptions | undefined | null): Promise<WorkflowList>
  /** Changes a workflow. */
  updateWorkflow(options: UpdateWorkflow, call?: CallOptions | undefined | null): Promise<Workflow>
  /** Changes a workflow by a merge patch (RFC 7396) of its declared fields. */
  patchWorkflow(options: PatchEntry, call?: CallOptions | undefined | null): Promise<Workflow>
  /** Deletes a workflow that has never run and returns what it was. */
  deleteWorkflow(options: DeleteEntry, call?: CallOptions | undefined | null): Promise<Workflow>
  /**
   * Watches entries: every change after a revision, in order and once, as an async iterator. It ends with the loop
   * over it, with its `return()`, or when the engine is closed. An aborted signal ends it with `CANCELLED`; if events
   * after the revision are gone, it ends with `FAILED_PRECONDITION` that has `compacted`: list again.
   */
  watch(options?: WatchOptions | undefined | null, call?: CallOptions | undefined | null): RegistryWatch
  /** Asks services for their health now and records what they answer. */
  probe(options?: ProbeOptions | undefined | null, call?: CallOptions | undefined | null): Promise<ProbeReport>
  /**
   * Records what a service says of its own health, which holds for a while: without another report until then the
   * service is unhealthy.
   */
  reportHealth(options: ReportHealth, call?: CallOptions | undefined | null): Promise<Service>
  /** Imports a registry document: plans what to create, change and delete, then does it in one transaction. */
  import(options: ImportOptions, call?: CallOptions | undefined | null): Promise<ImportReport>
  /**
   * Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
   * what differs. A source that cannot be read is listed with its error and stops no other.
   */
  detectDrift(options?: DetectDrift | undefined | null, call?: CallOptions | undefined | null): Promise<DriftReport>
  /** Lists the drift that was found last, the most severe first, and the sources that say so. */
  listDrift(query?: DriftQuery | undefined | null, call?: CallOptions | undefined | null): Promise<DriftReport>
  /**
   * Returns the registry as the document that [`Registry::import`] reads: every section of the last import, unknown
   * ones included, with today's services, nodes and workflows.
   */
  export(call?: CallOptions | undefined | null): Promise<Json>
}

/** A stream of changes. While somebody waits for the next one, Node stays alive; a watch by itself does not keep it so. */
export declare class RegistryWatch {
  /** The next change. */
  next(): Promise<IteratorResult<RegistryEvent, undefined>>
  /** Ends the watch. */
  return(): Promise<IteratorResult<RegistryEvent, undefined>>
}

/** The steps of a run. While somebody waits for the next one, Node stays alive; following by itself does not keep it so. */
export declare class RunFollow {
  /** The next step. */
  next(): Promise<IteratorResult<RunStep, undefined>>
  /** Ends the following, not the run. */
  return(): Promise<IteratorResult<RunStep, undefined>>
}

/** What a handler knows about the attempt it executes. */
export declare class TaskContext {
  /** The run. */
  get runId(): string
  /** The workflow that is run. */
  get workflowId(): string
  /** The id of the stage. */
  get stage(): string
  /** The name of the task. */
  get task(): string
  /** The number of this attempt, from 1. */
  get attempt(): number
  /** The seed of the run. */
  get seed(): number
  /** The same for every attempt of this task, also after a crash, so that a receiver can recognise a repetition. */
  get idempotencyKey(): string
  /** What the run was started with. */
  get input(): Json
  /** Whether this call undoes the task instead of doing it. */
  get compensating(): boolean
  /** A new `AbortSignal` that fires when the attempt should end early: its time is up, or the run was cancelled. */
  get signal(): AbortSignal
}

/** What every call takes beside its options. */
export interface CallOptions {
  /** Stops waiting: the promise is rejected with `CANCELLED`. A run that was started goes on; see `pipeline.cancel`. */
  signal?: AbortSignal
}

/** How to answer a request. */
export interface FetchOptions {
  /** Whom the host vouches for, having checked the sender itself; without it the request needs an API key. */
  as?: Caller
}
