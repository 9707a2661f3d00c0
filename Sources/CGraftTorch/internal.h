/// What the files of the shim share: handles, error status, and the codes' mapping to ATen.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "include/graft_torch.h"

namespace graft {

/// Notes the failure for `gt_last_error` and returns `status`.
gt_status fail(gt_status status, const char *message) noexcept;

/// Runs `body`, turning every C++ exception into a status. Nothing may unwind into Swift.
template <typename Body> gt_status guarded(Body &&body) noexcept {
  try {
    std::forward<Body>(body)();
    return GT_OK;
  } catch (const c10::OutOfMemoryError &e) {
    return fail(GT_OUT_OF_MEMORY, e.what_without_backtrace());
  } catch (const c10::NotImplementedError &e) {
    return fail(GT_NOT_IMPLEMENTED, e.what_without_backtrace());
  } catch (const c10::Error &e) {
    return fail(GT_INVALID_ARGUMENT, e.what_without_backtrace());
  } catch (const std::bad_alloc &) {
    return fail(GT_OUT_OF_MEMORY, "the allocator has no memory left");
  } catch (const std::exception &e) {
    return fail(GT_INTERNAL, e.what());
  } catch (...) {
    return fail(GT_INTERNAL, "unknown C++ exception");
  }
}

/// Hands a tensor to Swift as an owned handle.
gt_tensor own(at::Tensor tensor);

/// The tensor behind a handle; a null handle is an undefined tensor.
const at::Tensor &unwrap(gt_tensor handle);

/// A tensor that may be undefined, as an argument that may be absent.
inline std::optional<at::Tensor> optional(const at::Tensor &tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

at::Generator &unwrap(gt_generator handle);

at::ScalarType scalar_type(gt_dtype dtype);
c10::Device device(gt_device device);

/// Indices of the CPU where the data on a device lie that they choose `size` things from.
///
/// They are checked first: on a device an index out of range ends its use for the whole process.
at::Tensor beside(const at::Tensor &indices, const at::Tensor &data, int64_t size);

/// A matrix [rows, width] of the last dimension, whose rows are contiguous; undefined stays so.
inline at::Tensor as_rows(const at::Tensor &x) {
  if (!x.defined()) return x;
  int64_t count = 1;
  for (const int64_t size : x.sizes().slice(0, static_cast<size_t>(x.dim() - 1))) count *= size;
  const auto rows = x.dim() == 2 ? x : x.reshape({count, x.size(-1)});
  return rows.stride(1) == 1 ? rows : rows.contiguous();
}

/// Whether the kernels take a tensor as it is.
inline bool is_float_on_cpu(const at::Tensor &x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

/// How many pieces of work that is multiplications are worth a thread of their own.
inline int64_t grain_of(int64_t multiplications) {
  return std::max<int64_t>(1, (1 << 20) / std::max<int64_t>(1, multiplications));
}

inline at::IntArrayRef dims(const int64_t *shape, int32_t rank) {
  return at::IntArrayRef(shape, static_cast<size_t>(rank));
}

inline std::vector<at::Tensor> unwrap(const gt_tensor *handles, int32_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) tensors.push_back(unwrap(handles[i]));
  return tensors;
}

}  // namespace graft
