// swift-tools-version: 6.2
import PackageDescription

// `make setup` writes `.libtorch/libtorch.pc` here; a package that depends on Graft installs a
// `libtorch.pc` on its own pkg-config path. (Not a test for the file: SwiftPM caches what a
// manifest evaluates to.)
let isDependency = Context.packageDirectory.contains("/checkouts/")
let libtorch = isDependency ? "libtorch" : Context.packageDirectory + "/.libtorch/libtorch.pc"

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
]

/// A room of the architecture: a library target, its product and, where there is one, its tests.
struct Room {
    let name: String
    var dependencies: [Target.Dependency] = []
    /// Folders of the test target that are no code.
    var fixtures: [String] = []

    var library: Target {
        .target(name: name, dependencies: dependencies, swiftSettings: settings)
    }

    // Tests reach into other rooms, so that a suite depends on all of them.
    var tests: Target {
        .testTarget(
            name: name + "Tests",
            dependencies: rooms.map { .byName(name: $0.name) } + ["GraftTestSupport"],
            exclude: fixtures,
            swiftSettings: settings
        )
    }
}

// The arrows of docs/architecture.md: a room imports only rooms above it.
let rooms: [Room] = [
    Room(name: "GraftTorch", dependencies: ["CGraftTorch"]),
    Room(name: "GraftLayers", dependencies: ["GraftTorch"]),
    Room(name: "GraftModels", dependencies: ["GraftLayers"]),
    Room(name: "GraftAdapters", dependencies: ["GraftLayers"]),
    Room(name: "GraftText", fixtures: ["Fixtures"]),
    Room(name: "GraftData", dependencies: ["CZlib"]),
    Room(name: "GraftVision", dependencies: ["CGraftVision", "GraftData"]),
    Room(
        name: "GraftFormats",
        dependencies: [
            "GraftAdapters", "GraftModels", .product(name: "Crypto", package: "swift-crypto"),
        ],
        fixtures: ["Fixtures"]
    ),
    Room(
        name: "GraftTraining",
        dependencies: [
            "GraftAdapters", "GraftData", "GraftFormats", "GraftModels", "GraftText",
            "GraftVision",
        ]
    ),
]

let package = Package(
    name: "graft",
    products: rooms.map { .library(name: $0.name, targets: [$0.name]) }
        + [.executable(name: "graft", targets: ["graft"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibTorch", pkgConfig: libtorch),
        .systemLibrary(
            name: "CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]
        ),
        .systemLibrary(
            name: "CLibJPEG",
            pkgConfig: "libjpeg",
            providers: [.apt(["libjpeg-dev"])]
        ),
        .systemLibrary(
            name: "CLibPNG",
            pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"])]
        ),
        .systemLibrary(
            name: "CLibWebP",
            pkgConfig: "libwebpdemux",
            providers: [.apt(["libwebp-dev"])]
        ),
        .target(name: "CGraftTorch", dependencies: ["CLibTorch"]),
        .target(name: "CGraftVision", dependencies: ["CLibJPEG", "CLibPNG", "CLibWebP"]),
    ]
        + rooms.map(\.library) + rooms.map(\.tests)
        + [
            .executableTarget(
                name: "graft",
                dependencies: rooms.map { .byName(name: $0.name) } + [
                    "Yams",
                    .product(name: "ArgumentParser", package: "swift-argument-parser"),
                    .product(name: "Logging", package: "swift-log"),
                ],
                swiftSettings: settings
            ),
            .target(
                name: "GraftTestSupport",
                dependencies: rooms.map { .byName(name: $0.name) },
                path: "Tests/GraftTestSupport",
                swiftSettings: settings
            ),
            // Runs the built command as a process.
            .testTarget(
                name: "graftTests",
                dependencies: ["GraftTestSupport"],
                exclude: ["Snapshots"],
                swiftSettings: settings
            ),
        ],
    cxxLanguageStandard: .cxx20
)
