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

/// Computes all indices of a kernel, or all lines, for elements like those of `like` and where they lie.
void run(const MaskElements &work, const at::Tensor &like, int64_t count);
void run(const SplitHeads &work, const at::Tensor &like, int64_t count);
void run(const JoinHeads &work, const at::Tensor &like, int64_t count);
void run(const Attend &work, const at::Tensor &like, int64_t lines);
void run(const AttendBackward &work, const at::Tensor &like, int64_t lines);
void run(const BiasGradient &work, const at::Tensor &like, int64_t count);

}  // namespace graft
