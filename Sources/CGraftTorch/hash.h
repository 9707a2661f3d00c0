/// The counter-based random numbers behind dropout: a mask element is a hash of what it belongs to, so that it does not
/// depend on threads, shards or the order of evaluation.
#pragma once

#include <cstdint>

namespace graft {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): 64 well-mixed bits of any 64.
inline uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

inline uint64_t combine(uint64_t a, uint64_t b) { return mix64(a ^ (mix64(b) + 0x632be59bd9b4e019u)); }

/// An integer hash of low bias (C. Wellons, "Prospecting for hash functions", lowbias32), in place; on vectors too.
template <typename Lanes> [[gnu::always_inline]] inline void mix32(Lanes &x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
}

/// Element `column` of a stream is kept when the hash of `stream + column * stride` is at least the threshold.
constexpr uint32_t column_stride = 0x9e3779b9u;

inline uint32_t drop_threshold(double probability) {
  const double scaled = probability * 4294967296.0;
  return scaled >= 4294967295.0 ? 0xffffffffu : static_cast<uint32_t>(scaled);
}

/// What elements that are kept are multiplied with.
inline float kept_scale(double probability) { return static_cast<float>(1 / (1 - probability)); }

inline uint32_t stream_of(uint64_t seed, uint64_t key) { return static_cast<uint32_t>(combine(seed, key) >> 32); }

/// The stream of a query's attention weights in one head of a row.
inline uint32_t attention_stream(uint64_t seed, int64_t row_key, int64_t head, int64_t query) {
  return stream_of(combine(seed, static_cast<uint64_t>(row_key)), static_cast<uint64_t>((head << 32) | query));
}

}  // namespace graft
