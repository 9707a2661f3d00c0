// The kernels of plain_kernels.h on the CPU, and the choice of where they run.

#include "plain.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include "internal.h"

namespace graft {
namespace {

/// What `count` indices compute, shared out over threads; an index is some `cost` multiplications.
template <typename Element, typename Work> void run_on_cpu(const Work &work, int64_t count, int64_t cost) {
  at::parallel_for(0, count, grain_of(cost), [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) compute<Element>(work, index);
  });
}

template <typename Work>
void run(const char *name, const Work &work, const at::Tensor &like, int64_t count, int64_t cost) {
  if (count == 0) return;
  const PlainElement element = plain_element(like);
  if (!like.is_cpu()) return run_on_cuda(name, element, like.get_device(), count, &work);
  switch (element) {
    case PlainElement::float32: return run_on_cpu<float>(work, count, cost);
    case PlainElement::float64: return run_on_cpu<double>(work, count, cost);
    case PlainElement::bfloat16: return run_on_cpu<c10::BFloat16>(work, count, cost);
    case PlainElement::float16: return run_on_cpu<c10::Half>(work, count, cost);
  }
}

/// A line is computed by as many threads as a device puts on it.
int64_t indices(int64_t lines, const at::Tensor &like) { return lines * (like.is_cpu() ? 1 : device_lanes); }

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

void run(const MaskElements &work, const at::Tensor &like, int64_t count) {
  run("MaskElements", work, like, count, 16);
}

void run(const SplitHeads &work, const at::Tensor &like, int64_t count) { run("SplitHeads", work, like, count, 8); }

void run(const JoinHeads &work, const at::Tensor &like, int64_t count) {
  run("JoinHeads", work, like, count, 8 * work.group);
}

void run(const Attend &work, const at::Tensor &like, int64_t lines) {
  run("Attend", work, like, indices(lines, like), 32 * work.lines.keys);
}

void run(const AttendBackward &work, const at::Tensor &like, int64_t lines) {
  run("AttendBackward", work, like, indices(lines, like), 32 * work.lines.keys);
}

void run(const BiasGradient &work, const at::Tensor &like, int64_t count) {
  run("BiasGradient", work, like, count, 4 * work.rows * work.lines.queries);
}

}  // namespace graft
