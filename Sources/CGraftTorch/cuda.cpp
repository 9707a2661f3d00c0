// CUDA is optional: its half of libtorch is loaded when it is installed beside the CPU half.

#include <ATen/Context.h>
#include <dlfcn.h>

#include "internal.h"

bool gt_cuda_is_available(void) {
  static const bool available = [] {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) return false;
    try {
      return at::globalContext().hasCUDA();
    } catch (...) {
      return false;
    }
  }();
  return available;
}
