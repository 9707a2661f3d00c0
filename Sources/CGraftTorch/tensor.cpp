// Handles, the last error, conversion between host memory and tensors.

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "internal.h"

namespace graft {

namespace {

thread_local std::string last_error;
std::atomic<int64_t> live_handles{0};

}  // namespace

gt_status fail(gt_status status, const char *message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();
  }
  return status;
}

gt_tensor own(at::Tensor tensor) {
  auto *owned = new at::Tensor(std::move(tensor));
  live_handles.fetch_add(1, std::memory_order_relaxed);
  return gt_tensor{owned};
}

const at::Tensor &unwrap(gt_tensor handle) {
  static const at::Tensor undefined;
  return handle.impl == nullptr ? undefined : *static_cast<const at::Tensor *>(handle.impl);
}

at::Tensor beside(const at::Tensor &indices, const at::Tensor &data, int64_t size) {
  if (data.is_cpu() || !indices.is_cpu() || indices.scalar_type() != at::kLong) return indices;
  const auto values = indices.contiguous();
  const auto *first = values.data_ptr<int64_t>();
  const auto *wrong = std::find_if(first, first + values.numel(), [&](int64_t index) { return index < 0 || index >= size; });
  TORCH_CHECK(wrong == first + values.numel(), "index ", *wrong, " is out of range: there are ", size);
  return values.to(at::TensorOptions(data.device()), /*non_blocking=*/true);
}

at::ScalarType scalar_type(gt_dtype dtype) {
  switch (dtype) {
    case gt_dtype_float32: return at::kFloat;
    case gt_dtype_bfloat16: return at::kBFloat16;
    case gt_dtype_float16: return at::kHalf;
    case gt_dtype_int64: return at::kLong;
    case gt_dtype_int8: return at::kChar;
    case gt_dtype_uint8: return at::kByte;
    case gt_dtype_bool: return at::kBool;
    case gt_dtype_float64: return at::kDouble;
    case gt_dtype_int32: return at::kInt;
  }
}

c10::Device device(gt_device device) {
  return device.index < 0 ? c10::Device(c10::kCPU) : c10::Device(c10::kCUDA, static_cast<int8_t>(device.index));
}

}  // namespace graft

using namespace graft;

const char *gt_last_error(void) { return last_error.c_str(); }

uint64_t gt_header_version(void) { return TORCH_ABI_VERSION; }
// Not from `at::show_config`: it asks for CUDA, whose absence libtorch then remembers, before it could be loaded.
uint64_t gt_torch_version(void) { return aoti_torch_abi_version(); }

int64_t gt_live_handles(void) { return live_handles.load(std::memory_order_relaxed); }

void gt_set_num_threads(int32_t count) { at::set_num_threads(count < 1 ? 1 : count); }
int32_t gt_get_num_threads(void) { return at::get_num_threads(); }

bool gt_grad_mode_is_enabled(void) { return c10::GradMode::is_enabled(); }
void gt_grad_mode_set_enabled(bool enabled) { c10::GradMode::set_enabled(enabled); }

void gt_tensor_free(gt_tensor tensor) {
  if (tensor.impl == nullptr) return;
  delete static_cast<at::Tensor *>(tensor.impl);
  live_handles.fetch_sub(1, std::memory_order_relaxed);
}

gt_status gt_tensor_from_data(const void *data, gt_dtype dtype, const int64_t *shape, int32_t rank, gt_tensor *out) {
  return guarded([&] {
    auto tensor = at::empty(dims(shape, rank), at::TensorOptions(scalar_type(dtype)));
    if (tensor.numel() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
    *out = own(std::move(tensor));
  });
}

gt_status gt_tensor_from_mapped(const void *data, gt_dtype dtype, const int64_t *shape, int32_t rank, void *owner,
                                void (*release)(void *owner), gt_tensor *out) {
  return guarded([&] {
    *out = own(at::from_blob(
        const_cast<void *>(data), dims(shape, rank), [owner, release](void *) { release(owner); },
        at::TensorOptions(scalar_type(dtype))));
  });
}

gt_status gt_full(const int64_t *shape, int32_t rank, double value, gt_dtype dtype, gt_device where, gt_tensor *out) {
  return guarded([&] {
    const auto options = at::TensorOptions(scalar_type(dtype)).device(device(where));
    *out = own(at::full(dims(shape, rank), value, options));
  });
}

gt_status gt_tensor_dtype(gt_tensor tensor, gt_dtype *out) {
  return guarded([&] {
    switch (unwrap(tensor).scalar_type()) {
      case at::kFloat: *out = gt_dtype_float32; break;
      case at::kBFloat16: *out = gt_dtype_bfloat16; break;
      case at::kHalf: *out = gt_dtype_float16; break;
      case at::kLong: *out = gt_dtype_int64; break;
      case at::kChar: *out = gt_dtype_int8; break;
      case at::kByte: *out = gt_dtype_uint8; break;
      case at::kBool: *out = gt_dtype_bool; break;
      case at::kDouble: *out = gt_dtype_float64; break;
      case at::kInt: *out = gt_dtype_int32; break;
      default: TORCH_CHECK(false, "element type ", unwrap(tensor).scalar_type(), " has no code");
    }
  });
}

gt_device gt_tensor_device(gt_tensor tensor) {
  const auto where = unwrap(tensor).device();
  return gt_device{where.is_cpu() ? -1 : static_cast<int32_t>(where.index())};
}

int32_t gt_tensor_rank(gt_tensor tensor) { return static_cast<int32_t>(unwrap(tensor).dim()); }
int64_t gt_tensor_size(gt_tensor tensor, int32_t dimension) { return unwrap(tensor).sizes()[static_cast<size_t>(dimension)]; }
int64_t gt_tensor_count(gt_tensor tensor) { return unwrap(tensor).numel(); }
bool gt_tensor_requires_grad(gt_tensor tensor) { return unwrap(tensor).requires_grad(); }

gt_status gt_tensor_copy_to_host(gt_tensor tensor, void *destination, size_t byte_count) {
  return guarded([&] {
    const auto host = unwrap(tensor).detach().to(c10::Device(c10::kCPU)).contiguous();
    TORCH_CHECK(host.nbytes() == byte_count, "the tensor has ", host.nbytes(), " bytes, asked for ", byte_count);
    if (byte_count > 0) std::memcpy(destination, host.data_ptr(), byte_count);
  });
}

gt_status gt_to(gt_tensor tensor, gt_dtype dtype, gt_device where, gt_tensor *out) {
  return guarded([&] { *out = own(unwrap(tensor).to(device(where), scalar_type(dtype))); });
}

gt_status gt_tensor_make_leaf(gt_tensor tensor, gt_tensor *out) {
  return guarded([&] {
    auto leaf = unwrap(tensor).detach();
    leaf.set_requires_grad(true);
    *out = own(std::move(leaf));
  });
}

gt_status gt_tensor_write_rows(gt_tensor destination, gt_tensor indices, gt_tensor source) {
  return guarded([&] {
    const c10::AutoGradMode no_gradients(false);
    auto rows = unwrap(destination);
    rows.index_copy_(0, unwrap(indices), unwrap(source).detach());
  });
}

gt_status gt_tensor_copy_into(gt_tensor destination, gt_tensor source) {
  return guarded([&] {
    const c10::AutoGradMode no_gradients(false);
    unwrap(destination).copy_(unwrap(source));
  });
}
