/// The masks of dropout out of libtorch's operations, where they are needed: on other devices than the CPU.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <vector>

#include "hash.h"

namespace graft {

/// What the elements of each stream are multiplied with, 0 or `1 / (1 - probability)`: [streams, columns] like `x`.
inline at::Tensor hashed_mask(const std::vector<int64_t> &streams, int64_t columns, double probability,
                              const at::Tensor &x) {
  // The 32 bits of `mix32` in elements of 64, of which the upper half is cut off again after each product.
  constexpr int64_t bits = 0xffffffff;
  const auto steps = at::arange(columns, x.options().dtype(at::kLong)).mul(static_cast<int64_t>(column_stride));
  auto hash = at::tensor(streams, at::kLong).to(x.device()).unsqueeze(1).add(steps).bitwise_and_(bits);
  const auto fold = [&](int64_t shift) { hash.bitwise_xor_(hash.bitwise_right_shift(shift)); };
  fold(16);
  hash.mul_(0x7feb352d).bitwise_and_(bits);
  fold(15);
  hash.mul_(0x846ca68b).bitwise_and_(bits);
  fold(16);
  const auto scale = static_cast<float>(1 / (1 - probability));
  return hash.ge(static_cast<int64_t>(drop_threshold(probability))).to(x.scalar_type()).mul_(scale);
}

}  // namespace graft
