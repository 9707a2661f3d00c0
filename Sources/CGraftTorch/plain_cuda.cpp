// The kernels of plain_kernels.h on CUDA devices: NVRTC compiles them for the device that is there, on first use.
//
// libtorch keeps NVRTC and the driver behind a small library, by which it finds them too; nothing here links to CUDA.

#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plain.h"

namespace graft {
namespace {

/// The sources, as text.
constexpr char hash_source[] = {
#embed "hash.h"
    , 0};
constexpr char kernels_source[] = {
#embed "plain_kernels.h"
    , 0};

/// What the sources ask of standard headers.
constexpr char integers_source[] =
    "typedef signed int int32_t; typedef unsigned int uint32_t;\n"
    "typedef signed long long int64_t; typedef unsigned long long uint64_t;\n";

/// One entry for each kernel, and elements of 16 bits, which are no types of a compiler without headers.
constexpr char entries_source[] = R"(
#include "plain_kernels.h"

namespace graft {
struct BFloat16 {
  unsigned short bits;
  BFloat16(float value) {
    const unsigned int word = __float_as_uint(value);
    const unsigned int rounded = (word + 0x7fff + ((word >> 16) & 1)) >> 16;
    bits = value != value ? 0x7fc0 : rounded;
  }
  operator float() const { return __uint_as_float(static_cast<unsigned int>(bits) << 16); }
};

struct Float16 {
  unsigned short bits;
  Float16(float value) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value)); }
  operator float() const {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
  }
};
}  // namespace graft

#define ENTRY(KERNEL)                                                                                       \
  extern "C" __global__ void run##KERNEL(int64_t count, graft::KERNEL work) {                              \
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;                                      \
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)     \
      graft::compute<ELEMENT>(work, i);                                                                     \
  }
PLAIN_KERNELS(ENTRY)
)";

const char *name_of(PlainElement element) {
  switch (element) {
    case PlainElement::float32: return "float";
    case PlainElement::float64: return "double";
    case PlainElement::bfloat16: return "graft::BFloat16";
    case PlainElement::float16: return "graft::Float16";
  }
}

/// NVRTC and the driver, by the C interfaces that both promise.
class Cuda {
  void *library = dlopen("libcaffe2_nvrtc.so", RTLD_NOW | RTLD_LOCAL);

 public:
  template <typename Signature> Signature *function(const char *name) const {
    TORCH_CHECK(library != nullptr, "CUDA needs NVRTC, which libtorch does not find: ", dlerror(),
                " (hint: is the wheel nvidia-cuda-nvrtc installed beside it?)");
    void *address = dlsym(library, name);
    TORCH_CHECK(address != nullptr, "this CUDA has no ", name);
    return reinterpret_cast<Signature *>(address);
  }

  /// Calls a function that returns a status, by the types of what it is given.
  template <typename... Parameters> void check(const char *name, Parameters... parameters) const {
    confirm(function<int(Parameters...)>(name)(parameters...), name);
  }

  static void confirm(int status, const char *name) {
    TORCH_CHECK(status == 0, name, " failed with status ", status);
  }

  // What every kernel needs is looked up once.
  int (*push_context)(void *context) = function<int(void *)>("cuCtxPushCurrent_v2");
  int (*pop_context)(void **context) = function<int(void **)>("cuCtxPopCurrent_v2");
  int (*launch)(void *function, unsigned blocks, unsigned, unsigned, unsigned threads, unsigned, unsigned, unsigned memory,
                void *stream, void **arguments, void **more) =
      function<int(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **)>(
          "cuLaunchKernel");
};

/// The kernels for one type of elements on one device.
class Program {
 public:
  Program(const Cuda &cuda, PlainElement element, int ordinal) : cuda(cuda) {
    int device = 0, major = 0, minor = 0;
    cuda.check("cuDeviceGet", &device, ordinal);
    constexpr int major_capability = 75, minor_capability = 76;
    cuda.check("cuDeviceGetAttribute", &major, major_capability, device);
    cuda.check("cuDeviceGetAttribute", &minor, minor_capability, device);
    cuda.check("cuDevicePrimaryCtxRetain", &context, device);
    const auto code = compiled(element, "sm_" + std::to_string(major) + std::to_string(minor));
    in_context([&] { cuda.check("cuModuleLoadData", &module, static_cast<const void *>(code.data())); });
  }

  void run(const char *name, int64_t count, const void *work) {
    in_context([&] {
      auto found = functions.find(name);
      if (found == functions.end()) {
        void *function = nullptr;
        cuda.check("cuModuleGetFunction", &function, module, static_cast<const char *>((std::string("run") + name).c_str()));
        found = functions.emplace(name, function).first;
      }
      constexpr int64_t threads = 128, most_blocks = 1 << 20;
      const auto blocks = static_cast<unsigned>(std::min((count + threads - 1) / threads, most_blocks));
      void *arguments[] = {&count, const_cast<void *>(work)};
      // The null stream is the one that libtorch uses unless it is told otherwise, which nothing here does.
      const int status = cuda.launch(found->second, blocks, 1, 1, threads, 1, 1, 0, nullptr, arguments, nullptr);
      Cuda::confirm(status, name);
    });
  }

 private:
  /// The sources as the device's machine code.
  std::vector<char> compiled(PlainElement element, const std::string &architecture) const {
    const char *headers[] = {integers_source, "", hash_source, kernels_source};
    const char *names[] = {"cstdint", "cmath", "hash.h", "plain_kernels.h"};
    void *program = nullptr;
    cuda.check("nvrtcCreateProgram", &program, static_cast<const char *>(entries_source), "plain_cuda.cu", 4,
               static_cast<const char *const *>(headers), static_cast<const char *const *>(names));
    const std::string target = "--gpu-architecture=" + architecture, type = std::string("-DELEMENT=") + name_of(element);
    const char *options[] = {target.c_str(), type.c_str(), "-std=c++17", "--device-as-default-execution-space"};
    const int status = cuda.function<int(void *, int, const char *const *)>("nvrtcCompileProgram")(program, 4, options);
    size_t size = 0;
    if (status != 0) {
      cuda.check("nvrtcGetProgramLogSize", program, &size);
      std::string log(size, ' ');
      cuda.check("nvrtcGetProgramLog", program, log.data());
      TORCH_CHECK(false, "NVRTC cannot compile the kernels for ", architecture, ": ", log);
    }
    cuda.check("nvrtcGetCUBINSize", program, &size);
    std::vector<char> code(size);
    cuda.check("nvrtcGetCUBIN", program, code.data());
    cuda.check("nvrtcDestroyProgram", &program);
    return code;
  }

  template <typename Body> void in_context(Body &&body) const {
    Cuda::confirm(cuda.push_context(context), "cuCtxPushCurrent");
    struct Pop {
      const Cuda &cuda;
      ~Pop() {
        void *popped = nullptr;
        cuda.pop_context(&popped);
      }
    } const pop{cuda};
    body();
  }

  const Cuda &cuda;
  void *context = nullptr, *module = nullptr;
  std::map<std::string, void *, std::less<>> functions;
};

}  // namespace

void run_on_cuda(const char *name, PlainElement element, int64_t device, int64_t count, const void *work) {
  static const Cuda cuda;
  static std::mutex mutex;
  static std::map<std::pair<PlainElement, int64_t>, Program> programs;
  const std::lock_guard lock(mutex);
  auto found = programs.find({element, device});
  if (found == programs.end()) {
    found = programs.try_emplace({element, device}, cuda, element, static_cast<int>(device)).first;
  }
  found->second.run(name, count, work);
}

}  // namespace graft
