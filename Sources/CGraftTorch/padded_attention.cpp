// Attention over ragged rows out of libtorch's operations, with padding and a mask.

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "attention.h"

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
    gather = at::tensor(to, at::kLong).to(where);
    scatter = at::tensor(from, at::kLong).to(where);
  }

  /// [tokens, heads * d] -> [rows, heads, longest, d]
  at::Tensor padded(const at::Tensor &x, int64_t rows, int64_t heads) const {
    const auto extended = at::cat({x, at::zeros({1, x.size(1)}, x.options())});
    return extended.index_select(0, gather).view({rows, longest, heads, x.size(1) / heads}).transpose(1, 2);
  }
};

}  // namespace

at::Tensor padded_attention(const AttentionOperands &operands, const AttentionShape &shape) {
  const auto where = operands.query.device();
  const Padding queries(shape.query_offsets.data(), shape.query_offsets.data() + 1, shape.rows, operands.query.size(0),
                        where);
  const Padding keys(shape.key_starts.data(), shape.key_ends.data(), shape.rows, operands.key.size(0), where);
  const int64_t prefix = operands.prefix(), all = prefix + keys.longest;
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

  auto visible = at::zeros({shape.rows, 1, queries.longest, all}, at::TensorOptions(at::kBool));
  auto factors = at::ones({shape.rows, shape.heads, queries.longest, all}, at::TensorOptions(at::kFloat));
  auto *seen = visible.data_ptr<bool>();
  auto *factor = factors.data_ptr<float>();
  // The column of the bias for each query and key; the one past the end, of zeros, where there is none.
  const int64_t no_bias = operands.bias.defined() ? operands.bias.size(1) : 0;
  std::vector<int64_t> columns(operands.bias.defined() ? static_cast<size_t>(shape.rows * queries.longest * all) : 0,
                               no_bias);
  const uint32_t threshold = drop_threshold(shape.dropout);
  for (int64_t row = 0; row < shape.rows; ++row) {
    for (int64_t i = 0; i < queries.longest; ++i) {
      const int64_t count = i < shape.queries(row) ? shape.visible(row, i, prefix) : all;
      std::fill_n(seen + (row * queries.longest + i) * all, count, true);
      if (i < shape.queries(row)) {
        std::fill_n(seen + (row * queries.longest + i) * all + prefix + shape.key_fronts[row], shape.hidden(row, i),
                    false);
        for (int64_t j = shape.key_fronts[row]; operands.bias.defined() && j < count - prefix; ++j) {
          columns[static_cast<size_t>((row * queries.longest + i) * all + prefix + j)] =
              shape.bias_origin + j - shape.place(row, i);
        }
      }
      if (shape.dropout == 0) continue;
      for (int64_t head = 0; head < shape.heads; ++head) {
        float *line = factor + ((row * shape.heads + head) * queries.longest + i) * all;
        const uint32_t stream = shape.stream(row, head, i);
        for (int64_t j = 0; j < all; ++j) {
          uint32_t hash = stream + static_cast<uint32_t>(j) * column_stride;
          mix32(hash);
          line[j] = hash >= threshold ? static_cast<float>(1 / (1 - shape.dropout)) : 0;
        }
      }
    }
  }
  auto scores = at::mul(at::matmul(q, k.transpose(2, 3)), shape.scale);
  if (operands.bias.defined()) {
    const auto extended = at::cat({operands.bias, at::zeros({shape.heads, 1}, operands.bias.options())}, 1);
    const auto bias = extended.index_select(1, at::tensor(columns, at::kLong).to(where));
    scores = at::add(scores, bias.view({shape.heads, shape.rows, queries.longest, all}).transpose(0, 1));
  }
  const auto hidden = at::scalar_tensor(-INFINITY, scores.options());
  auto p = at::softmax(at::where(visible.to(where), scores, hidden), -1);
  if (shape.dropout > 0) p = at::mul(p, factors.to(where, p.scalar_type()));
  const auto output = at::matmul(p, v).transpose(1, 2).reshape({shape.rows * queries.longest, operands.query.size(1)});
  return output.index_select(0, queries.scatter);
}

}  // namespace graft
