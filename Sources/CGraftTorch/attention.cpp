// Attention over ragged rows as one operation with its own backward pass.
//
// Rows lie one after another in [tokens, heads * d]; a row attends to its own keys only, so nothing is padded and
// nothing is masked. A bias is a table of distances, so that a query's part of it lies in one piece. Under autograd
// this is one node that keeps query, key, value and one float per (query, head).

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "attention.h"
#include "internal.h"
#include "kernels.h"

namespace graft {
namespace {

using Shape = AttentionShape;
using Operands = AttentionOperands;

/// Rows of one head inside a [tokens, heads * d] matrix.
struct Slice {
  float *start;
  int64_t stride;

  Slice(float *start, int64_t stride) : start(start), stride(stride) {}
  /// Nothing, of an undefined matrix.
  Slice(const at::Tensor &matrix, int64_t first_token, int64_t head, int64_t d)
      : start(matrix.defined() ? matrix.data_ptr<float>() + first_token * matrix.stride(0) + head * d : nullptr),
        stride(matrix.defined() ? matrix.stride(0) : 0) {}
  Slice from(int64_t row) const { return {start + row * stride, stride}; }
};

/// `c (+)= a b` for small matrices of one row and head.
void multiply(int64_t rows, int64_t columns, int64_t depth, Slice a, bool a_is_transposed, Slice b,
              bool b_is_transposed, Slice c, bool c_is_padded, bool accumulates) {
  kernels().multiply({.rows = rows,
                      .columns = columns,
                      .depth = depth,
                      .a = a.start,
                      .a_row = a_is_transposed ? 1 : a.stride,
                      .a_step = a_is_transposed ? a.stride : 1,
                      .b = b.start,
                      .b_stride = b.stride,
                      .b_is_transposed = b_is_transposed,
                      .c = c.start,
                      .c_stride = c.stride,
                      .c_is_padded = c_is_padded,
                      .accumulates = accumulates});
}

/// Keys that lie together: a prefix, or a row's own.
struct Stretch {
  Slice keys, values;
  int64_t count;
  /// The place of the first one in a line of scores.
  int64_t start;
};

/// The attention of one row's queries of one head, some queries at a time.
class HeadPass {
 public:
  HeadPass(const Shape &shape, const Operands &operands) : shape(shape), operands(operands) {}

  int64_t width() const { return operands.query.size(1) / shape.heads; }

  /// Selects a row, and the head of its keys.
  void select(int64_t row, int64_t key_head) {
    this->row = row;
    const int64_t prefix = operands.prefix();
    count = prefix + shape.keys(row);
    stretches.clear();
    if (prefix > 0) {
      stretches.push_back({Slice(operands.prefix_key, 0, key_head, width()),
                           Slice(operands.prefix_value, 0, key_head, width()), prefix, 0});
    }
    const int64_t first = shape.key_starts[row];
    stretches.push_back({Slice(operands.key, first, key_head, width()),
                         Slice(operands.value, first, key_head, width()), shape.keys(row), prefix});
    const int64_t panel = kernels().panel;
    const int64_t stride = prefix + (shape.keys(row) + panel - 1) / panel * panel + panel;
    weights = {(count + kernels().lanes - 1) / kernels().lanes * kernels().lanes,
               operands.bias.defined() ? 1 : static_cast<float>(shape.scale),
               drop_threshold(shape.dropout), kept_scale(shape.dropout)};
    lines.resize(static_cast<size_t>(block * stride));
    gradient_lines.resize(lines.size());
    this->stride = stride;
  }

  /// The keys of a stretch that some query before `to` sees.
  int64_t seen(const Stretch &stretch, int64_t to) const {
    return std::clamp<int64_t>(shape.visible(row, to - 1, operands.prefix()) - stretch.start, 0, stretch.count);
  }

  /// scores = q K^T, for queries `from ..< to`; of both passes the first step.
  void score(const Slice &queries, std::vector<float> &out, bool of_values, int64_t from, int64_t to) {
    for (const Stretch &stretch : stretches) {
      const Slice &keys = of_values ? stretch.values : stretch.keys;
      multiply(to - from, seen(stretch, to), width(), queries.from(from), false, keys, true,
               Slice(out.data() + stretch.start, stride), true, false);
    }
  }

