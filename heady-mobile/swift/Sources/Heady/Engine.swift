extension HeadyError {
    /// The code of the error, the same string in every language.
    public var code: String { facts.code }

    /// The sentence for people.
    public var message: String { facts.message }

    /// Facts for programs, as a JSON object, if there are any: `current`, the entry as it is now, of one that is not what
    /// the caller took it for; `line` and `column` in a text that cannot be read.
    public var details: Json? { facts.details }

    private var facts: (code: String, message: String, details: Json?) {
        switch self {
        case .InvalidArgument(let reason, let details): ("INVALID_ARGUMENT", reason, details)
        case .NotFound(let reason, let details): ("NOT_FOUND", reason, details)
        case .AlreadyExists(let reason, let details): ("ALREADY_EXISTS", reason, details)
        case .PermissionDenied(let reason, let details): ("PERMISSION_DENIED", reason, details)
        case .FailedPrecondition(let reason, let details): ("FAILED_PRECONDITION", reason, details)
        case .Unauthenticated(let reason, let details): ("UNAUTHENTICATED", reason, details)
        case .Aborted(let reason, let details): ("ABORTED", reason, details)
        case .DeadlineExceeded(let reason, let details): ("DEADLINE_EXCEEDED", reason, details)
        case .ResourceExhausted(let reason, let details): ("RESOURCE_EXHAUSTED", reason, details)
        case .Cancelled(let reason, let details): ("CANCELLED", reason, details)
        case .Unavailable(let reason, let details): ("UNAVAILABLE", reason, details)
        case .DataLoss(let reason, let details): ("DATA_LOSS", reason, details)
        case .Internal(let reason, let details): ("INTERNAL", reason, details)
        }
    }
}

/// Makes a call that is withdrawn when the surrounding task is cancelled; by itself the engine does not notice that.
///
///     let run = try await cancellable { try await pipeline.run(options: options, cancellation: $0) }
public func cancellable<T>(_ call: (Cancellation) async throws -> T) async throws -> T {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
        try await call(cancellation)
    } onCancel: {
        cancellation.cancel()
    }
}

extension Pipeline {
    /// Registers a function as a handler, in place of an earlier one of that name. What it returns is the output of the
    /// task as JSON text, nil for none. What it throws fails the attempt, and the code of a `HeadyError` decides whether
    /// that is repeated. Its task is cancelled when the attempt should end early.
    public func handle(_ name: String, _ body: @escaping @Sendable (TaskContext, Json) async throws -> Json?) throws {
        try handle(name: name, handler: Closure(body))
    }

    /// The events of a run that this engine executes; none if it does not. The first who iterates over them gets them
    /// from the beginning, others from then on.
    public func events(runId: String) -> AsyncStream<RunEvent> {
        guard let events = watch(runId: runId) else { return AsyncStream { nil } }
        return AsyncStream { await events.next() }
    }

    /// What is recorded of a run, in order and once, wherever it is executed, up to its end. The following ends with the
    /// loop over it, or when the surrounding task is cancelled; the run goes on.
    public func steps(_ options: FollowRun) -> AsyncThrowingStream<RunStep, Error> {
        let reader = Reader { try await self.follow(options: options) }
        return AsyncThrowingStream { try await reader.next() }
    }
}

extension Registry {
    /// Every change of the registry after a revision, in order and once, until the engine is shut down. The watch ends
    /// with the loop over it, or when the surrounding task is cancelled.
    public func changes(_ options: WatchOptions = WatchOptions()) -> AsyncThrowingStream<RegistryEvent, Error> {
        let reader = Reader { try await self.watch(options: options) }
        return AsyncThrowingStream { try await reader.next() }
    }
}

/// What gives out one event after another.
private protocol Watch: AnyObject, Sendable {
    associatedtype Event

    func next() async throws -> Event?
    func end()
}

extension RegistryWatch: Watch {}
extension RunFollow: Watch {}

/// A watch that begins when its first event is asked for, and ends with the task that waits or with the last reference.
private actor Reader<Watched: Watch> {
    private let opening: @Sendable () async throws -> Watched
    private var watch: Watched?

    init(_ opening: @escaping @Sendable () async throws -> Watched) {
        self.opening = opening
    }

    deinit { watch?.end() }

    func next() async throws -> Watched.Event? {
        let watch = try await opened()
        return try await withTaskCancellationHandler {
            try await watch.next()
        } onCancel: {
            watch.end()
        }
    }

    private func opened() async throws -> Watched {
        if let watch { return watch }
        let opened = try await opening()
        watch = opened
        return opened
    }
}

private final class Closure: Handler {
    private let body: @Sendable (TaskContext, Json) async throws -> Json?

    init(_ body: @escaping @Sendable (TaskContext, Json) async throws -> Json?) {
        self.body = body
    }

    func call(context: TaskContext, input: Json) async throws -> String {
        do {
            return try await body(context, input) ?? "null"
        } catch let error as HandlerError {
            throw error
        } catch let error as HeadyError {
            throw HandlerError.Failed(code: error.code, reason: error.message)
        } catch {
            throw HandlerError.Failed(code: "INTERNAL", reason: String(describing: error))
        }
    }
}
