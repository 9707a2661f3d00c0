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
  std::vector<int64_t> query_offsets, key_offsets, row_keys;
  int64_t rows, heads, key_heads;
  double scale, dropout;
  bool causal;
  uint64_t seed;

  explicit AttentionShape(const gt_ragged &shape)
      : query_offsets(shape.query_offsets, shape.query_offsets + shape.rows + 1),
        key_offsets(shape.key_offsets, shape.key_offsets + shape.rows + 1),
        row_keys(shape.row_keys, shape.row_keys + shape.rows),
        rows(shape.rows),
        heads(shape.heads),
        key_heads(shape.key_heads),
        scale(shape.scale),
        dropout(shape.dropout),
        causal(shape.causal),
        seed(shape.seed) {}

  int64_t queries(int64_t row) const { return query_offsets[row + 1] - query_offsets[row]; }
  int64_t keys(int64_t row) const { return key_offsets[row + 1] - key_offsets[row]; }

  /// How many of `prefix + keys` the row's query `i` may see; queries align with the last keys.
  int64_t visible(int64_t row, int64_t i, int64_t prefix) const {
    const int64_t all = keys(row);
    return prefix + (causal ? std::min(all, all - queries(row) + i + 1) : all);
  }

  uint32_t stream(int64_t row, int64_t head, int64_t i) const {
    return stream_of(combine(seed, static_cast<uint64_t>(row_keys[row])), static_cast<uint64_t>((head << 32) | i));
  }
};

struct AttentionOperands {
  at::Tensor query, key, value, prefix_key, prefix_value;
  int64_t prefix() const { return prefix_key.defined() ? prefix_key.size(0) : 0; }
};

/// The same attention out of libtorch's operations, padded: for other devices and element types.
at::Tensor padded_attention(const AttentionOperands &operands, const AttentionShape &shape);

}  // namespace graft