  /// out = softmax(scores) V
  void forward(int64_t head, const Slice &queries, const Slice &outputs, float *log_sums) {
    for_each_block([&](int64_t from, int64_t to) {
      score(queries, lines, false, from, to);
      adjust(head, from, to);
      for (int64_t i = from; i < to; ++i) {
        log_sums[i * shape.heads] =
            kernels().attention.attend(weights, line(lines, i - from), shape.visible(row, i, operands.prefix()),
                                       shape.stream(row, head, i));
      }
      for (const Stretch &stretch : stretches) {
        multiply(to - from, width(), seen(stretch, to), Slice(lines.data() + stretch.start, stride), false, stretch.values,
                 false, outputs.from(from), false, stretch.start > 0);
      }
    });
  }

  /// The gradients of queries, and what this head adds to those of its keys and values, or where it is the first to
  /// write there, what they are; none where there is no slice.
  void backward(int64_t head, const Slice &queries, const Slice &incoming, const float *log_sums,
                const Slice &query_gradients, const std::vector<Stretch> &outgoing, bool is_first,
                float *bias_gradients) {
    for_each_block([&](int64_t from, int64_t to) {
      const bool adds = !is_first || from > 0;
      score(queries, lines, false, from, to);
      adjust(head, from, to);
      score(incoming, gradient_lines, true, from, to);
      for (int64_t i = from; i < to; ++i) {
        kernels().attention.attend_backward(weights, line(lines, i - from), line(gradient_lines, i - from),
                                            shape.visible(row, i, operands.prefix()), shape.stream(row, head, i),
                                            log_sums[i * shape.heads]);
        if (operands.bias.defined()) finish_gradients(head, i, line(gradient_lines, i - from), bias_gradients);
      }
      for (size_t s = 0; s < stretches.size(); ++s) {
        const Stretch &in = stretches[s];
        const Slice p(lines.data() + in.start, stride), g(gradient_lines.data() + in.start, stride);
        const int64_t keys = seen(in, to);
        const Stretch &out = outgoing[s];
        if (query_gradients.start != nullptr) {
          multiply(to - from, width(), keys, g, false, in.keys, false, query_gradients.from(from), false, s > 0);
        }
        if (out.keys.start != nullptr) {
          multiply(keys, width(), to - from, g, true, queries.from(from), false, out.keys, false, adds);
        }
        if (out.values.start != nullptr) {
          multiply(keys, width(), to - from, p, true, incoming.from(from), false, out.values, false, adds);
        }
      }
    });
  }

 private:
  /// Queries whose scores are held at once.
  static constexpr int64_t block = 96;

  float *line(std::vector<float> &lines, int64_t i) const { return lines.data() + i * stride; }

  /// Keys that all queries see and no bias or window concerns.
  int64_t front() const { return operands.prefix() + shape.key_fronts[row]; }

  /// Column of the bias that belongs to the first key behind them, for query `i`.
  int64_t first_column(int64_t i) const { return shape.bias_origin + shape.key_fronts[row] - shape.place(row, i); }

  /// Adds the bias to scaled scores, and hides what lies in front of a window.
  void adjust(int64_t head, int64_t from, int64_t to) {
    if (!operands.bias.defined() && shape.window == 0) return;
    const int64_t front = this->front();
    for (int64_t i = from; i < to; ++i) {
      float *scores = line(lines, i - from);
      const int64_t seen = shape.visible(row, i, operands.prefix());
      if (operands.bias.defined()) {
        const float *bias = operands.bias.data_ptr<float>() + head * operands.bias.size(1) + first_column(i);
        for (int64_t j = 0; j < seen; ++j) scores[j] *= static_cast<float>(shape.scale);
        for (int64_t j = 0; j < seen - front; ++j) scores[front + j] += bias[j];
      }
      std::fill_n(scores + front, shape.hidden(row, i), -INFINITY);
    }
  }

