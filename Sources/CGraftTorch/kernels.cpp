// Compiles the kernels for each instruction set and chooses at run time.

#include "kernels.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "hash.h"

namespace graft {

namespace baseline {
#define LANES 4
#include "vector.inc"
#include "attention_kernel.inc"
#include "matmul_kernel.inc"
#include "mask_kernel.inc"
#include "gelu_kernel.inc"
#undef LANES
}  // namespace baseline

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace avx2 {
#define LANES 8
#include "vector.inc"
#include "attention_kernel.inc"
#include "matmul_kernel.inc"
#include "mask_kernel.inc"
#include "gelu_kernel.inc"
#undef LANES
}  // namespace avx2
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), apply_to = function)
namespace avx512 {
#define LANES 16
#include "vector.inc"
#include "attention_kernel.inc"
#include "matmul_kernel.inc"
#include "mask_kernel.inc"
#include "gelu_kernel.inc"
#undef LANES
}  // namespace avx512
#pragma clang attribute pop
#endif

#define KERNELS(set)                                                                                               \
  Kernels {                                                                                                        \
    set::lanes, {set::attend, set::attend_backward}, set::multiply, set::pack_all, set::panel_columns, set::mask, \
        set::gelu                                                                                                  \
  }

/// Floats in a vector at most: tests set GRAFT_VECTOR_LANES to try the kernels of lesser processors.
[[maybe_unused]] static int lane_limit() {
  const char *limit = std::getenv("GRAFT_VECTOR_LANES");
  return limit == nullptr ? INT_MAX : std::atoi(limit);
}

const Kernels &kernels() {
#if defined(__x86_64__)
  static const Kernels best = [] {
    __builtin_cpu_init();
    const int limit = lane_limit();
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
    if (wide && limit >= 16) return KERNELS(avx512);
    const bool fused = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return fused && limit >= 8 ? KERNELS(avx2) : KERNELS(baseline);
  }();
#else
  static const Kernels best = KERNELS(baseline);
#endif
  return best;
}

}  // namespace graft
