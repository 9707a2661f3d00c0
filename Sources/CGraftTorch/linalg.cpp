// Linear algebra beyond products.

#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/sqrt.h>

#include "internal.h"

using namespace graft;

gt_status gt_sqrt(gt_tensor a, gt_tensor *out) {
  return guarded([&] { *out = own(at::sqrt(unwrap(a))); });
}

gt_status gt_svd(gt_tensor a, gt_tensor *u, gt_tensor *s, gt_tensor *vh) {
  return guarded([&] {
    auto [left, values, right] = at::linalg_svd(unwrap(a), /*full_matrices=*/false);
    *u = own(std::move(left));
    *s = own(std::move(values));
    *vh = own(std::move(right));
  });
}
