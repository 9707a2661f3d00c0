/// The operations of this shim an element or a line at a time, for every device and element type.
///
/// A kernel is a struct with what it reads and writes, a function `compute` that does one index of it, and an entry of
/// PLAIN_KERNELS. Its `cost` is that of an index in multiplications.
///
/// Float32 on the CPU has faster ones (kernels.h). For the other types the CPU's compiler reads this file; for CUDA it is
/// compiled at run time, for the device that is there (plain_cuda.cpp), so it includes nothing that NVRTC lacks.
#pragma once

#include <cmath>
#include <cstdint>

#include "hash.h"

/// Every kernel, for what there is one of for each.
#define PLAIN_KERNELS(ENTRY) \
  ENTRY(MaskElements) ENTRY(SplitHeads) ENTRY(JoinHeads) ENTRY(Attend) ENTRY(AttendBackward) ENTRY(BiasGradient)

namespace graft {

/// Threads that compute a line together: on a device a warp, of which every thread calls `compute` with its own index.
constexpr int64_t device_lanes = 32;
constexpr float lowest_float = -3.402823466e38f;

template <typename Sum> Sum larger(Sum a, Sum b) { return a > b ? a : b; }

#ifdef __CUDACC_RTC__
constexpr int64_t lanes = device_lanes;
template <typename Sum> Sum sum_of_lanes(Sum value) {
  for (int distance = lanes / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffff, value, distance);
  return value;
}
template <typename Sum> Sum largest_of_lanes(Sum value) {
  for (int distance = lanes / 2; distance > 0; distance /= 2) {
    value = larger(__shfl_xor_sync(0xffffffff, value, distance), value);
  }
  return value;
}
#else
constexpr int64_t lanes = 1;
template <typename Sum> Sum sum_of_lanes(Sum value) { return value; }
template <typename Sum> Sum largest_of_lanes(Sum value) { return value; }
using std::exp;
#endif

/// What elements are computed in.
template <typename Element> struct Computed { using Type = float; };
template <> struct Computed<double> { using Type = double; };
template <typename Element> using Sum = typename Computed<Element>::Type;

template <typename Element> Sum<Element> read(const void *values, int64_t index) {
  return static_cast<Sum<Element>>(static_cast<const Element *>(values)[index]);
}

template <typename Element> void write(void *values, int64_t index, Sum<Element> value) {
  static_cast<Element *>(values)[index] = static_cast<Element>(value);
}

/// Dropout: elements below the threshold are zeroed, the others scaled. [rows, width], one index for each element.
struct MaskElements {
  const void *in;
  void *out;
  const int64_t *keys;  // [rows]
  int64_t width;
  uint64_t seed;
  uint32_t threshold;
  float scale;
  bool whole_rows;

  int64_t cost() const { return 16; }
};

template <typename Element> void compute(const MaskElements &work, int64_t index) {
  const uint32_t column = work.whole_rows ? 0 : static_cast<uint32_t>(index % work.width);
  uint32_t hash = stream_of(work.seed, static_cast<uint64_t>(work.keys[index / work.width])) + column * column_stride;
  mix32(hash);
  // Chosen, not multiplied with zero: what is dropped may be infinite.
  write<Element>(work.out, index, hash >= work.threshold ? read<Element>(work.in, index) * work.scale : 0);
}

/// Lays ragged rows out with padding, each head by itself: [tokens, key heads * width] -> [rows, heads, longest, width],
/// a prefix in front of every row, zeros behind. One index for each element of the result.
struct SplitHeads {
  const void *tokens, *prefix;
  int64_t stride, prefix_stride, prefix_count;
  void *out;
  const int32_t *starts, *counts;  // [rows], of their tokens
  int64_t heads, group, longest, width;

  int64_t cost() const { return 8; }
};

template <typename Element> void compute(const SplitHeads &work, int64_t index) {
  const int64_t line = index / work.width, head = line / work.longest % work.heads;
  const int64_t row = line / work.longest / work.heads, place = line % work.longest - work.prefix_count;
  const int64_t column = head / work.group * work.width + index % work.width;
  Sum<Element> value = 0;
  if (place < 0) {
    value = read<Element>(work.prefix, (place + work.prefix_count) * work.prefix_stride + column);
  } else if (place < work.counts[row]) {
    value = read<Element>(work.tokens, (work.starts[row] + place) * work.stride + column);
  }
  write<Element>(work.out, index, value);
}

/// The way back: [rows, heads, longest, width] -> [tokens, key heads * width], heads of a group added up. One index for
/// each element of the result.
struct JoinHeads {
  const void *heads;
  void *out;
  const int32_t *rows, *places;  // [tokens], a negative row for a token of none
  int64_t key_heads, group, longest, width;

  int64_t cost() const { return 8 * group; }
};

template <typename Element> void compute(const JoinHeads &work, int64_t index) {
  const int64_t token = index / (work.key_heads * work.width), head = index / work.width % work.key_heads;
  Sum<Element> sum = 0;
  for (int64_t i = 0; i < work.group && work.rows[token] >= 0; ++i) {
    const int64_t line = (work.rows[token] * work.key_heads + head) * work.group + i;
    sum += read<Element>(work.heads, (line * work.longest + work.places[token]) * work.width + index % work.width);
  }
  write<Element>(work.out, index, sum);
}

/// Lines of attention weights, [rows, heads, queries, keys]: what a query sees, how far it is from a key, what it drops.
/// A query of the padding sees nothing, and all of its weights are zero.
struct WeightLines {
  int64_t heads, queries, keys;
  const int32_t *ends, *windows, *places;  // [rows, queries]
  const int32_t *fronts;                   // [rows]
  const int64_t *row_keys;                 // [rows]
  const void *bias;                        // [heads, bias_count] or null
  int64_t bias_count, bias_start;
  double scale;
  uint64_t seed;
  uint32_t threshold;
  float keep_scale;
  bool streams_follow_places;

