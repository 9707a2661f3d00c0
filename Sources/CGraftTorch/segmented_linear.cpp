// Linear maps of one shape over consecutive stretches of rows, each with a weight of its own: a mixed batch in one
// autograd node instead of one for every adapter.
//
// Every stretch is the product that it would be alone, with the same bits.

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sum.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "internal.h"
#include "kernels.h"

namespace graft {
namespace {

using Tensors = std::vector<at::Tensor>;

/// Runs `body(segment)` for all of them, on the threads that libtorch may use.
template <typename Body> void for_each_segment(size_t count, int64_t work_of_all, const Body &body) {
  const auto segments = static_cast<int64_t>(count);
  at::parallel_for(0, segments, grain_of(work_of_all / std::max<int64_t>(1, segments)), [&](int64_t begin, int64_t end) {
    for (int64_t segment = begin; segment < end; ++segment) body(static_cast<size_t>(segment));
  });
}

/// Where rows `offset ...` of a matrix lie.
float *rows_from(const at::Tensor &x, int64_t offset) { return x.data_ptr<float>() + offset * x.stride(0); }

struct SegmentedLinear : torch::autograd::Function<SegmentedLinear> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, at::TensorList weights,
                            at::TensorList biases, std::vector<int64_t> offsets) {
    const auto x = as_rows(input);
    const int64_t depth = x.size(1), width = weights[0].size(0);
    auto y = at::empty({x.size(0), width}, x.options());
    for_each_segment(weights.size(), x.size(0) * depth * width, [&](size_t i) {
      kernels().multiply({.rows = offsets[i + 1] - offsets[i],
                          .columns = width,
                          .depth = depth,
                          .a = rows_from(x, offsets[i]),
                          .a_row = x.stride(0),
                          .a_step = 1,
                          .b = weights[i].data_ptr<float>(),
                          .b_stride = weights[i].stride(0),
                          .b_is_transposed = true,
                          .c = rows_from(y, offsets[i]),
                          .c_stride = width,
                          .bias = biases.empty() ? nullptr : biases[i].data_ptr<float>()});
    });
    const auto is_trained = [](const at::Tensor &t) { return t.requires_grad(); };
    Tensors saved{std::any_of(weights.begin(), weights.end(), is_trained) ? x : at::Tensor()};
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(saved);
    context->saved_data["offsets"] = std::move(offsets);
    context->saved_data["biases"] = static_cast<int64_t>(biases.size());
    return y;
  }

  static Tensors backward(torch::autograd::AutogradContext *context, Tensors gradients) {
    const auto saved = context->get_saved_variables();
    const auto offsets = context->saved_data["offsets"].toIntVector();
    const auto bias_count = static_cast<size_t>(context->saved_data["biases"].toInt());
    const auto g = as_rows(gradients[0]);
    const auto &x = saved[0];
    const size_t count = saved.size() - 1;
    const int64_t rows = g.size(0), width = g.size(1), depth = saved[1].size(1);
    Tensors result(1 + count + bias_count + 1);
    if (context->needs_input_grad(0)) result[0] = at::empty({rows, depth}, g.options());
    for (size_t i = 0; i < count; ++i) {
      if (context->needs_input_grad(1 + i)) result[1 + i] = at::empty({width, depth}, g.options());
    }
    for_each_segment(count, rows * depth * width, [&](size_t i) {
      const int64_t height = offsets[i + 1] - offsets[i];
      const auto &weight = saved[1 + i];
      if (result[0].defined()) {
        kernels().multiply({.rows = height,
                            .columns = depth,
                            .depth = width,
                            .a = rows_from(g, offsets[i]),
                            .a_row = g.stride(0),
                            .a_step = 1,
                            .b = weight.data_ptr<float>(),
                            .b_stride = weight.stride(0),
                            .c = rows_from(result[0], offsets[i]),
                            .c_stride = depth});
      }
      if (result[1 + i].defined()) {
        kernels().multiply({.rows = width,
                            .columns = depth,
                            .depth = height,
                            .a = rows_from(g, offsets[i]),
                            .a_row = 1,
                            .a_step = g.stride(0),
                            .b = rows_from(x, offsets[i]),
                            .b_stride = x.stride(0),
                            .c = result[1 + i].data_ptr<float>(),
                            .c_stride = depth});
      }
    });
    for (size_t i = 0; i < bias_count; ++i) {
      if (!context->needs_input_grad(1 + count + i)) continue;
      result[1 + count + i] = g.narrow(0, offsets[i], offsets[i + 1] - offsets[i]).sum(0);
    }
    return result;
  }
};

bool is_ours(const at::Tensor &x, const Tensors &weights, const Tensors &biases) {
  const auto has_rows = [](const at::Tensor &t) { return is_float_on_cpu(t) && t.stride(-1) == 1; };
  return has_fast_product() && is_float_on_cpu(x) && std::all_of(weights.begin(), weights.end(), has_rows) &&
         std::all_of(biases.begin(), biases.end(), has_rows);
}

void check(const at::Tensor &x, const Tensors &weights, const Tensors &biases, const int64_t *offsets) {
  const size_t count = weights.size();
  TORCH_CHECK(count > 0, "no segments");
  TORCH_CHECK(biases.empty() || biases.size() == count, "found ", biases.size(), " biases of ", count, " segments");
  TORCH_CHECK(x.dim() == 2 && offsets[0] == 0 && offsets[count] == x.size(0), "the segments end at row ",
              offsets[count], " of an input ", x.sizes());
  for (size_t i = 0; i < count; ++i) {
    TORCH_CHECK(offsets[i] <= offsets[i + 1], "segment ", i, " ends before it starts");
    TORCH_CHECK(weights[i].dim() == 2 && weights[i].size(1) == x.size(1) && weights[i].size(1) > 0 &&
                    weights[i].sizes() == weights[0].sizes(),
                "the weight of segment ", i, " is ", weights[i].sizes(), ", an input ", x.sizes());
    TORCH_CHECK(biases.empty() || (biases[i].dim() == 1 && biases[i].size(0) == weights[i].size(0)),
                "the bias of segment ", i, " does not fit its weight ", weights[i].sizes());
  }
}

}  // namespace
}  // namespace graft

using namespace graft;

gt_status gt_segmented_linear(gt_tensor input, const gt_tensor *weights, const gt_tensor *biases, int32_t bias_count,
                              const int64_t *offsets, int32_t count, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    const auto w = unwrap(weights, count);
    const auto b = unwrap(biases, bias_count);
    check(x, w, b, offsets);
    if (is_ours(x, w, b)) {
      *out = own(SegmentedLinear::apply(x, at::TensorList(w), at::TensorList(b),
                                        std::vector<int64_t>(offsets, offsets + count + 1)));
      return;
    }
    Tensors parts;
    for (size_t i = 0; i < w.size(); ++i) {
      const auto part = x.narrow(0, offsets[i], offsets[i + 1] - offsets[i]);
      parts.push_back(at::linear(part, w[i], b.empty() ? std::nullopt : std::optional(b[i])));
    }
    *out = own(at::cat(parts));
  });
}
