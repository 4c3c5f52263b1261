// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")

/// One row a target, lowest level first; a target imports only rows above its own (Sources/README.md).
let package = Package(
  name: "callflow",
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CLibevent", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CIntrinsics"),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),

    .target(name: "Primitives", dependencies: ["CIntrinsics"], swiftSettings: settings),
    .target(name: "Crypto", dependencies: ["COpenSSL", "Primitives"], swiftSettings: settings),
    .target(name: "Observability", dependencies: ["Primitives", logging], swiftSettings: settings),
    .target(name: "EventLoop", dependencies: ["CLibevent", "COpenSSL", "Primitives"], swiftSettings: settings),
    .target(name: "HTTPModel", dependencies: ["Primitives", httpTypes], swiftSettings: settings),
    .target(
      name: "HTTPTransport", dependencies: ["EventLoop", "HTTPModel", "Primitives", httpTypes],
      swiftSettings: settings),
    .target(name: "Auth", dependencies: ["Crypto", "HTTPModel", "Primitives", httpTypes], swiftSettings: settings),
    .target(name: "ObjectStore", dependencies: ["Observability", "Primitives"], swiftSettings: settings),
    .target(
      name: "S3", dependencies: ["ObjectStore", "HTTPModel", "Crypto", "Observability", "Primitives", httpTypes],
      swiftSettings: settings),
    .target(
      name: "EventStore", dependencies: ["ObjectStore", "CZstd", "Crypto", "Observability", "Primitives", logging],
      swiftSettings: settings),
    .target(
      name: "API",
      dependencies: [
        "HTTPModel", "Auth", "EventStore", "ObjectStore", "Observability", "Primitives", "Crypto", logging, httpTypes,
      ],
      swiftSettings: settings),
    .target(
      name: "Service",
      dependencies: [
        "API", "Auth", "Crypto", "EventLoop", "EventStore", "HTTPModel", "HTTPTransport", "ObjectStore",
        "Observability", "Primitives", "S3", logging, httpTypes, .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "callflow",
      dependencies: ["Service", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),

    .target(
      name: "TestSupport",
      dependencies: [
        "Primitives", "EventLoop", "HTTPModel", "HTTPTransport", "ObjectStore", "S3", "Observability", httpTypes,
      ],
      path: "Tests/Support", swiftSettings: settings),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives", "TestSupport"], swiftSettings: settings),
    .testTarget(name: "CryptoTests", dependencies: ["Crypto", "Primitives", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "ObservabilityTests", dependencies: ["Observability", "Primitives", "TestSupport", logging],
      swiftSettings: settings),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "HTTPTransportTests",
      dependencies: ["HTTPTransport", "HTTPModel", "EventLoop", "Primitives", "TestSupport", httpTypes],
      swiftSettings: settings),
    .testTarget(
      name: "AuthTests", dependencies: ["Auth", "Crypto", "HTTPModel", "Primitives", "TestSupport", httpTypes],
      swiftSettings: settings),
    .testTarget(
      name: "ObjectStoreTests",
      dependencies: [
        "ObjectStore", "S3", "Crypto", "HTTPModel", "HTTPTransport", "EventLoop", "Observability", "Primitives",
        "TestSupport", httpTypes,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "EventStoreTests",
      dependencies: ["EventStore", "ObjectStore", "Observability", "Primitives", "TestSupport", logging],
      swiftSettings: settings),
    .testTarget(
      name: "APITests",
      dependencies: [
        "API", "Auth", "EventStore", "HTTPModel", "ObjectStore", "Observability", "Primitives", "TestSupport", logging,
        httpTypes,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "Service", "callflow", "API", "EventLoop", "EventStore", "HTTPModel", "HTTPTransport", "ObjectStore",
        "Observability",
        "Primitives", "S3", "TestSupport", logging, httpTypes,
      ],
      swiftSettings: settings),
    .testTarget(name: "TidyTests", swiftSettings: settings),
  ]
)
