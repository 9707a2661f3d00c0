// Compiles the attention kernels for each instruction set and chooses at run time.

#include "attention_kernels.h"

#include <cmath>

#include "hash.h"

namespace graft {

namespace baseline {
#define LANES 4
#include "attention_kernel.inc"
#undef LANES
constexpr AttentionKernels kernels{4, attend, attend_backward};
}  // namespace baseline

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace avx2 {
#define LANES 8
#include "attention_kernel.inc"
#undef LANES
constexpr AttentionKernels kernels{8, attend, attend_backward};
}  // namespace avx2
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,fma"))), apply_to = function)
namespace avx512 {
#define LANES 16
#include "attention_kernel.inc"
#undef LANES
constexpr AttentionKernels kernels{16, attend, attend_backward};
}  // namespace avx512
#pragma clang attribute pop
#endif

const AttentionKernels &attention_kernels() {
#if defined(__x86_64__)
  static const AttentionKernels &best = [&]() -> const AttentionKernels & {
    __builtin_cpu_init();
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
    if (wide) return avx512::kernels;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2::kernels : baseline::kernels;
  }();
  return best;
#else
  return baseline::kernels;
#endif
}

}  // namespace graft
