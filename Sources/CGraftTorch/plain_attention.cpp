// Attention over ragged rows for other devices and element types: padded matrix products, and plain kernels around them.

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <memory>
#include <utility>

#include "attention.h"
#include "internal.h"
#include "plain.h"

namespace graft {
namespace {

using Shape = AttentionShape;
using Operands = AttentionOperands;

/// Numbers of the host on a device, whose earlier work the copy need not wait for.
template <typename Number> at::Tensor moved(const std::vector<Number> &values, c10::Device where) {
  return at::tensor(values, c10::CppTypeToScalarType<Number>::value).to(at::TensorOptions(where), /*non_blocking=*/true);
}

/// Numbers that kernels read on a device, gathered on the host and moved at once.
class Numbers {
 public:
  /// Where an array begins.
  using Place = size_t;

  template <typename Body> Place add(int64_t count, Body &&value) {
    const Place place = host.size();
    for (int64_t i = 0; i < count; ++i) host.push_back(static_cast<int32_t>(value(i)));
    return place;
  }
  void move(c10::Device where) { numbers = moved(std::exchange(host, {}), where); }
  const int32_t *operator[](Place place) const { return numbers.data_ptr<int32_t>() + place; }

 private:
  std::vector<int32_t> host;
  at::Tensor numbers;
};

/// Rows of tokens laid out with padding.
struct Side {
  int64_t longest = 0;
  Numbers::Place starts, counts;  // [rows]
  Numbers::Place rows, places;    // [tokens], of each its row and its place behind a prefix

  Side(Numbers &numbers, const int64_t *starts, const int64_t *ends, int64_t row_count, int64_t tokens, int64_t prefix) {
    std::vector<int64_t> row_of(static_cast<size_t>(tokens), -1), place_of(static_cast<size_t>(tokens));
    for (int64_t row = 0; row < row_count; ++row) {
      longest = std::max(longest, ends[row] - starts[row]);
      for (int64_t token = starts[row]; token < ends[row]; ++token) {
        row_of[static_cast<size_t>(token)] = row;
        place_of[static_cast<size_t>(token)] = prefix + token - starts[row];
      }
    }
    longest += prefix;
    this->starts = numbers.add(row_count, [&](int64_t row) { return starts[row]; });
    counts = numbers.add(row_count, [&](int64_t row) { return ends[row] - starts[row]; });
    rows = numbers.add(tokens, [&](int64_t token) { return row_of[static_cast<size_t>(token)]; });
    places = numbers.add(tokens, [&](int64_t token) { return place_of[static_cast<size_t>(token)]; });
  }
};

/// How the rows of a pass lie, which each of its blocks asks for.
struct Layout {
  Shape shape;
  c10::Device where;
  int64_t prefix, query_count, key_count;
  Numbers numbers;
  Side queries, keys;
  Numbers::Place ends, windows, places, fronts;
  at::Tensor row_keys;

  Layout(const Operands &operands, const Shape &shape)
      : shape(shape),
        where(operands.query.device()),
        prefix(operands.prefix()),
        query_count(operands.query.size(0)),
        key_count(operands.key.size(0)),
        queries(numbers, shape.query_offsets.data(), shape.query_offsets.data() + 1, shape.rows, query_count, 0),
        keys(numbers, shape.key_starts.data(), shape.key_ends.data(), shape.rows, key_count, prefix),
        row_keys(moved(shape.row_keys, where)) {
    const auto by_query = [&](auto &&value) {
      return numbers.add(shape.rows * queries.longest, [&](int64_t query) {
        const int64_t row = query / queries.longest, i = query % queries.longest;
        return i < shape.queries(row) ? value(row, i) : 0;
      });
    };
    const auto front = [&](int64_t row) { return prefix + shape.key_fronts[row]; };
    ends = by_query([&](int64_t row, int64_t i) { return shape.visible(row, i, prefix); });
    windows = by_query([&](int64_t row, int64_t i) { return front(row) + shape.hidden(row, i); });
    places = by_query([&](int64_t row, int64_t i) { return shape.place(row, i); });
    fronts = numbers.add(shape.rows, front);
    numbers.move(where);
  }

