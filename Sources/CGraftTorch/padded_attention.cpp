// Attention over ragged rows out of libtorch's operations, with padding and a mask.

#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <cmath>
#include <memory>
#include <tuple>
#include <utility>

#include "attention.h"
#include "hashed_mask.h"

namespace graft {
namespace {

/// Positions that lay ragged rows out as [rows, longest], and the way back.
struct Padding {
  int64_t longest = 0;
  at::Tensor gather;   // [rows * longest], the index past the end where there is no token
  at::Tensor scatter;  // [tokens], positions in [rows * longest]

  /// Rows that start at `starts` and end at `ends`, of `count` tokens.
  Padding(const int64_t *starts, const int64_t *ends, int64_t rows, int64_t count, c10::Device where) {
    for (int64_t row = 0; row < rows; ++row) longest = std::max(longest, ends[row] - starts[row]);
    std::vector<int64_t> to(static_cast<size_t>(rows * longest), count), from;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < ends[row] - starts[row]; ++i) {
        to[static_cast<size_t>(row * longest + i)] = starts[row] + i;
        from.push_back(row * longest + i);
      }
    }
    gather = moved(to, where);
    scatter = moved(from, where);
  }

  /// [tokens, heads * d] -> [rows, heads, longest, d]
  at::Tensor padded(const at::Tensor &x, int64_t rows, int64_t heads) const {
    const auto extended = at::cat({x, at::zeros({1, x.size(1)}, x.options())});
    return extended.index_select(0, gather).view({rows, longest, heads, x.size(1) / heads}).transpose(1, 2);
  }
};

/// What each query of the padded layout may see, and how far it is from the keys, for all keys at once.
struct Queries {
  at::Tensor keys;           // [keys], counted from the first of the prefix
  at::Tensor end;            // [rows, queries, 1], the first key that is not seen
  at::Tensor front, window;  // likewise, the keys in between that are not seen either
  at::Tensor distance;       // likewise, what leads from a key to its column of the bias

  /// A query of the padding sees everything: its softmax must not be over nothing.
  Queries(const AttentionShape &shape, int64_t longest, int64_t prefix, int64_t longest_keys, c10::Device where) {
    const int64_t all = prefix + longest_keys;
    const auto count = static_cast<size_t>(shape.rows * longest);
    std::vector<int64_t> ends(count, all), fronts(count, all), windows(count, all), distances(count, 0);
    for (int64_t row = 0; row < shape.rows; ++row) {
      for (int64_t i = 0; i < shape.queries(row); ++i) {
        const auto query = static_cast<size_t>(row * longest + i);
        ends[query] = shape.visible(row, i, prefix);
        fronts[query] = prefix + shape.key_fronts[row];
        windows[query] = fronts[query] + shape.hidden(row, i);
        distances[query] = shape.bias_origin - prefix - shape.place(row, i);
      }
    }
    const auto by_query = [&](const std::vector<int64_t> &values) {
      return moved(values, where).view({shape.rows, longest, 1});
    };
    keys = at::arange(all, at::TensorOptions(at::kLong).device(where));
    end = by_query(ends);
    front = by_query(fronts);
    window = by_query(windows);
    distance = by_query(distances);
  }

  /// [rows, queries, keys]
  at::Tensor visible() const { return keys.lt(end).logical_and(keys.lt(front).logical_or(keys.ge(window))); }

  /// The column of a bias of `count` distances, and `count` where there is none: [rows, queries, keys].
  at::Tensor bias_columns(int64_t count) const {
    const auto columns = keys.add(distance).clamp(0, count);
    return at::where(keys.lt(front), at::scalar_tensor(count, columns.options()), columns);
  }
};

/// How the rows of a pass lie, which each of its blocks asks for.
struct Layout {
  AttentionShape shape;
  c10::Device where;
  int64_t prefix, query_count, key_count;
  Padding queries, keys;
  Queries each;

