// swift-tools-version:5.9
import PackageDescription

// Runs, after `make swift`, with
//   swift run -Xlinker -L../../../target/debug -Xlinker -rpath -Xlinker ../../../target/debug
let package = Package(
    name: "nightly",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "../../../heady-mobile/swift")],
    targets: [.executableTarget(name: "Nightly", dependencies: [.product(name: "Heady", package: "swift")])]
)
