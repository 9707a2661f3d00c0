// Layers and losses that are libtorch's own.

#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/rms_norm.h>

#include "internal.h"

using namespace graft;

namespace {

int64_t reduction(bool sum) { return sum ? at::Reduction::Sum : at::Reduction::Mean; }

}  // namespace

gt_status gt_layer_norm(gt_tensor input, gt_tensor weight, gt_tensor bias, double epsilon, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    *out = own(at::layer_norm(x, {x.size(-1)}, optional(unwrap(weight)), optional(unwrap(bias)), epsilon));
  });
}

gt_status gt_rms_norm(gt_tensor input, gt_tensor weight, double epsilon, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    *out = own(at::rms_norm(x, {x.size(-1)}, optional(unwrap(weight)), epsilon));
  });
}

gt_status gt_embedding(gt_tensor weight, gt_tensor indices, gt_tensor *out) {
  return guarded([&] {
    const auto &table = unwrap(weight);
    *out = own(at::embedding(table, beside(unwrap(indices), table, table.size(0))));
  });
}

gt_status gt_cross_entropy(gt_tensor logits, gt_tensor labels, gt_tensor class_weights, double smoothing, bool sum,
                           gt_tensor *out) {
  return guarded([&] {
    *out = own(at::cross_entropy_loss(unwrap(logits), unwrap(labels).to(unwrap(logits).device()), optional(unwrap(class_weights)), reduction(sum),
                                      -100, smoothing));
  });
}

gt_status gt_binary_cross_entropy(gt_tensor logits, gt_tensor labels, bool sum, gt_tensor *out) {
  return guarded([&] {
    *out = own(at::binary_cross_entropy_with_logits(unwrap(logits), unwrap(labels), {}, {}, reduction(sum)));
  });
}

gt_status gt_mse(gt_tensor predictions, gt_tensor labels, bool sum, gt_tensor *out) {
  return guarded([&] { *out = own(at::mse_loss(unwrap(predictions), unwrap(labels), reduction(sum))); });
}
