import Foundation
import XCTest

@testable import Heady

/// The files that every language runs, and what is Swift's own: closures as handlers, cancellation, events.
final class ConformanceTests: XCTestCase {
    private typealias Object = [String: Any]

    private func file(_ name: String) throws -> Object {
        let folder = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../../tests/conformance")
        let data = try Data(contentsOf: folder.appendingPathComponent("\(name).json").standardized)
        return try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? Object)
    }

    private func text(_ json: Any) throws -> String {
        let data = try JSONSerialization.data(withJSONObject: json, options: [.fragmentsAllowed, .sortedKeys])
        return String(decoding: data, as: UTF8.self)
    }

    /// Options as the API takes them: objects and lists stand where it wants JSON text.
    private func options<T: Decodable>(_ entry: Object) throws -> T {
        let lists: Set = ["services", "triggers", "allowPrograms", "allowHosts", "publicKeys"]
        let fields = try (entry["options"] as? Object ?? [:]).map { key, value in
            (key, !lists.contains(key) && (value is Object || value is [Any]) ? try text(value) : value)
        }
        let data = try JSONSerialization.data(withJSONObject: Object(uniqueKeysWithValues: fields))
        return try JSONDecoder().decode(T.self, from: data)
    }

    /// A report; Swift has cases of its own for the words of its status.
    private func report(_ entry: Object) -> ReportHealth {
        let fields = entry["options"] as? Object ?? [:]
        return ReportHealth(
            id: fields["id"] as? String ?? "",
            status: fields["status"] as? String == "HEALTHY" ? .healthy : .unknown,
            ttlSeconds: (fields["ttlSeconds"] as? NSNumber)?.int64Value ?? 0
        )
    }

    /// Calls a method by its name; false if there is none of that name.
    private func call(_ heady: Heady, _ entry: Object) async throws -> Bool {
        let id = entry["id"] as? String ?? ""
        let (audit, monteCarlo) = (heady.audit(), heady.monteCarlo())
        let (pipeline, registry) = (heady.pipeline(), heady.registry())
        switch entry["call"] as? String {
        case "audit.list": _ = try await audit.list(query: options(entry))
        case "audit.verify": _ = try await audit.verify(options: options(entry))
        case "audit.checkpoint": _ = try await audit.checkpoint()
        case "audit.checkpoints": _ = try await audit.checkpoints(query: options(entry))
        case "audit.export": _ = try await audit.export(options: options(entry))
        case "monteCarlo.run": _ = try await monteCarlo.run(options: options(entry))
        case "monteCarlo.check": _ = try await monteCarlo.check(plan: text((entry["options"] as? Object)?["plan"] ?? [:]))
        case "monteCarlo.get": _ = try await monteCarlo.get(id: id)
        case "monteCarlo.list": _ = try await monteCarlo.list(query: options(entry))
        case "monteCarlo.status": _ = try await monteCarlo.status()
        case "monteCarlo.replay": _ = try await monteCarlo.replay(id: id)
        case "monteCarlo.listScenarios": _ = try await monteCarlo.listScenarios(query: options(entry))
        case "monteCarlo.scenario": _ = try await monteCarlo.scenario(options: options(entry))
        case "pipeline.handle": try pipeline.handle(id) { _, input in input }
        case "pipeline.define": _ = try await pipeline.define(options: options(entry))
        case "pipeline.definition": _ = try await pipeline.definition(query: options(entry))
        case "pipeline.start": _ = try await pipeline.start(options: options(entry))
        case "pipeline.run": _ = try await pipeline.run(options: options(entry))
        case "pipeline.get": _ = try await pipeline.get(runId: id)
        case "pipeline.wait": _ = try await pipeline.wait(runId: id)
        case "pipeline.list": _ = try await pipeline.list(query: options(entry))
        case "pipeline.follow": _ = try await pipeline.follow(options: options(entry))
        case "pipeline.cancel": _ = try await pipeline.cancel(runId: id)
        case "pipeline.resume": _ = try await pipeline.resume(runId: id)
        case "registry.registerService": _ = try await registry.registerService(options: options(entry))
        case "registry.putService": _ = try await registry.putService(options: options(entry))
        case "registry.getService": _ = try await registry.getService(id: id)
        case "registry.listServices": _ = try await registry.listServices()
        case "registry.updateService": _ = try await registry.updateService(options: options(entry))
        case "registry.patchService": _ = try await registry.patchService(options: options(entry))
        case "registry.deleteService": _ = try await registry.deleteService(options: options(entry))
        case "registry.registerNode": _ = try await registry.registerNode(options: options(entry))
        case "registry.putNode": _ = try await registry.putNode(options: options(entry))
        case "registry.getNode": _ = try await registry.getNode(id: id)
        case "registry.listNodes": _ = try await registry.listNodes()
        case "registry.updateNode": _ = try await registry.updateNode(options: options(entry))
        case "registry.patchNode": _ = try await registry.patchNode(options: options(entry))
        case "registry.deleteNode": _ = try await registry.deleteNode(options: options(entry))
        case "registry.registerWorkflow": _ = try await registry.registerWorkflow(options: options(entry))
        case "registry.putWorkflow": _ = try await registry.putWorkflow(options: options(entry))
        case "registry.getWorkflow": _ = try await registry.getWorkflow(id: id)
        case "registry.listWorkflows": _ = try await registry.listWorkflows()
        case "registry.updateWorkflow": _ = try await registry.updateWorkflow(options: options(entry))
        case "registry.patchWorkflow": _ = try await registry.patchWorkflow(options: options(entry))
        case "registry.deleteWorkflow": _ = try await registry.deleteWorkflow(options: options(entry))
        case "registry.watch": _ = try await registry.watch(options: options(entry))
        case "registry.probe": _ = try await registry.probe(options: options(entry))
        case "registry.reportHealth": _ = try await registry.reportHealth(options: report(entry))
        case "registry.import": _ = try await registry.import(options: options(entry))
        case "registry.detectDrift": _ = try await registry.detectDrift(options: options(entry))
        case "registry.listDrift": _ = try await registry.listDrift(query: options(entry))
        case "registry.export": _ = try await registry.export()
        default: return false
        }
        return true
    }

    func testEveryMethodExists() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        for (domain, methods) in try file("api") {
            for method in try XCTUnwrap(methods as? [String]) {
                let entry: Object = ["call": "\(domain).\(method)", "id": "any", "options": ["id": "any", "plan": [:] as Object]]
                // What it says to these options is of no interest here.
                let exists = (try? await call(heady, entry)) ?? true
                XCTAssertTrue(exists, "\(domain).\(method)")
            }
        }
        await heady.shutdown()
    }

    func testBadInputHasTheSameCodeInEveryLanguage() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        let file = try file("errors")
        for entry in try XCTUnwrap(file["before"] as? [Object]) { _ = try await call(heady, entry) }
        for entry in try XCTUnwrap(file["errors"] as? [Object]) {
            do {
                let exists = try await call(heady, entry)
                XCTFail("\(entry): nothing was thrown; the method exists: \(exists)")
            } catch let error as HeadyError {
                XCTAssertEqual(error.code, entry["code"] as? String, "\(entry): \(error)")
                XCTAssertFalse(error.message.contains("secret"))
            }
        }
        await heady.shutdown()
        for entry in try XCTUnwrap(file["connect"] as? [Object]) {
            let url = try XCTUnwrap(entry["url"] as? String)
            do {
                _ = try await Heady.connect(url: url)
                XCTFail("\(url): nothing was thrown")
            } catch let error as HeadyError {
                // On phones there is SQLite alone, and the engine says so instead of looking for a server.
                let code = url.hasPrefix("postgres") ? "FAILED_PRECONDITION" : try XCTUnwrap(entry["code"] as? String)
                XCTAssertEqual(error.code, code, url)
            }
        }
    }

    func testASeedDeterminesTheBits() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        for vector in try XCTUnwrap(file("vectors")["simulations"] as? [Object]) {
            let expect = try XCTUnwrap(vector["expect"] as? Object)
            let options = SimulationOptions(
                plan: try text(try XCTUnwrap(vector["plan"])),
                seed: (vector["seed"] as? NSNumber)?.int64Value,
                samples: (vector["samples"] as? NSNumber)?.int64Value
            )
            let simulation = try await heady.monteCarlo().run(options: options)
            XCTAssertEqual(simulation.digest, expect["digest"] as? String)
            XCTAssertEqual(simulation.planHash, expect["planHash"] as? String)
            XCTAssertEqual(simulation.duration.mean.estimate, (expect["durationMean"] as? NSNumber)?.doubleValue)
            XCTAssertEqual(simulation.success.estimate, (expect["success"] as? NSNumber)?.doubleValue)
        }
        await heady.shutdown()
    }

    private func one(_ tasks: String) -> StartRun {
        StartRun(definition: #"{"pipeline": {"name": "test", "stages": [{"id": "stage", "tasks": [\#(tasks)]}]}}"#)
    }

    func testAClosureIsAHandler() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        let pipeline = heady.pipeline()
        try pipeline.handle("echo") { context, input in #"{"stage": "\#(context.stage)", "got": \#(input)}"# }
        try pipeline.handle("wrong") { _, _ in throw HeadyError.InvalidArgument(reason: "no such plan", details: nil) }
        struct Oops: Error {}
        try pipeline.handle("oops") { _, _ in throw Oops() }
        let done = try await pipeline.run(options: one(#"{"name": "echo", "with": {"n": 21}}"#))
        XCTAssertEqual(done.status, .succeeded)
        XCTAssertEqual(done.stages[0].tasks[0].output, #"{"got":{"n":21},"stage":"stage"}"#)
        for (name, code) in [("wrong", "INVALID_ARGUMENT"), ("oops", "INTERNAL"), ("nobody", "NOT_FOUND")] {
            let failed = try await pipeline.run(options: one(#"{"name": "\#(name)", "retry": {"maxAttempts": 1}}"#))
            XCTAssertEqual(failed.status, .failed)
            XCTAssertEqual(failed.stages[0].tasks[0].error?.code, code)
        }
        await heady.shutdown()
    }

    func testACancelledTaskWithdrawsItsCallAndACancelledRunItsHandler() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        let pipeline = heady.pipeline()
        let (ended, end) = AsyncStream<Void>.makeStream()
        try pipeline.handle("wait") { _, _ in
            defer { end.finish() }
            try await Task.sleep(nanoseconds: 60_000_000_000)
            return nil
        }
        let run = try await pipeline.start(options: one(#""wait""#))
        let waiting = Task { try await cancellable { try await pipeline.wait(runId: run.runId, cancellation: $0) } }
        waiting.cancel()
        do {
            _ = try await waiting.value
            XCTFail("the call was not withdrawn")
        } catch let error as HeadyError {
            XCTAssertEqual(error.code, "CANCELLED")
        }
        _ = try await pipeline.cancel(runId: run.runId)
        for await _ in ended {}
        let cancelled = try await pipeline.wait(runId: run.runId)
        XCTAssertEqual(cancelled.status, .cancelled)
        await heady.shutdown()
    }

    func testTheEventsOfARunEndWithIt() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        let pipeline = heady.pipeline()
        let (mayEnd, end) = AsyncStream<Void>.makeStream()
        try pipeline.handle("slow") { _, _ in
            for await _ in mayEnd {}
            return nil
        }
        let run = try await pipeline.start(options: one(#""slow""#))
        let events = pipeline.events(runId: run.runId)
        end.finish()
        var ends: [StageStatus] = []
        for await event in events {
            if case .taskEnded(_, _, let status, _, _) = event { ends.append(status) }
        }
        XCTAssertEqual(ends, [.succeeded])
        await heady.shutdown()
    }

    func testARunIsFollowedToItsEndAndFromWhereSomebodyStood() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        let pipeline = heady.pipeline()
        try pipeline.handle("quick") { _, _ in nil }
        let run = try await pipeline.start(options: one(#""quick""#))
        var steps: [RunStep] = []
        for try await step in pipeline.steps(FollowRun(id: run.runId)) { steps.append(step) }
        XCTAssertEqual(steps.map(\.kind), [.task, .stage, .run])
        XCTAssertEqual(steps.last?.runStatus, .succeeded)
        var later: [RunStep] = []
        let options = FollowRun(id: run.runId, after: steps[0].position)
        for try await step in pipeline.steps(options) { later.append(step) }
        XCTAssertEqual(later, Array(steps.dropFirst()))
        await heady.shutdown()
    }

    func testTheChangesOfTheRegistryEndWithTheirTaskOrTheEngine() async throws {
        let heady = try await Heady.connect(url: "sqlite::memory:")
        let registry = heady.registry()
        for id in ["a", "b"] { _ = try await registry.putNode(options: PutNode(id: id)) }
        var seen: [String?] = []
        for try await change in registry.changes(WatchOptions(since: 0)) {
            seen.append(change.id)
            if seen.count == 2 { break }
        }
        XCTAssertEqual(seen, ["a", "b"])
        let (isReading, read) = AsyncStream<Void>.makeStream()
        let reading = Task {
            var count = 0
            for try await _ in registry.changes(WatchOptions(since: 1)) {
                count += 1
                read.yield()
            }
            return count
        }
        for await _ in isReading { break }
        reading.cancel()
        let count = try await reading.value
        XCTAssertEqual(count, 1)
        do {
            for try await _ in registry.changes(WatchOptions(since: 99)) {}
            XCTFail("there is no such revision yet")
        } catch let error as HeadyError {
            XCTAssertEqual(error.code, "FAILED_PRECONDITION")
            let details = try XCTUnwrap(error.details)
            let facts = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(details.utf8)) as? Object)
            XCTAssertEqual(facts["newest"] as? Int, 2)
        }
        await heady.shutdown()
    }
}
