// GELU as one autograd node that keeps its slope: the error function is computed once, in the forward pass.

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "internal.h"
#include "kernels.h"

namespace graft {
namespace {

struct Gelu : torch::autograd::Function<Gelu> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, bool keeps_slopes) {
    const auto input = x.contiguous();
    auto values = at::empty_like(input);
    const auto slopes = keeps_slopes ? at::empty_like(input) : at::Tensor();
    at::parallel_for(0, input.numel(), 1 << 15, [&](int64_t begin, int64_t end) {
      kernels().gelu(input.data_ptr<float>() + begin, values.data_ptr<float>() + begin,
                     slopes.defined() ? slopes.data_ptr<float>() + begin : nullptr, end - begin);
    });
    context->save_for_backward({slopes});
    return values;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    // The slopes are needed once; their memory, which lies near the core, holds the result.
    return {context->get_saved_variables()[0].mul_(gradients[0]), at::Tensor()};
  }
};

}  // namespace
}  // namespace graft

using namespace graft;

gt_status gt_gelu(gt_tensor input, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    const bool is_ours = x.is_cpu() && x.scalar_type() == at::kFloat;
    *out = own(is_ours ? Gelu::apply(x, x.requires_grad() && c10::GradMode::is_enabled()) : at::gelu(x));
  });
}
