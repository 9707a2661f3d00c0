/// The kernels of ragged attention, one set per instruction set, chosen once at run time.
#pragma once

#include <cstdint>

namespace graft {

/// One row's keys and values of one head, packed; see attention_kernel.inc.
struct Head {
  const float *keys;               // [keys, width]
  const float *keys_transposed;    // [width, columns]
  const float *values;             // [keys, width]
  const float *values_transposed;  // [width, columns]; backward only
  int64_t width;
  int64_t columns;
  float scale;
  uint32_t drop_threshold;
  float keep_scale;
};

struct AttentionKernels {
  int64_t lanes;
  /// One query's output [width] and its log-sum-exp; `scratch` holds 2 * columns floats.
  void (*attend)(const Head &, const float *query, int64_t count, uint32_t stream, float *scratch, float *out,
                 float *log_sum);
  /// Adds one query's part to the gradients of keys and values, writes its own; `scratch` holds 3 * columns floats.
  void (*attend_backward)(const Head &, const float *query, const float *gradient, int64_t count, uint32_t stream,
                          float log_sum, float *scratch, float *query_gradient, float *key_gradients,
                          float *value_gradients);
};

const AttentionKernels &attention_kernels();

}  // namespace graft