  bool is_of(const Operands &operands, const Shape &other) const {
    return where == operands.query.device() && prefix == operands.prefix() && query_count == operands.query.size(0) &&
           key_count == operands.key.size(0) && shape.lies_as(other);
  }

  /// One of the thread's last two, if it lies so too: blocks of a decoder attend to two in turn.
  static std::shared_ptr<const Layout> of(const Operands &operands, const Shape &shape) {
    static thread_local std::array<std::shared_ptr<const Layout>, 2> last;
    for (const auto &layout : last) {
      if (layout != nullptr && layout->is_of(operands, shape)) return layout;
    }
    last[1] = std::exchange(last[0], std::make_shared<const Layout>(operands, shape));
    return last[0];
  }

  /// [tokens, width of all heads] -> [rows * heads, longest, width], behind a prefix if there is one
  at::Tensor split(const Side &side, const at::Tensor &tokens, int64_t heads, const at::Tensor &prefix) const {
    const int64_t group = shape.heads / heads, width = tokens.size(1) / heads;
    auto out = at::empty({shape.rows * shape.heads, side.longest, width}, tokens.options());
    run(SplitHeads{.tokens = tokens.const_data_ptr(),
                   .prefix = prefix.defined() ? prefix.const_data_ptr() : nullptr,
                   .stride = tokens.stride(0),
                   .prefix_stride = prefix.defined() ? prefix.stride(0) : 0,
                   .prefix_count = prefix.defined() ? prefix.size(0) : 0,
                   .out = out.data_ptr(),
                   .starts = numbers[side.starts],
                   .counts = numbers[side.counts],
                   .heads = shape.heads,
                   .group = group,
                   .longest = side.longest,
                   .width = width},
        out, out.numel());
    return out;
  }

  /// The way back, of `tokens` in all.
  at::Tensor join(const Side &side, const at::Tensor &heads, int64_t key_heads, int64_t tokens) const {
    const int64_t width = heads.size(2);
    auto out = at::empty({tokens, key_heads * width}, heads.options());
    run(JoinHeads{.heads = heads.const_data_ptr(),
                  .out = out.data_ptr(),
                  .rows = numbers[side.rows],
                  .places = numbers[side.places],
                  .key_heads = key_heads,
                  .group = shape.heads / key_heads,
                  .longest = side.longest,
                  .width = width},
        out, out.numel());
    return out;
  }

  /// The gradient of a prefix, which all rows share: [prefix, key heads * width]
  at::Tensor sum_of_prefixes(const at::Tensor &heads) const {
    const int64_t width = heads.size(2), group = shape.heads / shape.key_heads;
    constexpr std::array<int64_t, 2> rows_and_group{0, 2};
    return heads.narrow(1, 0, prefix)
        .view({shape.rows, shape.key_heads, group, prefix, width})
        .sum(at::IntArrayRef(rows_and_group))
        .transpose(0, 1)
        .reshape({prefix, shape.key_heads * width});
  }

  WeightLines lines(const Shape &call, const at::Tensor &bias) const {
    return {.heads = shape.heads,
            .queries = queries.longest,
            .keys = keys.longest,
            .ends = numbers[ends],
            .windows = numbers[windows],
            .places = numbers[places],
            .fronts = numbers[fronts],
            .row_keys = row_keys.data_ptr<int64_t>(),
            .bias = bias.defined() ? bias.const_data_ptr() : nullptr,
            .bias_count = bias.defined() ? bias.size(1) : 0,
            .bias_start = shape.bias_origin - prefix,
            .scale = call.scale,
            .seed = call.seed,
            .threshold = drop_threshold(call.dropout),
            .keep_scale = kept_scale(call.dropout),
            .streams_follow_places = !shape.keys_behind.empty()};
  }

  int64_t line_count() const { return shape.rows * shape.heads * queries.longest; }
};

/// What a pass leaves for its way back.
struct Pass : torch::CustomClassHolder {
  c10::intrusive_ptr<Shape> shape;
  std::shared_ptr<const Layout> layout;

