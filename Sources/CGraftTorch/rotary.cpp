// Rotary position embeddings as one operation: pairs of a head's elements turned by an angle of the token.
//
// Turning keeps lengths, so the backward pass turns the other way and keeps nothing but the angles.

#include <ATen/Parallel.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/sub.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "internal.h"

namespace graft {
namespace {

/// Turns the first `2 * cos.size(1)` elements of each head of `x` [tokens, heads * d]: element `i` with `i + half`.
at::Tensor turned(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin, int64_t heads, float direction) {
  const auto in = x.stride(1) == 1 ? x : x.contiguous();
  auto out = at::empty(x.sizes(), x.options());
  const int64_t tokens = x.size(0), d = x.size(1) / heads, half = cos.size(1);
  const float *cosines = cos.data_ptr<float>(), *sines = sin.data_ptr<float>();
  at::parallel_for(0, tokens, std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, x.size(1))), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const float *c = cosines + token * half, *s = sines + token * half;
      for (int64_t head = 0; head < heads; ++head) {
        const float *from = in.data_ptr<float>() + token * in.stride(0) + head * d;
        float *to = out.data_ptr<float>() + token * x.size(1) + head * d;
        for (int64_t i = 0; i < half; ++i) {
          const float sine = direction * s[i];
          to[i] = from[i] * c[i] - from[i + half] * sine;
          to[i + half] = from[i + half] * c[i] + from[i] * sine;
        }
        std::copy(from + 2 * half, from + d, to + 2 * half);
      }
    }
  });
  return out;
}

struct Rotary : torch::autograd::Function<Rotary> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &cos,
                            const at::Tensor &sin, int64_t heads) {
    context->save_for_backward({cos, sin});
    context->saved_data["heads"] = heads;
    return turned(x, cos, sin, heads, 1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto x = turned(gradients[0], saved[0], saved[1], context->saved_data["heads"].toInt(), -1);
    return {x, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/// The same out of libtorch's operations, for other devices and element types.
at::Tensor composed(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin, int64_t heads) {
  const int64_t d = x.size(1) / heads, half = cos.size(1);
  const auto by_head = x.view({x.size(0), heads, d});
  const auto a = by_head.narrow(2, 0, half), b = by_head.narrow(2, half, half);
  const auto c = cos.unsqueeze(1).to(x.scalar_type()), s = sin.unsqueeze(1).to(x.scalar_type());
  const auto rest = by_head.narrow(2, 2 * half, d - 2 * half);
  return at::cat({at::sub(at::mul(a, c), at::mul(b, s)), at::add(at::mul(b, c), at::mul(a, s)), rest}, 2)
      .view(x.sizes());
}

}  // namespace
}  // namespace graft

using namespace graft;

gt_status gt_rotary(gt_tensor input, gt_tensor cosines, gt_tensor sines, int64_t heads, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    const auto &cos = unwrap(cosines);
    const auto &sin = unwrap(sines);
    TORCH_CHECK(x.dim() == 2 && heads > 0 && x.size(1) % heads == 0, "a width of ", x.sizes(), " does not divide into ",
                heads, " heads");
    TORCH_CHECK(cos.dim() == 2 && cos.sizes() == sin.sizes() && cos.size(0) == x.size(0) &&
                    2 * cos.size(1) <= x.size(1) / heads,
                "angles must be [", x.size(0), ", at most ", x.size(1) / heads / 2, "], found ", cos.sizes());
    const bool ours = x.is_cpu() && x.scalar_type() == at::kFloat && cos.scalar_type() == at::kFloat;
    *out = own(ours ? Rotary::apply(x, cos.contiguous(), sin.contiguous(), heads) : composed(x, cos, sin, heads));
  });
}
