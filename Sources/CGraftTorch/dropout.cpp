// Dropout whose mask is a hash, computed again in the backward pass instead of stored.

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "internal.h"
#include "kernels.h"
#include "plain.h"

namespace graft {
namespace {

/// `out = in * mask / (1 - p)` over rows of `width` elements.
void apply_mask(const float *in, float *out, const int64_t *keys, int64_t rows, int64_t width, double probability,
                uint64_t seed, bool whole_rows) {
  const uint32_t threshold = drop_threshold(probability);
  const float scale = kept_scale(probability);
  at::parallel_for(0, rows, std::max<int64_t>(1, 32768 / std::max<int64_t>(width, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const uint32_t stream = stream_of(seed, static_cast<uint64_t>(keys[row]));
      const uint32_t stride = whole_rows ? 0 : column_stride;
      kernels().mask(in + row * width, out + row * width, width, stream, stride, threshold, scale);
    }
  });
}

/// The masked and scaled copy of `x` [rows, width].
at::Tensor masked(const at::Tensor &x, const at::Tensor &keys, double probability, uint64_t seed, bool whole_rows) {
  const int64_t rows = x.size(0);
  const int64_t width = rows == 0 ? 0 : x.numel() / rows;
  const auto input = x.contiguous();
  auto result = at::empty_like(input);
  if (is_float_on_cpu(x)) {
    apply_mask(input.data_ptr<float>(), result.data_ptr<float>(), keys.data_ptr<int64_t>(), rows, width, probability,
               seed, whole_rows);
    return result;
  }
  run(MaskElements{.in = input.const_data_ptr(),
                   .out = result.data_ptr(),
                   .keys = keys.data_ptr<int64_t>(),
                   .width = width,
                   .seed = seed,
                   .threshold = drop_threshold(probability),
                   .scale = kept_scale(probability),
                   .whole_rows = whole_rows},
      result, result.numel());
  return result;
}

/// Keys where the data lie, moved once for all that a pass drops.
at::Tensor keys_beside(const at::Tensor &keys, const at::Tensor &data) {
  if (data.is_cpu()) return keys;
  static thread_local struct { at::Tensor host, device; } last;
  if (!keys.is_same(last.host) || last.device.device() != data.device()) {
    last = {keys, keys.to(at::TensorOptions(data.device()), /*non_blocking=*/true)};
  }
  return last.device;
}

struct Dropout : torch::autograd::Function<Dropout> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, const at::Tensor &keys,
                            double probability, int64_t seed, bool whole_rows) {
    context->save_for_backward({keys});
    context->saved_data["probability"] = probability;
    context->saved_data["seed"] = seed;
    context->saved_data["whole_rows"] = whole_rows;
    return masked(x, keys, probability, static_cast<uint64_t>(seed), whole_rows);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto keys = context->get_saved_variables()[0];
    auto gradient = masked(gradients[0], keys, context->saved_data["probability"].toDouble(),
                           static_cast<uint64_t>(context->saved_data["seed"].toInt()),
                           context->saved_data["whole_rows"].toBool());
    return {std::move(gradient), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace
}  // namespace graft

using namespace graft;

gt_status gt_dropout(gt_tensor input, double probability, uint64_t seed, gt_tensor keys, bool whole_rows,
                     gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    const auto &names = unwrap(keys);
    TORCH_CHECK(probability >= 0 && probability < 1, "a dropout probability lies in [0, 1), found ", probability);
    TORCH_CHECK(x.dim() >= 1 && names.dim() == 1 && names.size(0) == x.size(0) && names.scalar_type() == at::kLong &&
                    names.is_cpu(),
                "dropout needs one int64 key on the CPU for each of the input's ", x.dim() == 0 ? 0 : x.size(0),
                " rows");
    *out = own(Dropout::apply(x, keys_beside(names.contiguous(), x), probability, static_cast<int64_t>(seed), whole_rows));
  });
}