  Pass(c10::intrusive_ptr<Shape> shape, std::shared_ptr<const Layout> layout)
      : shape(std::move(shape)), layout(std::move(layout)) {}
};

struct PlainAttention : torch::autograd::Function<PlainAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &query, const at::Tensor &key,
                            const at::Tensor &value, const std::optional<at::Tensor> &prefix_key,
                            const std::optional<at::Tensor> &prefix_value, const std::optional<at::Tensor> &bias,
                            const c10::intrusive_ptr<Pass> &pass) {
    const auto &layout = *pass->layout;
    const auto &shape = *pass->shape;
    const auto table = bias ? bias->contiguous() : at::Tensor();
    const auto q = layout.split(layout.queries, as_rows(query), shape.heads, {});
    const auto k = layout.split(layout.keys, as_rows(key), shape.key_heads, as_rows(prefix_key.value_or(at::Tensor())));
    const auto v =
        layout.split(layout.keys, as_rows(value), shape.key_heads, as_rows(prefix_value.value_or(at::Tensor())));
    auto weights = at::bmm(q, k.transpose(1, 2));
    auto dropped = shape.dropout > 0 ? at::empty_like(weights) : at::Tensor();
    run(Attend{layout.lines(shape, table), weights.data_ptr(), dropped.defined() ? dropped.data_ptr() : nullptr}, weights,
        lane_count(layout.line_count(), weights));
    context->save_for_backward({q, k, v, weights, table});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    context->saved_data["trains_bias"] = bias && bias->requires_grad();
    return layout.join(layout.queries, at::bmm(dropped.defined() ? dropped : weights, v), shape.heads, query.size(0));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &q = saved[0], &k = saved[1], &v = saved[2], &weights = saved[3], &bias = saved[4];
    const auto pass = c10::static_intrusive_pointer_cast<Pass>(context->saved_data["pass"].toCapsule());
    const auto &layout = *pass->layout;
    const auto &shape = *pass->shape;
    const auto lines = layout.lines(shape, bias);

    const auto incoming = layout.split(layout.queries, as_rows(gradients[0]), shape.heads, {});
    auto scores = at::bmm(incoming, v.transpose(1, 2));
    auto dropped = shape.dropout > 0 ? at::empty_like(weights) : at::Tensor();
    run(AttendBackward{lines, weights.const_data_ptr(), scores.data_ptr(), dropped.defined() ? dropped.data_ptr() : nullptr},
        scores, lane_count(layout.line_count(), scores));

    at::Tensor query, key, value, prefix_key, prefix_value, table;
    if (context->needs_input_grad(0)) query = layout.join(layout.queries, at::bmm(scores, k), shape.heads, layout.query_count);
    if (layout.prefix > 0 || context->needs_input_grad(1)) {
      const auto heads = at::bmm(scores.transpose(1, 2), q);
      key = layout.join(layout.keys, heads, shape.key_heads, layout.key_count);
      if (layout.prefix > 0) prefix_key = layout.sum_of_prefixes(heads);
    }
    if (layout.prefix > 0 || context->needs_input_grad(2)) {
      const auto heads = at::bmm((dropped.defined() ? dropped : weights).transpose(1, 2), incoming);
      value = layout.join(layout.keys, heads, shape.key_heads, layout.key_count);
      if (layout.prefix > 0) prefix_value = layout.sum_of_prefixes(heads);
    }
    if (context->saved_data["trains_bias"].toBool()) {
      table = at::empty_like(bias);
      run(BiasGradient{lines, scores.const_data_ptr(), table.data_ptr(), shape.rows}, table, table.numel());
    }
    return {query, key, value, prefix_key, prefix_value, table, at::Tensor()};
  }
};

}  // namespace

at::Tensor plain_attention(const AttentionOperands &operands, const c10::intrusive_ptr<AttentionShape> &shape) {
  const auto pass = c10::make_intrusive<Pass>(shape, Layout::of(operands, *shape));
  return PlainAttention::apply(operands.query, operands.key, operands.value, optional(operands.prefix_key),
                               optional(operands.prefix_value), optional(operands.bias), pass);
}

}  // namespace graft