  Layout(const AttentionOperands &operands, const AttentionShape &shape)
      : shape(shape),
        where(operands.query.device()),
        prefix(operands.prefix()),
        query_count(operands.query.size(0)),
        key_count(operands.key.size(0)),
        queries(shape.query_offsets.data(), shape.query_offsets.data() + 1, shape.rows, query_count, where),
        keys(shape.key_starts.data(), shape.key_ends.data(), shape.rows, key_count, where),
        each(shape, queries.longest, prefix, keys.longest, where) {}

  bool is_of(const AttentionOperands &operands, const AttentionShape &other) const {
    return where == operands.query.device() && prefix == operands.prefix() && query_count == operands.query.size(0) &&
           key_count == operands.key.size(0) && shape.lies_as(other);
  }

  /// One of the thread's last two, if it lies so too: blocks of a decoder attend to two in turn.
  static std::shared_ptr<const Layout> of(const AttentionOperands &operands, const AttentionShape &shape) {
    static thread_local std::array<std::shared_ptr<const Layout>, 2> last;
    for (const auto &layout : last) {
      if (layout != nullptr && layout->is_of(operands, shape)) return layout;
    }
    last[1] = std::exchange(last[0], std::make_shared<const Layout>(operands, shape));
    return last[0];
  }
};

/// The streams of random numbers of all heads' queries, those of the padding included: [rows * heads * longest].
std::vector<int64_t> streams(const AttentionShape &shape, int64_t longest) {
  std::vector<int64_t> names;
  names.reserve(static_cast<size_t>(shape.rows * shape.heads * longest));
  for (int64_t row = 0; row < shape.rows; ++row) {
    for (int64_t head = 0; head < shape.heads; ++head) {
      for (int64_t i = 0; i < longest; ++i) {
        names.push_back(i < shape.queries(row) ? static_cast<int64_t>(shape.stream(row, head, i)) : 0);
      }
    }
  }
  return names;
}

}  // namespace

at::Tensor padded_attention(const AttentionOperands &operands, const AttentionShape &shape) {
  const auto layout = Layout::of(operands, shape);
  const auto &[queries, keys, each] = std::tie(layout->queries, layout->keys, layout->each);
  const int64_t prefix = layout->prefix, all = prefix + keys.longest;
  auto q = queries.padded(operands.query, shape.rows, shape.heads);
  auto k = keys.padded(operands.key, shape.rows, shape.key_heads);
  auto v = keys.padded(operands.value, shape.rows, shape.key_heads);
  if (prefix > 0) {
    const auto front = [&](const at::Tensor &x) {
      return x.view({1, prefix, shape.key_heads, k.size(3)}).transpose(1, 2).expand({shape.rows, -1, -1, -1});
    };
    k = at::cat({front(operands.prefix_key), k}, 2);
    v = at::cat({front(operands.prefix_value), v}, 2);
  }
  k = k.repeat_interleave(shape.heads / shape.key_heads, 1);
  v = v.repeat_interleave(shape.heads / shape.key_heads, 1);

  auto scores = at::mul(at::matmul(q, k.transpose(2, 3)), shape.scale);
  if (operands.bias.defined()) {
    const auto extended = at::cat({operands.bias, at::zeros({shape.heads, 1}, operands.bias.options())}, 1);
    const auto bias = extended.index_select(1, each.bias_columns(operands.bias.size(1)).reshape(-1));
    scores = at::add(scores, bias.view({shape.heads, shape.rows, queries.longest, all}).transpose(0, 1));
  }
  const auto hidden = at::scalar_tensor(-INFINITY, scores.options());
  auto p = at::softmax(at::where(each.visible().unsqueeze(1), scores, hidden), -1);
  if (shape.dropout > 0) {
    p = at::mul(p, hashed_mask(streams(shape, queries.longest), all, shape.dropout, p).view(p.sizes()));
  }
  const auto output = at::matmul(p, v).transpose(1, 2).reshape({shape.rows * queries.longest, operands.query.size(1)});
  return output.index_select(0, queries.scatter);
}

}  // namespace graft
