// Explicit generators: nothing in Graft draws from a global one.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>

#include "internal.h"

namespace graft {

at::Generator &unwrap(gt_generator handle) { return *static_cast<at::Generator *>(handle.impl); }

}  // namespace graft

using namespace graft;

gt_status gt_generator_new(uint64_t seed, gt_generator *out) {
  return guarded([&] { out->impl = new at::Generator(at::detail::createCPUGenerator(seed)); });
}

void gt_generator_free(gt_generator generator) { delete static_cast<at::Generator *>(generator.impl); }

gt_status gt_normal(gt_generator generator, const int64_t *shape, int32_t rank, double mean, double deviation,
                    gt_tensor *out) {
  return guarded([&] { *out = own(at::empty(dims(shape, rank)).normal_(mean, deviation, unwrap(generator))); });
}

gt_status gt_uniform(gt_generator generator, const int64_t *shape, int32_t rank, double low, double high,
                     gt_tensor *out) {
  return guarded([&] { *out = own(at::empty(dims(shape, rank)).uniform_(low, high, unwrap(generator))); });
}
