// The memory of tensors on the CPU: large blocks are kept when they are freed, and used again for others of like size.
//
// A training step makes and frees some hundreds of large tensors, whose sizes differ a little from step to step, since
// rows are ragged. malloc cuts them out of arenas in whose gaps the next step's seldom fit, and grows to twice what is
// in use. Here a size is rounded up to one of eight classes between powers of two, a free block serves its own class
// and those a little smaller, and blocks in use and free ones together take at most a quarter more than what was once in
// use.

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "internal.h"

namespace graft {
namespace {

/// Blocks below this are malloc's: they share pages.
constexpr size_t smallest = size_t(1) << 16;
/// The classes of block sizes: eight between powers of two.
struct SizeClass {
  size_t bytes;
  size_t index;

  explicit SizeClass(size_t wanted) {
    const size_t step = std::bit_floor(wanted) / 8;
    bytes = (wanted + step - 1) / step * step;
    const auto power = static_cast<size_t>(std::bit_width(bytes) - 1);
    index = power * 8 + (bytes - (size_t(1) << power)) / (size_t(1) << (power - 3));
  }

  static constexpr size_t count = 64 * 8;
};

/// What lies in front of a block's data, as long as the data's alignment.
struct alignas(64) Header {
  /// The whole block; 0 for one of malloc's.
  size_t bytes;
};

/// All large blocks, in use or free.
class Stock {
 public:
  /// A block of at least `size`, or null if the system has none.
  Header *take(const SizeClass &size) {
    const std::lock_guard guard(lock);
    // Not twice as much: a block that is too large wastes what it has too much.
    for (size_t index = size.index; index < std::min(size.index + 8, SizeClass::count); ++index) {
      if (Header *block = pop(index)) return note_use(block);
    }
    // A request that the system refuses must not raise the bound: `note_use` does, once there is a block.
    const size_t most = std::max(most_used, used + size.bytes);
    while (used + free + size.bytes > most + most / 4 && drop_largest()) {
    }
    Header *block = map(size.bytes);
    while (block == nullptr && drop_largest()) block = map(size.bytes);
    return block == nullptr ? nullptr : note_use(block);
  }

  void give_back(Header *block) noexcept {
    const std::lock_guard guard(lock);
    used -= block->bytes;
    try {
      blocks[SizeClass(block->bytes).index].push_back(block);
      free += block->bytes;
    } catch (const std::bad_alloc &) {
      munmap(block, block->bytes);
    }
  }

  size_t in_use() {
    const std::lock_guard guard(lock);
    return used;
  }

  /// Returns what is free to the system.
  void trim() {
    const std::lock_guard guard(lock);
    while (drop_largest()) {
    }
    most_used = used;
  }

 private:
  std::mutex lock;
  /// Free blocks by class.
  std::array<std::vector<Header *>, SizeClass::count> blocks;
  /// Bytes: in use, free, and the most that were in use.
  size_t used = 0, free = 0, most_used = 0;

  static Header *map(size_t bytes) {
    void *block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? nullptr : new (block) Header{bytes};
  }

  /// A free block of a class, or null.
  Header *pop(size_t index) {
    if (blocks[index].empty()) return nullptr;
    Header *block = blocks[index].back();
    blocks[index].pop_back();
    free -= block->bytes;
    return block;
  }

  Header *note_use(Header *block) {
    used += block->bytes;
    most_used = std::max(most_used, used);
    return block;
  }

  /// Returns one free block to the system, if there is any.
  bool drop_largest() {
    for (size_t index = free == 0 ? 0 : SizeClass::count; index > 0; --index) {
      if (Header *block = pop(index - 1)) {
        munmap(block, block->bytes);
        return true;
      }
    }
    return false;
  }
};

/// Never destroyed: tensors may outlive every static object.
Stock &stock() {
  static auto *const stock = new Stock;
  return *stock;
}

class BlockAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void *data = bytes == 0 ? nullptr : data_of(bytes + sizeof(Header) < smallest ? small(bytes) : large(bytes));
    return {data, data, release, c10::Device(c10::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return release; }

  void copy_data(void *destination, const void *source, std::size_t count) const override {
    default_copy_data(destination, source, count);
  }

 private:
  static void *data_of(Header *block) { return block + 1; }

  static Header *small(size_t bytes) {
    void *block = std::aligned_alloc(alignof(Header), (bytes + 2 * sizeof(Header) - 1) / sizeof(Header) * sizeof(Header));
    if (block == nullptr) throw std::bad_alloc();
    return new (block) Header{0};
  }

  static Header *large(size_t bytes) {
    Header *block = stock().take(SizeClass(bytes + sizeof(Header)));
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }

  static void release(void *data) {
    if (data == nullptr) return;
    auto *block = static_cast<Header *>(data) - 1;
    if (block->bytes == 0) {
      std::free(block);
    } else {
      stock().give_back(block);
    }
  }
};

[[maybe_unused]] const bool is_installed = [] {
  static auto *const allocator = new BlockAllocator;
  c10::SetCPUAllocator(allocator, 1);
  return true;
}();

}  // namespace
}  // namespace graft

int64_t gt_memory_in_use(void) { return static_cast<int64_t>(graft::stock().in_use()); }

void gt_trim_memory(void) {
  graft::stock().trim();
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}
