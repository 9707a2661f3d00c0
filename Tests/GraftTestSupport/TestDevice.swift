internal import Foundation
package import GraftLayers
package import GraftTorch
internal import GraftTraining

/// Where fixtures, reference models and tiny models live: `GRAFT_TEST_DEVICE`, such as `cuda`, or the CPU.
///
/// The parity suites hold on every device; so do the contract's.
package let testDevice: Device = {
    guard let name = ProcessInfo.processInfo.environment["GRAFT_TEST_DEVICE"] else { return .cpu }
    guard let device = Device(name), device == .cpu || Device.isCUDAAvailable else {
        fatalError("GRAFT_TEST_DEVICE=\(name) is no device of this machine")
    }
    return device
}()

/// How far float32 may be from a reference of the CPU: sums of other devices go another way.
package let parityTolerance = testDevice == .cpu ? 1e-5 : 2e-5

extension Generator {
    /// Normal numbers on the ``testDevice``.
    package func noise(_ shape: [Int], deviation: Double = 1) throws(TorchError) -> Tensor {
        try normal(shape, deviation: deviation).moved(to: testDevice)
    }
}

/// Fresh parameters on the ``testDevice``.
package func freshParameters(seed: UInt64) -> some ParameterSource {
    ParametersOnDevice(FreshParameters(seed: seed), device: testDevice)
}