  int64_t row(int64_t line) const { return line / queries / heads; }
  int64_t head(int64_t line) const { return line / queries % heads; }
  int64_t query(int64_t line) const { return row(line) * queries + line % queries; }

  bool sees(int64_t line, int64_t key) const {
    const int64_t q = query(line);
    return key < ends[q] && (key < fronts[row(line)] || key >= windows[q]);
  }

  /// The column of the bias between a query and the first key; keys that all see have none.
  int64_t bias_column(int64_t line) const { return bias_start - places[query(line)]; }

  template <typename Element> Sum<Element> score(int64_t line, int64_t key, Sum<Element> product) const {
    const Sum<Element> scaled = product * static_cast<Sum<Element>>(scale);
    if (bias == nullptr || key < fronts[row(line)]) return scaled;
    return scaled + read<Element>(bias, head(line) * bias_count + bias_column(line) + key);
  }

  uint32_t stream(int64_t line) const {
    const int64_t place = streams_follow_places ? places[query(line)] : line % queries;
    return attention_stream(seed, row_keys[row(line)], head(line), place);
  }

  /// What the weight of a key is multiplied with.
  float keep(uint32_t stream, int64_t key) const {
    uint32_t hash = stream + static_cast<uint32_t>(key) * column_stride;
    mix32(hash);
    return hash >= threshold ? keep_scale : 0;
  }
};

/// Products of queries and keys become weights in place, and those that dropout leaves are written behind it. One index
/// for each lane of each line.
struct Attend {
  WeightLines lines;
  void *weights;
  void *dropped;  // null without dropout

  int64_t cost() const { return 32 * lines.keys; }
};

template <typename Element> void compute(const Attend &work, int64_t index) {
  const WeightLines &lines = work.lines;
  const int64_t line = index / lanes, lane = index % lanes, first = line * lines.keys;
  const auto score = [&](int64_t key) {
    return lines.score<Element>(line, key, read<Element>(work.weights, first + key));
  };
  Sum<Element> largest = lowest_float, sum = 0;
  for (int64_t key = lane; key < lines.keys; key += lanes) {
    if (lines.sees(line, key)) largest = larger(score(key), largest);
  }
  largest = largest_of_lanes(largest);
  for (int64_t key = lane; key < lines.keys; key += lanes) {
    if (lines.sees(line, key)) sum += exp(score(key) - largest);
  }
  sum = sum_of_lanes(sum);
  const uint32_t stream = lines.stream(line);
  for (int64_t key = lane; key < lines.keys; key += lanes) {
    const Sum<Element> weight = lines.sees(line, key) ? exp(score(key) - largest) / sum : 0;
    write<Element>(work.weights, first + key, weight);
    if (work.dropped != nullptr) write<Element>(work.dropped, first + key, weight * lines.keep(stream, key));
  }
}

/// Gradients of dropped weights become those of the products, in place. One index for each lane of each line.
struct AttendBackward {
  WeightLines lines;
  const void *weights;
  void *gradients;
  void *dropped;  // null without dropout

  int64_t cost() const { return 32 * lines.keys; }
};

template <typename Element> void compute(const AttendBackward &work, int64_t index) {
  const WeightLines &lines = work.lines;
  const int64_t line = index / lanes, lane = index % lanes, first = line * lines.keys;
  const uint32_t stream = lines.stream(line);
  const auto keep = [&](int64_t key) { return work.dropped == nullptr ? 1 : lines.keep(stream, key); };
  Sum<Element> sum = 0;
  for (int64_t key = lane; key < lines.keys; key += lanes) {
    sum += read<Element>(work.weights, first + key) * read<Element>(work.gradients, first + key) * keep(key);
  }
  sum = sum_of_lanes(sum);
  for (int64_t key = lane; key < lines.keys; key += lanes) {
    const Sum<Element> weight = read<Element>(work.weights, first + key);
    const Sum<Element> gradient = read<Element>(work.gradients, first + key) * keep(key);
    write<Element>(work.gradients, first + key, weight * (gradient - sum) * static_cast<Sum<Element>>(lines.scale));
    if (work.dropped != nullptr) write<Element>(work.dropped, first + key, weight * keep(key));
  }
}

/// The gradient of a bias by distance out of those of the products. One index for each element of the bias.
struct BiasGradient {
  WeightLines lines;
  const void *gradients;
  void *out;
  int64_t rows;

  int64_t cost() const { return 4 * rows * lines.queries; }
};

template <typename Element> void compute(const BiasGradient &work, int64_t index) {
  const WeightLines &lines = work.lines;
  const int64_t head = index / lines.bias_count, column = index % lines.bias_count;
  Sum<Element> sum = 0;
  for (int64_t row = 0; row < work.rows; ++row) {
    for (int64_t i = 0; i < lines.queries; ++i) {
      const int64_t line = (row * lines.heads + head) * lines.queries + i, key = column - lines.bias_column(line);
      if (key < lines.fronts[row] || key >= lines.keys) continue;
      sum += read<Element>(work.gradients, line * lines.keys + key);
    }
  }
  write<Element>(work.out, index, sum / static_cast<Sum<Element>>(lines.scale));
}

}  // namespace graft
