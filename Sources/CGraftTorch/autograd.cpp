// Gradients and the optimizer's step.

#include <ATen/Parallel.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "internal.h"

using namespace graft;

namespace {

void gradients(const at::Tensor &output, const at::Tensor &seed, const gt_tensor *inputs, int32_t count,
               gt_tensor *outs) {
  const auto wanted = unwrap(inputs, count);
  std::vector<at::Tensor> seeds;
  if (seed.defined()) seeds.push_back(seed);
  auto results = torch::autograd::grad({output}, wanted, seeds, std::nullopt, false, /*allow_unused=*/true);
  for (int32_t i = 0; i < count; ++i) {
    auto &gradient = results[static_cast<size_t>(i)];
    outs[i] = own(gradient.defined() ? gradient : at::zeros_like(wanted[static_cast<size_t>(i)]));
  }
}

float *floats(gt_tensor handle, int64_t count) {
  const auto &tensor = unwrap(handle);
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_cpu() && tensor.is_contiguous(),
              "the optimizer's buffers are contiguous float32 on the CPU");
  TORCH_CHECK(tensor.numel() == count, "the optimizer's buffers differ in size");
  return tensor.data_ptr<float>();
}

}  // namespace

gt_status gt_grad(gt_tensor loss, const gt_tensor *inputs, int32_t count, gt_tensor *outs) {
  return guarded([&] { gradients(unwrap(loss), {}, inputs, count, outs); });
}

gt_status gt_grad_seeded(gt_tensor output, gt_tensor seed, const gt_tensor *inputs, int32_t count, gt_tensor *outs) {
  return guarded([&] { gradients(unwrap(output), unwrap(seed), inputs, count, outs); });
}

gt_status gt_adamw_step(gt_tensor parameters, gt_tensor gradients, gt_tensor first_moment, gt_tensor second_moment,
                        const gt_adamw *settings) {
  return guarded([&] {
    const int64_t count = unwrap(parameters).numel();
    float *p = floats(parameters, count);
    const float *g = floats(gradients, count);
    float *m = floats(first_moment, count);
    float *v = floats(second_moment, count);
    // The same order of operations as torch.optim.AdamW's single-tensor path.
    const double correction1 = 1 - std::pow(settings->beta1, static_cast<double>(settings->step));
    const double correction2 = 1 - std::pow(settings->beta2, static_cast<double>(settings->step));
    const float decay = static_cast<float>(1 - settings->learning_rate * settings->weight_decay);
    const float step_size = static_cast<float>(settings->learning_rate / correction1);
    const float root = static_cast<float>(std::sqrt(correction2));
    const float beta2 = static_cast<float>(settings->beta2);
    const float rest1 = static_cast<float>(1 - settings->beta1);
    const float rest2 = static_cast<float>(1 - settings->beta2);
    const float epsilon = static_cast<float>(settings->epsilon);
    at::parallel_for(0, count, 1 << 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        m[i] += (g[i] - m[i]) * rest1;
        v[i] = v[i] * beta2 + g[i] * g[i] * rest2;
        p[i] = p[i] * decay - step_size * m[i] / (std::sqrt(v[i]) / root + epsilon);
      }
    });
  });
}
