// swift-tools-version:5.9
import PackageDescription

// `make swift` writes Sources/Heady/Generated and the headers of HeadyFFI. The linker finds the library with
// -Xlinker -L<folder>; see run-tests.
let package = Package(
    name: "heady",
    platforms: [.macOS(.v12), .iOS(.v15)],
    products: [.library(name: "Heady", targets: ["Heady"])],
    targets: [
        .systemLibrary(name: "HeadyFFI"),
        .target(name: "Heady", dependencies: ["HeadyFFI"], linkerSettings: [.linkedLibrary("heady_mobile")]),
        .testTarget(name: "HeadyTests", dependencies: ["Heady"]),
    ]
)