  /// Takes the bias's gradients from those of a query's scores, which then become those of the products.
  void finish_gradients(int64_t head, int64_t i, float *gradients, float *bias_gradients) {
    const int64_t front = this->front(), seen = shape.visible(row, i, operands.prefix());
    if (bias_gradients != nullptr) {
      float *out = bias_gradients + head * operands.bias.size(1) + first_column(i);
      for (int64_t j = 0; j < seen - front; ++j) out[j] += gradients[front + j];
    }
    for (int64_t j = 0; j < seen; ++j) gradients[j] *= static_cast<float>(shape.scale);
  }

  template <typename Body> void for_each_block(Body &&body) {
    const int64_t queries = shape.queries(row);
    for (int64_t from = 0; from < queries; from += block) body(from, std::min(from + block, queries));
  }

  const Shape &shape;
  const Operands &operands;
  std::vector<Stretch> stretches;
  Weights weights{};
  int64_t row = 0, count = 0, stride = 0;
  std::vector<float> lines, gradient_lines;
};

/// Calls `body` for every row and key head, on several threads; `keeps_head` keeps those of a head on one.
template <typename Body>
void for_each_row_and_key_head(const Shape &shape, const Operands &operands, bool keeps_head, Body &&body) {
  const int64_t rows = keeps_head ? 1 : shape.rows;
  at::parallel_for(0, rows * shape.key_heads, keeps_head ? 1 : 4, [&](int64_t begin, int64_t end) {
    HeadPass pass(shape, operands);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item / shape.key_heads, head = item % shape.key_heads;
      for (int64_t row = first; row < (keeps_head ? shape.rows : first + 1); ++row) {
        pass.select(row, head);
        body(pass, row, head);
      }
    }
  });
}

struct RaggedAttention : torch::autograd::Function<RaggedAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &query, const at::Tensor &key,
                            const at::Tensor &value, const std::optional<at::Tensor> &prefix_key,
                            const std::optional<at::Tensor> &prefix_value, const std::optional<at::Tensor> &bias,
                            const c10::intrusive_ptr<Shape> &shape) {
    const Operands operands{as_rows(query), as_rows(key), as_rows(value), as_rows(prefix_key.value_or(at::Tensor())),
                            as_rows(prefix_value.value_or(at::Tensor())),
                            bias ? bias->contiguous() : at::Tensor()};
    const int64_t group = shape->heads / shape->key_heads;
    auto output = at::empty(query.sizes(), query.options());
    auto log_sums = at::empty({query.size(0), shape->heads}, query.options());
    float *log_sum = log_sums.data_ptr<float>();
    for_each_row_and_key_head(*shape, operands, false, [&](HeadPass &pass, int64_t row, int64_t key_head) {
      const int64_t first = shape->query_offsets[row];
      for (int64_t head = key_head * group; head < (key_head + 1) * group; ++head) {
        pass.forward(head, Slice(operands.query, first, head, pass.width()), Slice(output, first, head, pass.width()),
                     log_sum + first * shape->heads + head);
      }
    });
    context->save_for_backward(
        {operands.query, operands.key, operands.value, operands.prefix_key, operands.prefix_value, operands.bias,
         log_sums});
    context->saved_data["shape"] = c10::IValue::make_capsule(shape);
    context->saved_data["trains_bias"] = bias && bias->requires_grad();
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Operands operands{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]};
    const auto shape = c10::static_intrusive_pointer_cast<Shape>(context->saved_data["shape"].toCapsule());
    const auto gradient = as_rows(gradients[0]);
    const float *log_sum = saved[6].data_ptr<float>();
    const int64_t group = shape->heads / shape->key_heads;
    const int64_t prefix = operands.prefix();

    // Where a row's first queries see all of its keys, they write gradients to which the others add.
    const bool writes = !shape->causal && shape->covers(operands.key.size(0));
    const auto blank = [&](const at::Tensor &like) {
      return writes ? at::empty(like.sizes(), like.options()) : at::zeros(like.sizes(), like.options());
    };
    at::Tensor query_gradient, key_gradient, value_gradient;
    if (context->needs_input_grad(0)) query_gradient = at::empty(operands.query.sizes(), operands.query.options());
    if (context->needs_input_grad(1)) key_gradient = blank(operands.key);
    if (context->needs_input_grad(2)) value_gradient = blank(operands.value);
    at::Tensor prefix_key_parts, prefix_value_parts;  // [rows * prefix, key heads * d], summed over rows at the end
    if (prefix > 0) {
      prefix_key_parts = at::zeros({shape->rows * prefix, operands.key.size(1)}, operands.key.options());
      prefix_value_parts = at::zeros_like(prefix_key_parts);
    }

    at::Tensor bias_gradient;
    if (context->saved_data["trains_bias"].toBool()) bias_gradient = at::zeros_like(operands.bias);
    float *bias_gradients = bias_gradient.defined() ? bias_gradient.data_ptr<float>() : nullptr;

    const bool keeps_head = bias_gradients != nullptr;
    for_each_row_and_key_head(*shape, operands, keeps_head, [&](HeadPass &pass, int64_t row, int64_t key_head) {
      const int64_t d = pass.width(), first = shape->query_offsets[row], first_key = shape->key_starts[row];
      std::vector<Stretch> outgoing;
      if (prefix > 0) {
        outgoing.push_back({Slice(prefix_key_parts, row * prefix, key_head, d),
                            Slice(prefix_value_parts, row * prefix, key_head, d), prefix, 0});
      }
      outgoing.push_back({Slice(key_gradient, first_key, key_head, d), Slice(value_gradient, first_key, key_head, d),
                          shape->keys(row), prefix});
      for (int64_t head = key_head * group; head < (key_head + 1) * group; ++head) {
        pass.backward(head, Slice(operands.query, first, head, d), Slice(gradient, first, head, d),
                      log_sum + first * shape->heads + head, Slice(query_gradient, first, head, d), outgoing,
                      writes && head == key_head * group, bias_gradients);
      }
    });

    at::Tensor prefix_key_gradient, prefix_value_gradient;
    if (prefix > 0) {
      const std::vector<int64_t> by_row{shape->rows, prefix, operands.key.size(1)};
      prefix_key_gradient = prefix_key_parts.view(by_row).sum(0);
      prefix_value_gradient = prefix_value_parts.view(by_row).sum(0);
    }
    return {query_gradient, key_gradient, value_gradient, prefix_key_gradient, prefix_value_gradient, bias_gradient,
            at::Tensor()};
  }
};

