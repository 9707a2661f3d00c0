// Linear maps, `y = x W^T + b`: one autograd node that keeps only what its gradients need.
//
// A frozen weight asks for no gradient, so the input is not kept; the bias is where the sums start, not a pass of its
// own. A weight may be the transpose of how it is stored. For other types and devices this is libtorch's linear.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sum.h>
#include <sys/mman.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <new>

#include "internal.h"
#include "kernels.h"

namespace graft {
namespace {

/// Multiplies on the threads that libtorch may use, in parts that do not change any sum.
void multiply(const Product &whole) {
  const int64_t panel = kernels().panel;
  const int64_t panels = (whole.columns + panel - 1) / panel;
  at::parallel_for(0, panels, grain_of(whole.rows * whole.depth * panel), [&](int64_t begin, int64_t end) {
    const int64_t first = begin * panel;
    Product part = whole;
    part.columns = std::min(end * panel, whole.columns) - first;
    part.b += first * (whole.b_is_transposed ? whole.b_stride : 1);
    part.c += first;
    part.packed_first = first;
    if (part.bias != nullptr) part.bias += first;
    kernels().multiply(part);
  });
}

bool has_dense_lines(const at::Tensor &matrix) { return matrix.stride(1) == 1 || matrix.stride(0) == 1; }

/// Whether a weight [out, in] is stored as [in, out].
bool is_transposed(const at::Tensor &weight) { return weight.stride(1) != 1; }

/// The second operand of `x W^T`, or of `g W`: the columns, the depth and where they lie.
Product by_weight(const at::Tensor &weight, bool transposed) {
  Product p{};
  p.columns = weight.size(transposed ? 0 : 1);
  p.depth = weight.size(transposed ? 1 : 0);
  p.b = weight.data_ptr<float>();
  p.b_stride = weight.stride(is_transposed(weight) ? 1 : 0);
  p.b_is_transposed = transposed != is_transposed(weight);
  p.packed_columns = p.columns;
  return p;
}

int64_t packed_count(const Product &p) {
  return p.depth * ((p.columns + kernels().panel - 1) / kernels().panel * kernels().panel);
}

/// `rows` times the weight, from its panels if there are any: [n, out] or [n, in]
at::Tensor product(const at::Tensor &rows, const at::Tensor &weight, bool transposed, const at::Tensor &bias,
                   const at::Tensor &panels) {
  Product p = by_weight(weight, transposed);
  auto result = at::empty({rows.size(0), p.columns}, rows.options());
  p.rows = rows.size(0);
  p.a = rows.data_ptr<float>();
  p.a_row = rows.stride(0);
  p.a_step = 1;
  p.c = result.data_ptr<float>();
  p.c_stride = result.stride(0);
  if (bias.defined()) p.bias = bias.data_ptr<float>();
  if (panels.defined()) p.panels = panels.data_ptr<float>();
  multiply(p);
  return result;
}

/// g^T x: [n, out], [n, in] -> [out, in]
at::Tensor weight_gradient(const at::Tensor &g, const at::Tensor &x) {
  auto w = at::empty({g.size(1), x.size(1)}, g.options());
  multiply({.rows = g.size(1),
            .columns = x.size(1),
            .depth = g.size(0),
            .a = g.data_ptr<float>(),
            .a_row = 1,
            .a_step = g.stride(0),
            .b = x.data_ptr<float>(),
            .b_stride = x.stride(0),
            .c = w.data_ptr<float>(),
            .c_stride = w.stride(0)});
  return w;
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const std::optional<at::Tensor> &bias, const std::optional<at::Tensor> &panels,
                            const std::optional<at::Tensor> &gradient_panels) {
    const auto rows = as_rows(x);
    context->save_for_backward(
        {weight.requires_grad() ? rows : at::Tensor(), weight, gradient_panels.value_or(at::Tensor())});
    context->saved_data["shape"] = x.sizes().vec();
    context->saved_data["has_bias"] = bias && bias->requires_grad();
    auto shape = x.sizes().vec();
    shape.back() = weight.size(0);
    return product(rows, weight, true, bias.value_or(at::Tensor()), panels.value_or(at::Tensor())).view(shape);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto g = as_rows(gradients[0]);
    at::Tensor x, weight, bias;
    if (context->needs_input_grad(0)) {
      x = product(g, saved[1], false, at::Tensor(), saved[2]).view(context->saved_data["shape"].toIntVector());
    }
    if (context->needs_input_grad(1)) weight = weight_gradient(g, saved[0]);
    if (context->saved_data["has_bias"].toBool()) bias = g.sum(0);
    return {x, weight, bias, at::Tensor(), at::Tensor()};
  }
};

bool is_ours(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  return has_fast_product() && is_float_on_cpu(x) && is_float_on_cpu(weight) &&
         (!bias.defined() || is_float_on_cpu(bias)) && x.dim() >= 1 &&
         weight.dim() == 2 && has_dense_lines(weight) && x.size(-1) == weight.size(1) && weight.size(1) > 0 &&
         (!bias.defined() || (bias.dim() == 1 && bias.size(0) == weight.size(0) && bias.stride(0) == 1));
}

}  // namespace
}  // namespace graft

using namespace graft;

bool gt_products_keep_rows(void) { return has_fast_product(); }

gt_status gt_linear(gt_tensor input, gt_tensor weight, gt_tensor bias, gt_tensor panels, gt_tensor gradient_panels,
                    gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    const auto &w = unwrap(weight);
    const auto &b = unwrap(bias);
    // Operands that do not fit together get libtorch's message.
    *out = own(is_ours(x, w, b)
                   ? Linear::apply(x, w, optional(b), optional(unwrap(panels)), optional(unwrap(gradient_panels)))
                   : at::linear(x, w, optional(b)));
  });
}

gt_status gt_pack_weight(gt_tensor weight, bool for_gradient, gt_tensor *out) {
  return guarded([&] {
    const auto &w = unwrap(weight);
    TORCH_CHECK(w.dim() == 2 && w.is_cpu() && w.scalar_type() == at::kFloat && has_dense_lines(w),
                "only a float32 matrix on the CPU whose rows or columns lie together is packed");
    const Product p = by_weight(w, !for_gradient);
    // Not the tensors' allocator: it rounds sizes up, which suits what lives shortly.
    const auto count = packed_count(p);
    const auto bytes = static_cast<size_t>(count) * sizeof(float);
    void *memory = mmap(nullptr, std::max<size_t>(bytes, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    auto panels = at::from_blob(
        memory, {count}, [bytes](void *start) { munmap(start, std::max<size_t>(bytes, 1)); }, w.options());
    kernels().pack(p, panels.data_ptr<float>());
    *out = own(std::move(panels));
  });
}
