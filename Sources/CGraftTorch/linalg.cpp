// Linear algebra beyond products.

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_householder_product.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>

#include <mutex>

#include "internal.h"

using namespace graft;

namespace {

/// libtorch loads its linear algebra for CUDA at the first use, and fails if two threads are the first.
void load_library_of(const at::Tensor &x) {
  if (x.is_cpu()) return;
  static std::once_flag once;
  std::call_once(once, [&] {
    const auto one = at::eye(1, x.options());
    at::linalg_householder_product(one, one.diagonal());
  });
}

}  // namespace

gt_status gt_svd(gt_tensor a, gt_tensor *u, gt_tensor *s, gt_tensor *vh) {
  return guarded([&] {
    load_library_of(unwrap(a));
    auto [left, values, right] = at::linalg_svd(unwrap(a), /*full_matrices=*/false);
    *u = own(std::move(left));
    *s = own(std::move(values));
    *vh = own(std::move(right));
  });
}

gt_status gt_householder_rows(gt_tensor a, gt_tensor *out) {
  return guarded([&] {
    load_library_of(unwrap(a));
    const auto columns = unwrap(a).mT();
    const auto reflectors = columns.tril(-1);
    const auto factors = reflectors.mul(reflectors).sum(-2).add(1).reciprocal().mul(2);
    const auto diagonal = columns.detach().diagonal();
    const auto ones = at::ones_like(diagonal);
    const auto signs = at::where(diagonal.lt(0), ones.neg(), ones);
    *out = own(at::linalg_householder_product(reflectors, factors).mul(signs).mT());
  });
}
