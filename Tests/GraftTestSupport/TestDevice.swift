internal import Foundation
package import GraftTorch

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
