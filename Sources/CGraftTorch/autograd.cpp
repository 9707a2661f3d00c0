// Gradients and the optimizer's step.

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

/// A range of one of the optimizer's buffers.
at::Tensor range_of(gt_tensor handle, const gt_adamw &settings) {
  const auto &tensor = unwrap(handle);
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.dim() == 1 && tensor.is_contiguous(),
              "the optimizer's buffers are flat float32");
  return tensor.detach().narrow(0, settings.first, settings.count);
}

/// The same step in one pass over memory.
void step_on_cpu(float *p, const float *g, float *m, float *v, const gt_adamw &settings, float decay, float step_size,
                 float root) {
  const float beta2 = static_cast<float>(settings.beta2);
  const float rest1 = static_cast<float>(1 - settings.beta1);
  const float rest2 = static_cast<float>(1 - settings.beta2);
  const float epsilon = static_cast<float>(settings.epsilon);
  for (int64_t i = 0; i < settings.count; ++i) {
    m[i] += (g[i] - m[i]) * rest1;
    v[i] = v[i] * beta2 + g[i] * g[i] * rest2;
    p[i] = p[i] * decay - step_size * m[i] / (std::sqrt(v[i]) / root + epsilon);
  }
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
    auto p = range_of(parameters, *settings);
    const auto g = range_of(gradients, *settings);
    auto m = range_of(first_moment, *settings);
    auto v = range_of(second_moment, *settings);
    TORCH_CHECK(g.device() == p.device() && m.device() == p.device() && v.device() == p.device(),
                "the optimizer's buffers must be on one device");
    // The same order of operations as torch.optim.AdamW's single-tensor path.
    const double correction1 = 1 - std::pow(settings->beta1, static_cast<double>(settings->step));
    const double correction2 = 1 - std::pow(settings->beta2, static_cast<double>(settings->step));
    // float32 as on the CPU: an infinite factor gives a loss that is not finite, not libtorch's overflow error.
    const auto decay = static_cast<float>(1 - settings->learning_rate * settings->weight_decay);
    const auto step_size = static_cast<float>(settings->learning_rate / correction1);
    const auto root = static_cast<float>(std::sqrt(correction2));
    if (!p.is_cpu()) {
      m.lerp_(g, 1 - settings->beta1);
      v.mul_(settings->beta2).addcmul_(g, g, 1 - settings->beta2);
      p.mul_(decay).addcdiv_(m, v.sqrt().div_(root).add_(settings->epsilon), -step_size);
      return;
    }
    step_on_cpu(p.data_ptr<float>(), g.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(), *settings,
                decay, step_size, root);
  });
}
