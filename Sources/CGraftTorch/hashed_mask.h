/// The masks of dropout out of libtorch's operations: for other devices and element types.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <vector>

#include "hash.h"

namespace graft {

/// Words of 32 bits in elements of 64, for `mix32`: the upper half is cut off again after each product.
struct TensorWords {
  at::Tensor bits;

  at::Tensor operator>>(int64_t count) const { return bits.bitwise_right_shift(count); }
  void operator^=(const at::Tensor &other) { bits.bitwise_xor_(other); }
  void operator*=(uint32_t factor) { bits.mul_(static_cast<int64_t>(factor)).bitwise_and_(0xffffffff); }
};

/// Numbers of the host on a device, whose earlier work the copy need not wait for.
inline at::Tensor moved(const std::vector<int64_t> &values, c10::Device where) {
  return at::tensor(values, at::kLong).to(at::TensorOptions(where), /*non_blocking=*/true);
}

/// What the elements of each stream are multiplied with, 0 or `1 / (1 - probability)`: [streams, columns] like `x`.
inline at::Tensor hashed_mask(const std::vector<int64_t> &streams, int64_t columns, double probability,
                              const at::Tensor &x) {
  const auto steps = at::arange(columns, x.options().dtype(at::kLong)).mul(static_cast<int64_t>(column_stride));
  TensorWords hash{moved(streams, x.device()).unsqueeze(1).add(steps).bitwise_and_(0xffffffff)};
  mix32(hash);
  const auto scale = static_cast<float>(1 / (1 - probability));
  return hash.bits.ge(static_cast<int64_t>(drop_threshold(probability))).to(x.scalar_type()).mul_(scale);
}

}  // namespace graft
