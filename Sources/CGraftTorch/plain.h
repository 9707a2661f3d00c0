/// Runs the kernels of plain_kernels.h where tensors lie.
#pragma once

#include <ATen/core/Tensor.h>

#include "plain_kernels.h"

namespace graft {

/// The element type of a tensor, as far as plain kernels know it.
///
/// Throws for one that they do not know.
enum class PlainElement { float32, float64, bfloat16, float16 };
PlainElement plain_element(const at::Tensor &x);

/// Computes `count` indices of a kernel on a CUDA device, behind what was asked of it before: `work` is the kernel's
/// struct, which `name` names.
///
/// Throws where the kernels cannot be compiled.
void run_on_cuda(const char *name, PlainElement element, int64_t device, int64_t count, const void *work);

/// Computes `count` indices of a kernel for elements like those of `like` and where they lie.
template <typename Work> void run(const Work &work, const at::Tensor &like, int64_t count);

/// How many indices lines have whose kernel has one for each lane.
inline int64_t lane_count(int64_t lines, const at::Tensor &like) { return lines * (like.is_cpu() ? 1 : device_lanes); }

}  // namespace graft
