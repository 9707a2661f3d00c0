// What this machine can do at most, for benchmarks to compare with.

#include <c10/util/Exception.h>

#include "internal.h"
#include "kernels.h"

using namespace graft;

namespace {

/// Words that are read before any of their folds is needed again.
constexpr int64_t width = 16;

/// The exclusive-or of some words, in which no load waits for another one.
uint64_t folded(const uint64_t *words, int64_t count) {
  uint64_t folds[width] = {};
  for (int64_t first = 0; first + width <= count; first += width) {
    for (int64_t i = 0; i < width; ++i) folds[i] ^= words[first + i];
  }
  for (int64_t i = count / width * width; i < count; ++i) folds[0] ^= words[i];
  uint64_t all = 0;
  for (const uint64_t fold : folds) all ^= fold;
  return all;
}

}  // namespace

int32_t gt_vector_lanes(void) { return static_cast<int32_t>(kernels().lanes); }

gt_status gt_fold_words(gt_tensor tensor, int64_t first, int64_t count, uint64_t *out) {
  return guarded([&] {
    const auto &t = unwrap(tensor);
    TORCH_CHECK(t.is_cpu() && t.is_contiguous(), "the memory of a contiguous CPU tensor is read");
    const auto words = static_cast<int64_t>(t.nbytes() / sizeof(uint64_t));
    TORCH_CHECK(first >= 0 && count >= 0 && count <= words && first <= words - count, "words ", first, " ..< ",
                first + count, " of ", words);
    *out = folded(static_cast<const uint64_t *>(t.const_data_ptr()) + first, count);
  });
}
