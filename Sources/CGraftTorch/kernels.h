/// The inner loops of the shim's own operations, one set per instruction set, chosen once at run time.
#pragma once

#include <cstdint>

namespace graft {

/// What turns scores into attention weights: `softmax(scale * score)`, then dropout.
struct Weights {
  /// Elements of a line, a multiple of the lanes.
  int64_t columns;
  float scale;
  /// 0 drops nothing.
  uint32_t drop_threshold;
  float keep_scale;
};

struct AttentionKernels {
  /// Turns the scores of one query into weights, 0 beyond the `count` keys that it sees; returns the log of the sum of
  /// exponentials.
  float (*attend)(const Weights &, float *line, int64_t count, uint32_t stream);
  /// Turns scores into weights, and the weights' gradients into those of the scores.
  void (*attend_backward)(const Weights &, float *line, float *gradient, int64_t count, uint32_t stream,
                          float log_sum);
};

/// A matrix product `c = a b (+ bias)` or `c += a b` over float32 operands in place.
struct Product {
  int64_t rows, columns, depth;
  /// Element (i, k) is `a[i * a_row + k * a_step]`.
  const float *a;
  int64_t a_row, a_step;
  /// Element (k, j) is `b[k * b_stride + j]`, or `b[j * b_stride + k]` if transposed.
  const float *b;
  int64_t b_stride;
  bool b_is_transposed = false;
  float *c;
  int64_t c_stride;
  /// Whether there is room behind each row of c, to be overwritten, up to a multiple of the panel.
  bool c_is_padded = false;
  /// [columns] or null.
  const float *bias = nullptr;
  /// Whether c is added to instead of overwritten.
  bool accumulates = false;
  /// All panels of b as `pack` writes them, or null to pack them as they are needed.
  const float *panels = nullptr;
  /// Columns of the b that `panels` were packed from, and which of them is this product's first.
  int64_t packed_columns = 0, packed_first = 0;
};

struct Kernels {
  /// Floats in a vector register.
  int64_t lanes;
  AttentionKernels attention;
  /// On this thread. Every element is summed in the same order whatever the other rows and columns are.
  void (*multiply)(const Product &);
  /// Packs b of a product for all products with it: `depth` times the columns, rounded up to whole panels.
  void (*pack)(const Product &, float *panels);
  /// Columns that `multiply` takes at once: parts of a product split best at multiples of it.
  int64_t panel;
  /// Writes `in` [width], elements below the threshold zeroed and the others scaled; `in` may be `out`.
  void (*mask)(const float *in, float *out, int64_t width, uint32_t stream, uint32_t stride, uint32_t threshold,
               float scale);
  /// Writes GELU of `x` [count], x P(x) with the normal distribution's P, and its slopes unless they are null.
  void (*gelu)(const float *x, float *values, float *slopes, int64_t count);
};

const Kernels &kernels();

/// Whether `multiply` is meant to be used: with fused multiply-adds it gives a row the same bits in any batch and is not
/// slower than the MKL inside PyPI's libtorch (on AMD: as fast with AVX2, twice as fast with AVX-512).
inline bool has_fast_product() { return kernels().lanes >= 8; }

}  // namespace graft
