// The kernels of plain_kernels.h on the CPU, and the choice of where they run.

#include "plain.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "internal.h"

namespace graft {
namespace {

/// What `count` indices compute, shared out over threads.
template <typename Element, typename Work> void run_on_cpu(const Work &work, int64_t count) {
  at::parallel_for(0, count, grain_of(work.cost()), [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) compute<Element>(work, index);
  });
}

#define NAME(KERNEL) constexpr const char *name_of(const KERNEL &) { return #KERNEL; }
PLAIN_KERNELS(NAME)
#undef NAME

}  // namespace

PlainElement plain_element(const at::Tensor &x) {
  switch (x.scalar_type()) {
    case at::kFloat: return PlainElement::float32;
    case at::kDouble: return PlainElement::float64;
    case at::kBFloat16: return PlainElement::bfloat16;
    case at::kHalf: return PlainElement::float16;
    default: TORCH_CHECK(false, "elements of type ", x.scalar_type(), " are no numbers to compute with");
  }
}

template <typename Work> void run(const Work &work, const at::Tensor &like, int64_t count) {
  if (count == 0) return;
  const PlainElement element = plain_element(like);
  if (!like.is_cpu()) return run_on_cuda(name_of(work), element, like.get_device(), count, &work);
  switch (element) {
    case PlainElement::float32: return run_on_cpu<float>(work, count);
    case PlainElement::float64: return run_on_cpu<double>(work, count);
    case PlainElement::bfloat16: return run_on_cpu<c10::BFloat16>(work, count);
    case PlainElement::float16: return run_on_cpu<c10::Half>(work, count);
  }
}

#define RUN(KERNEL) template void run(const KERNEL &work, const at::Tensor &like, int64_t count);
PLAIN_KERNELS(RUN)
#undef RUN

}  // namespace graft
