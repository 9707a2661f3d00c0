/// What the two ways to compute ragged attention share.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/custom_class.h>

#include <algorithm>
#include <vector>

#include "hash.h"
#include "include/graft_torch.h"

namespace graft {

/// The caller's `gt_ragged`, copied so that it outlives the call.
struct AttentionShape : torch::CustomClassHolder {
  std::vector<int64_t> query_offsets, key_starts, key_ends, key_fronts, keys_behind, row_keys;
  int64_t rows, heads, key_heads, window, bias_origin;
  double scale, dropout;
  bool causal;
  uint64_t seed;

  explicit AttentionShape(const gt_ragged &shape)
      : query_offsets(shape.query_offsets, shape.query_offsets + shape.rows + 1),
        key_starts(shape.key_offsets, shape.key_offsets + shape.rows),
        key_ends(shape.key_ends != nullptr ? shape.key_ends : shape.key_offsets + 1,
                 shape.key_ends != nullptr ? shape.key_ends + shape.rows : shape.key_offsets + 1 + shape.rows),
        key_fronts(shape.key_fronts != nullptr ? std::vector<int64_t>(shape.key_fronts, shape.key_fronts + shape.rows)
                                               : std::vector<int64_t>(static_cast<size_t>(shape.rows))),
        keys_behind(shape.keys_behind != nullptr ? shape.keys_behind : shape.query_offsets,
                    shape.keys_behind != nullptr ? shape.keys_behind + shape.query_offsets[shape.rows]
                                                 : shape.query_offsets),
        row_keys(shape.row_keys, shape.row_keys + shape.rows),
        rows(shape.rows),
        heads(shape.heads),
        key_heads(shape.key_heads),
        window(shape.window),
        bias_origin(shape.bias_origin),
        scale(shape.scale),
        dropout(shape.dropout),
        causal(shape.causal),
        seed(shape.seed) {}

  /// Whether the same rows' queries of as many heads see the same keys at the same places.
  bool lies_as(const AttentionShape &other) const {
    return heads == other.heads && key_heads == other.key_heads && row_keys == other.row_keys &&
           query_offsets == other.query_offsets && key_starts == other.key_starts && key_ends == other.key_ends &&
           key_fronts == other.key_fronts && keys_behind == other.keys_behind && window == other.window &&
           bias_origin == other.bias_origin && causal == other.causal;
  }

  int64_t queries(int64_t row) const { return query_offsets[row + 1] - query_offsets[row]; }
  int64_t keys(int64_t row) const { return key_ends[row] - key_starts[row]; }

  /// Whether every one of `tokens` keys is a row's that has queries.
  bool covers(int64_t tokens) const {
    int64_t covered = 0;
    for (int64_t row = 0; row < rows; ++row) covered += queries(row) > 0 ? keys(row) : 0;
    return covered == tokens;
  }

  /// The place of the row's query `i` among its keys.
  int64_t place(int64_t row, int64_t i) const {
    const int64_t behind = keys_behind.empty() ? queries(row) - 1 - i : keys_behind[query_offsets[row] + i];
    return keys(row) - 1 - behind;
  }

  /// How many of `prefix + keys` the row's query `i` may see, were there no window.
  int64_t visible(int64_t row, int64_t i, int64_t prefix) const {
    return prefix + (causal ? std::min(keys(row), place(row, i) + 1) : keys(row));
  }

  /// How many of the row's keys behind those that all see lie in front of the window of query `i`.
  int64_t hidden(int64_t row, int64_t i) const {
    const int64_t front = key_fronts[row];
    return window > 0 ? std::clamp<int64_t>(place(row, i) + 1 - window - front, 0, keys(row) - front) : 0;
  }

  uint32_t stream(int64_t row, int64_t head, int64_t i) const {
    const int64_t query = keys_behind.empty() ? i : place(row, i);
    return attention_stream(seed, row_keys[row], head, query);
  }
};

struct AttentionOperands {
  at::Tensor query, key, value, prefix_key, prefix_value, bias;
  int64_t prefix() const { return prefix_key.defined() ? prefix_key.size(0) : 0; }
};

/// The same attention for other devices and element types.
at::Tensor plain_attention(const AttentionOperands &operands, const c10::intrusive_ptr<AttentionShape> &shape);

}  // namespace graft
