// Linear maps, `y = x W^T + b`: one autograd node that keeps only what its gradients need.
//
// A frozen weight asks for no gradient, so the input is not kept; the bias is where the sums start, not a pass of its
// own. For other types and devices this is libtorch's linear.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sum.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "internal.h"
#include "kernels.h"

namespace graft {
namespace {

/// Multiplies on the threads that libtorch may use, in parts that do not change any sum.
void multiply(const Product &whole) {
  const int64_t panel = kernels().panel;
  const int64_t panels = (whole.columns + panel - 1) / panel;
  const int64_t work = std::max<int64_t>(1, whole.rows * whole.depth * panel);
  // Parts below this many multiplications cost more to share out than to compute.
  const int64_t grain = std::max<int64_t>(1, (1 << 20) / work);
  at::parallel_for(0, panels, grain, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * panel;
    Product part = whole;
    part.columns = std::min(end * panel, whole.columns) - first;
    part.b += first * (whole.b_is_transposed ? whole.b_stride : 1);
    part.c += first;
    if (part.bias != nullptr) part.bias += first;
    kernels().multiply(part);
  });
}

/// Rows of `width` elements, each contiguous.
at::Tensor as_rows(const at::Tensor &x) {
  auto rows = x.reshape({-1, x.size(-1)});
  return rows.stride(1) == 1 ? rows : rows.contiguous();
}

/// x W^T + b: [n, in] -> [n, out]
at::Tensor forward(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  auto y = at::empty({x.size(0), weight.size(0)}, x.options());
  multiply({x.size(0), weight.size(0), x.size(1), x.data_ptr<float>(), x.stride(0), 1, weight.data_ptr<float>(),
            weight.stride(0), true, y.data_ptr<float>(), y.stride(0), false,
            bias.defined() ? bias.data_ptr<float>() : nullptr, false});
  return y;
}

/// g W: [n, out] -> [n, in]
at::Tensor input_gradient(const at::Tensor &g, const at::Tensor &weight) {
  auto x = at::empty({g.size(0), weight.size(1)}, g.options());
  multiply({g.size(0), weight.size(1), g.size(1), g.data_ptr<float>(), g.stride(0), 1, weight.data_ptr<float>(),
            weight.stride(0), false, x.data_ptr<float>(), x.stride(0), false, nullptr, false});
  return x;
}

/// g^T x: [n, out], [n, in] -> [out, in]
at::Tensor weight_gradient(const at::Tensor &g, const at::Tensor &x) {
  auto w = at::empty({g.size(1), x.size(1)}, g.options());
  multiply({g.size(1), x.size(1), g.size(0), g.data_ptr<float>(), 1, g.stride(0), x.data_ptr<float>(), x.stride(0),
            false, w.data_ptr<float>(), w.stride(0), false, nullptr, false});
  return w;
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const std::optional<at::Tensor> &bias) {
    const auto rows = as_rows(x);
    context->save_for_backward({weight.requires_grad() ? rows : at::Tensor(), weight});
    context->saved_data["shape"] = x.sizes().vec();
    context->saved_data["has_bias"] = bias && bias->requires_grad();
    auto shape = x.sizes().vec();
    shape.back() = weight.size(0);
    return graft::forward(rows, weight, bias.value_or(at::Tensor())).view(shape);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto g = as_rows(gradients[0]);
    at::Tensor x, weight, bias;
    if (context->needs_input_grad(0)) {
      x = input_gradient(g, saved[1]).view(context->saved_data["shape"].toIntVector());
    }
    if (context->needs_input_grad(1)) weight = weight_gradient(g, saved[0]);
    if (context->saved_data["has_bias"].toBool()) bias = g.sum(0);
    return {x, weight, bias};
  }
};

bool is_ours(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  const auto fits = [](const at::Tensor &t) { return t.is_cpu() && t.scalar_type() == at::kFloat; };
  return has_fast_product() && fits(x) && fits(weight) && (!bias.defined() || fits(bias)) && x.dim() >= 1 &&
         weight.dim() == 2 && weight.stride(1) == 1 && x.size(-1) == weight.size(1) && weight.size(1) > 0 &&
         (!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0) && bias.stride(0) == 1));
}

}  // namespace
}  // namespace graft

using namespace graft;

bool gt_products_keep_rows(void) { return has_fast_product(); }

gt_status gt_linear(gt_tensor input, gt_tensor weight, gt_tensor bias, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    const auto &w = unwrap(weight);
    const auto &b = unwrap(bias);
    // Operands that do not fit together get libtorch's message.
    *out = own(is_ours(x, w, b) ? Linear::apply(x, w, optional(b)) : at::linear(x, w, optional(b)));
  });
}
