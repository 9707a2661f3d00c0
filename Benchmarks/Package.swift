// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
]

let rooms = [
    "GraftAdapters", "GraftData", "GraftLayers", "GraftModels", "GraftText", "GraftTorch",
    "GraftTraining",
]

let package = Package(
    name: "graft-benchmarks",
    dependencies: [.package(name: "graft", path: "..")],
    targets: [
        .target(name: "CMark"),
        .executableTarget(
            name: "benchmarks",
            dependencies: ["CMark"] + rooms.map { .product(name: $0, package: "graft") },
            swiftSettings: settings,
            // valgrind 3.19 gives up on what the compiler writes for debuggers.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--strip-debug"])]
        ),
    ]
)