void check(const Operands &operands, const Shape &shape, bool has_gaps) {
  const auto &q = operands.query;
  TORCH_CHECK(q.dim() == 2 && operands.key.dim() == 2 && operands.value.dim() == 2, "attention takes matrices");
  TORCH_CHECK(shape.heads > 0 && shape.key_heads > 0 && shape.heads % shape.key_heads == 0 &&
                  q.size(1) % shape.heads == 0,
              "a width of ", q.size(1), " does not divide into ", shape.heads, " heads over ", shape.key_heads,
              " key heads");
  const int64_t key_width = q.size(1) / shape.heads * shape.key_heads;
  TORCH_CHECK(operands.key.size(1) == key_width && operands.value.sizes() == operands.key.sizes(),
              "keys and values must be [tokens, ", key_width, "], found ", operands.key.sizes(), " and ",
              operands.value.sizes());
  const int64_t first_key = shape.rows > 0 ? shape.key_starts.front() : 0;
  const int64_t end_of_keys = shape.rows > 0 ? shape.key_ends.back() : 0;
  TORCH_CHECK(shape.query_offsets.front() == 0 && first_key == 0 &&
                  std::is_sorted(shape.query_offsets.begin(), shape.query_offsets.end()) &&
                  std::is_sorted(shape.key_starts.begin(), shape.key_starts.end()) &&
                  std::equal(shape.key_starts.begin(), shape.key_starts.end(), shape.key_ends.begin(), std::less_equal<>()) &&
                  (shape.rows == 0 || std::equal(shape.key_starts.begin() + 1, shape.key_starts.end(),
                                                 shape.key_ends.begin(), std::greater_equal<>())),
              "the rows' offsets must rise from 0, and no row reach into the next");
  TORCH_CHECK(std::isfinite(shape.scale) && shape.scale > 0, "scores are scaled by a positive number, found ", shape.scale);
  TORCH_CHECK(shape.query_offsets.back() == q.size(0) &&
                  (has_gaps ? end_of_keys <= operands.key.size(0) : end_of_keys == operands.key.size(0)),
              "the rows' offsets end at ", shape.query_offsets.back(), " and ", end_of_keys, ", but there are ", q.size(0),
              " queries and ", operands.key.size(0), " keys");
  const auto &bias = operands.bias;
  TORCH_CHECK(!bias.defined() || (bias.dim() == 2 && bias.size(0) == shape.heads), "a bias must be [", shape.heads,
              ", distances], found ", bias.sizes());
  TORCH_CHECK(shape.window >= 0 && (shape.window == 0 || shape.causal), "a window is positive and causal, found ",
              shape.window);
  for (int64_t row = 0; row < shape.rows; ++row) {
    const int64_t queries = shape.queries(row), keys = shape.keys(row);
    TORCH_CHECK(keys >= 0 && shape.key_ends[row] <= operands.key.size(0), "row ", row, " has keys up to ",
                shape.key_ends[row], " of ", operands.key.size(0));
    if (queries == 0) continue;
    TORCH_CHECK(keys + operands.prefix() > 0, "row ", row, " has queries but no keys");
    const int64_t front = shape.key_fronts[row];
    TORCH_CHECK(front >= 0 && front <= keys, "row ", row, " has ", keys, " keys, but ", front, " in front");
    if (!shape.causal && !bias.defined()) continue;
    const int64_t first = shape.place(row, 0), last = shape.place(row, queries - 1);
    TORCH_CHECK(!shape.causal || first >= front, "row ", row, " has ", queries, " causal queries, but only ", keys - front,
                " keys");
    for (int64_t i = 1; i < queries && !shape.keys_behind.empty(); ++i) {
      TORCH_CHECK(shape.place(row, i - 1) <= shape.place(row, i), "the queries of row ", row, " must be in order");
    }
    TORCH_CHECK(last < keys, "row ", row, " has a query behind its last key");
    TORCH_CHECK(!bias.defined() ||
                    (shape.bias_origin + front - last >= 0 && shape.bias_origin - first + keys <= bias.size(1)),
                "a bias of ", bias.size(1), " distances around ", shape.bias_origin, " is too short for the ", keys,
                " keys of row ", row);
  }
  const auto &front = operands.prefix_key;
  TORCH_CHECK(front.defined() == operands.prefix_value.defined() &&
                  (!front.defined() || (front.dim() == 2 && front.size(1) == key_width &&
                                        front.sizes() == operands.prefix_value.sizes())),
              "prefix keys and values must be [length, ", key_width, "] both");
  for (const auto *other : {&operands.key, &operands.value, &operands.prefix_key, &operands.prefix_value, &operands.bias}) {
    TORCH_CHECK(!other->defined() || (other->device() == q.device() && other->scalar_type() == q.scalar_type()),
                "queries, keys and values must have one element type and device, found ", q.toString(), " and ",
                other->toString());
  }
  TORCH_CHECK(shape.dropout >= 0 && shape.dropout < 1, "a dropout probability lies in [0, 1), found ", shape.dropout);
}

}  // namespace
}  // namespace graft

using namespace graft;

gt_status gt_ragged_attention(gt_tensor query, gt_tensor key, gt_tensor value, gt_tensor prefix_key,
                              gt_tensor prefix_value, gt_tensor bias, const gt_ragged *shape, gt_tensor *out) {
  return guarded([&] {
    const Operands operands{unwrap(query),      unwrap(key),          unwrap(value),
                            unwrap(prefix_key), unwrap(prefix_value), unwrap(bias)};
    auto copied = c10::make_intrusive<Shape>(*shape);
    check(operands, *copied, shape->key_ends != nullptr);
    const bool ours = is_float_on_cpu(operands.query);
    *out = own(ours ? RaggedAttention::apply(operands.query, operands.key, operands.value,
                                             optional(operands.prefix_key), optional(operands.prefix_value),
                                             optional(operands.bias), copied)
                    : plain_attention(operands, copied));
  });
}
