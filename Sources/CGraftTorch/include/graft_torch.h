/// The C boundary between Graft and libtorch.
///
/// Rules (those of PyTorch's own AOTI shim): every function that can fail returns a status and writes its
/// result through a trailing out-pointer; no C++ exception leaves; only handles, integers, floats and plain
/// structs cross. The text of the last failure of a thread is read with `gt_last_error`.
/// Functions are named after torch's operation (`gt_matmul`) or `gt_<class>_<action>` otherwise.
#ifndef GRAFT_TORCH_H
#define GRAFT_TORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

#ifdef __cplusplus
extern "C" {
#endif

/// Tells Swift's strict memory safety that a declaration is safe to use though it contains a pointer.
#define GT_SAFE __attribute__((swift_attr("@safe")))

/// An owned reference to an `at::Tensor`; a struct, so that Swift sees a type of its own.
typedef struct GT_SAFE {
  void *_Nullable impl;
} gt_tensor;

/// An owned reference to an `at::Generator`.
typedef struct GT_SAFE {
  void *_Nullable impl;
} gt_generator;

typedef int32_t gt_status;
enum { GT_OK = 0, GT_OUT_OF_MEMORY = 1, GT_INVALID_ARGUMENT = 2, GT_NOT_IMPLEMENTED = 3, GT_INTERNAL = 4 };

/// Functions that read arrays through pointers, whose lengths the caller vouches for.
#define GT_API __attribute__((warn_unused_result)) gt_status
/// Functions whose only pointers are results.
#define GT_SAFE_API GT_SAFE GT_API

/// Element types; the codes are ours and do not change with libtorch.
typedef enum __attribute__((enum_extensibility(closed))) {
  gt_dtype_float32 = 0,
  gt_dtype_bfloat16 = 1,
  gt_dtype_float16 = 2,
  gt_dtype_int64 = 3,
  gt_dtype_int8 = 4,
  gt_dtype_uint8 = 5,
  gt_dtype_bool = 6,
  gt_dtype_float64 = 7,
  gt_dtype_int32 = 8,
} gt_dtype;

/// Where a tensor lives: `index` is -1 for the CPU and the ordinal of a CUDA device otherwise.
typedef struct {
  int32_t index;
} gt_device;

typedef enum __attribute__((enum_extensibility(closed))) {
  gt_binary_op_add = 0,
  gt_binary_op_sub = 1,
  gt_binary_op_mul = 2,
  gt_binary_op_div = 3,
  gt_binary_op_matmul = 4,
} gt_binary_op;

typedef enum __attribute__((enum_extensibility(closed))) {
  gt_unary_op_relu = 0,
  gt_unary_op_gelu_tanh = 1,
  gt_unary_op_silu = 2,
  gt_unary_op_tanh = 3,
  gt_unary_op_sigmoid = 4,
  gt_unary_op_leaky_relu = 5,
  gt_unary_op_mish = 6,
  gt_unary_op_square = 7,
  gt_unary_op_erfinv = 8,
  gt_unary_op_contiguous = 9,
  gt_unary_op_detach = 10,
  gt_unary_op_sqrt = 11,
  gt_unary_op_exp = 12,
  gt_unary_op_atan = 13,
} gt_unary_op;

// The process and the thread

/// The message of this thread's last failure; valid until its next one.
const char *gt_last_error(void);
/// The loaded libtorch's version: from the highest byte downwards major, minor and patch, then a tag.
uint64_t gt_torch_version(void);
/// That of the headers that this shim was compiled with.
uint64_t gt_header_version(void);
/// Handles made and not yet freed, over all threads.
int64_t gt_live_handles(void);
/// Counts below 1 are taken as 1.
void gt_set_num_threads(int32_t count);
int32_t gt_get_num_threads(void);
/// Bytes of tensors on the CPU that are in use, small ones left out.
int64_t gt_memory_in_use(void);
/// Gives free memory that the allocator holds back to the system, where it can.
void gt_trim_memory(void);
/// Whether float32 products on the CPU give a row the same bits whatever other rows are multiplied with it.
bool gt_products_keep_rows(void);
bool gt_grad_mode_is_enabled(void);
void gt_grad_mode_set_enabled(bool enabled);
/// Loads libtorch's CUDA half from beside libtorch_cpu if it is there, once; false when there is no usable device.
bool gt_cuda_is_available(void);

// Life of a tensor

void gt_tensor_free(gt_tensor tensor);
/// Copies `data` (contiguous, row-major) into a new CPU tensor.
GT_API gt_tensor_from_data(const void *data, gt_dtype dtype, const int64_t *shape, int32_t rank, gt_tensor *out);
/// Wraps memory that stays valid until `release(owner)` is called; the memory is never written.
GT_API gt_tensor_from_mapped(const void *data, gt_dtype dtype, const int64_t *shape, int32_t rank, void *owner,
                             void (*release)(void *owner), gt_tensor *out);
GT_API gt_full(const int64_t *shape, int32_t rank, double value, gt_dtype dtype, gt_device device, gt_tensor *out);
GT_SAFE_API gt_tensor_dtype(gt_tensor tensor, gt_dtype *out);
gt_device gt_tensor_device(gt_tensor tensor);
int32_t gt_tensor_rank(gt_tensor tensor);
int64_t gt_tensor_size(gt_tensor tensor, int32_t dimension);
int64_t gt_tensor_count(gt_tensor tensor);
bool gt_tensor_requires_grad(gt_tensor tensor);
/// Copies all elements to `destination` in row-major order; `byte_count` must be exact.
GT_API gt_tensor_copy_to_host(gt_tensor tensor, void *destination, size_t byte_count);
GT_SAFE_API gt_to(gt_tensor tensor, gt_dtype dtype, gt_device device, gt_tensor *out);
/// A new leaf that shares the memory of `tensor` and records gradients.
GT_SAFE_API gt_tensor_make_leaf(gt_tensor tensor, gt_tensor *out);
/// Overwrites `destination` in place; for parameters and optimizer state only.
GT_SAFE_API gt_tensor_copy_into(gt_tensor destination, gt_tensor source);
/// Overwrites the rows of `destination` that `indices` names, in place; for memory of a generating model only.
GT_SAFE_API gt_tensor_write_rows(gt_tensor destination, gt_tensor indices, gt_tensor source);

// Element-wise, shape, reduction

GT_SAFE_API gt_binary(gt_binary_op op, gt_tensor a, gt_tensor b, gt_tensor *out);
GT_SAFE_API gt_unary(gt_unary_op op, gt_tensor a, gt_tensor *out);
/// `a P(a)` with the normal distribution's P; an element has the same bits wherever it lies.
GT_SAFE_API gt_gelu(gt_tensor a, gt_tensor *out);
/// `a * factor + term`
GT_SAFE_API gt_affine(gt_tensor a, double factor, double term, gt_tensor *out);
GT_SAFE_API gt_clamp(gt_tensor a, double low, double high, gt_tensor *out);
GT_API gt_reshape(gt_tensor a, const int64_t *shape, int32_t rank, gt_tensor *out);
GT_SAFE_API gt_transpose(gt_tensor a, int64_t first, int64_t second, gt_tensor *out);
GT_SAFE_API gt_narrow(gt_tensor a, int64_t dimension, int64_t start, int64_t length, gt_tensor *out);
GT_API gt_cat(const gt_tensor *tensors, int32_t count, int64_t dimension, gt_tensor *out);
GT_SAFE_API gt_index_select(gt_tensor a, int64_t dimension, gt_tensor indices, gt_tensor *out);
/// Sum (or mean) over one dimension, or over all with `all`.
GT_SAFE_API gt_sum(gt_tensor a, int64_t dimension, bool all, bool keep, bool mean, gt_tensor *out);
GT_SAFE_API gt_softmax(gt_tensor a, int64_t dimension, bool logarithm, gt_tensor *out);
GT_SAFE_API gt_equal(gt_tensor a, gt_tensor b, bool *out);

// Linear algebra

/// a = u diag(s) vh for [m, n], with k = min(m, n): u [m, k], s [k] in falling order, vh [k, n].
GT_SAFE_API gt_svd(gt_tensor a, gt_tensor *u, gt_tensor *s, gt_tensor *vh);
/// Orthonormal rows [k, n], k <= n: the first columns of the product of the Householder reflections whose vectors lie
/// behind the diagonal of `a` [k, n], negated where the diagonal is negative.
GT_SAFE_API gt_householder_rows(gt_tensor a, gt_tensor *out);

// Layers

/// `input weight^T + bias`. `panels` and `gradient_panels`: what `gt_pack_weight` made of `weight`, or null handles.
GT_SAFE_API gt_linear(gt_tensor input, gt_tensor weight, gt_tensor bias, gt_tensor panels, gt_tensor gradient_panels,
                      gt_tensor *out);
/// A copy of a frozen weight in the order in which products with it, or those of input gradients, read it.
GT_SAFE_API gt_pack_weight(gt_tensor weight, bool for_gradient, gt_tensor *out);
/// `count` linear maps of one shape, each over the rows `offsets[i] ..< offsets[i + 1]` of `input`; `bias_count` is 0 or
/// `count`. `offsets` has `count + 1` entries, from 0 to the number of rows.
GT_API gt_segmented_linear(gt_tensor input, const gt_tensor *weights, const gt_tensor *biases, int32_t bias_count,
                           const int64_t *offsets, int32_t count, gt_tensor *out);
GT_SAFE_API gt_layer_norm(gt_tensor input, gt_tensor weight, gt_tensor bias, double epsilon, gt_tensor *out);
GT_SAFE_API gt_rms_norm(gt_tensor input, gt_tensor weight, double epsilon, gt_tensor *out);
GT_SAFE_API gt_embedding(gt_tensor weight, gt_tensor indices, gt_tensor *out);
/// Rotary positions: in each head of `input` [tokens, heads * d], element `i` is turned together with `i + half` by the
/// token's angle, of which `cosines` and `sines` are [tokens, half]; elements behind `2 * half` stay.
GT_SAFE_API gt_rotary(gt_tensor input, gt_tensor cosines, gt_tensor sines, int64_t heads, gt_tensor *out);
/// `zeros(rows, width)` with row `i` of `input` added to row `indices[i]`.
GT_SAFE_API gt_index_add(gt_tensor input, gt_tensor indices, int64_t rows, gt_tensor *out);

/// Zeroes elements with `probability` and scales the others by 1 / (1 - probability).
///
/// The mask is a pure function of (`seed`, `keys[i]`, column) for element (i, column) of a [n, width] input: it does
/// not depend on how a batch is split over workers, and the backward pass computes it again instead of storing it.
/// With `whole_rows` it does not depend on the column either (stochastic depth).
GT_SAFE_API gt_dropout(gt_tensor input, double probability, uint64_t seed, gt_tensor keys, bool whole_rows, gt_tensor *out);

/// The shape of a ragged attention: row `r` owns queries `query_offsets[r] ..< query_offsets[r + 1]` and keys
/// likewise.
///
/// A query has a place among the row's keys: the last query that of the last key, unless `keys_behind` says otherwise.
/// Causality, windows and biases go by it.
typedef struct {
  int64_t rows;
  const int64_t *query_offsets;
  const int64_t *key_offsets;
  /// Where each row's keys end; null: where the next row's start.
  const int64_t *_Nullable key_ends;
  /// How many of each row's first keys are seen by all of its queries and have no place, as a prefix's; null: none.
  const int64_t *_Nullable key_fronts;
  /// How many of the row's keys lie behind the place of each query, not rising within a row; null: as many as queries.
  const int64_t *_Nullable keys_behind;
  /// Names of the rows: what a row's dropout mask depends on.
  const int64_t *row_keys;
  int64_t heads;
  int64_t key_heads;
  double scale;
  bool causal;
  /// With causality, how many keys a query sees, its own place included; 0: all before it.
  int64_t window;
  /// The column of the bias for a key at the query's own place.
  int64_t bias_origin;
  double dropout;
  uint64_t seed;
} gt_ragged;

/// softmax(scale * Q K^T) V for each row and head, without padding.
///
/// query [query tokens, heads * d], key and value [key tokens, key_heads * d]; the result is shaped as query.
/// Prefixes (null handles: none) of shape [prefix, key_heads * d] stand in front of the keys of every row; they are seen
/// by all of its queries and shift no place. `bias` (null handle: none) [heads, distances] is added to scaled scores:
/// column `bias_origin + k` for the key `k` places behind the query's own (in front of it if negative); nothing for
/// prefixes.
GT_API gt_ragged_attention(gt_tensor query, gt_tensor key, gt_tensor value, gt_tensor prefix_key,
                           gt_tensor prefix_value, gt_tensor bias, const gt_ragged *shape, gt_tensor *out);

// Losses (means over rows unless `sum`)

/// Cross entropy; class indices of -100 are ignored. `class_weights` may be a null handle.
/// With `sum`, the sum of the (weighted) losses instead of their mean.
GT_SAFE_API gt_cross_entropy(gt_tensor logits, gt_tensor labels, gt_tensor class_weights, double smoothing, bool sum,
                        gt_tensor *out);
GT_SAFE_API gt_binary_cross_entropy(gt_tensor logits, gt_tensor labels, bool sum, gt_tensor *out);
GT_SAFE_API gt_mse(gt_tensor predictions, gt_tensor labels, bool sum, gt_tensor *out);

// Gradients and steps

/// d loss / d inputs; an input that the loss does not reach gets zeros.
GT_API gt_grad(gt_tensor loss, const gt_tensor *inputs, int32_t count, gt_tensor *outs);
/// d (sum of outputs[i] * seeds[i]) / d inputs
GT_API gt_grad_seeded(gt_tensor output, gt_tensor seed, const gt_tensor *inputs, int32_t count, gt_tensor *outs);

typedef struct {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  int64_t step;
  /// The elements to update: `first ..< first + count`.
  int64_t first;
  int64_t count;
} gt_adamw;

/// One AdamW step (decoupled decay, bias-corrected) on a range of flat float32 buffers, in place, on this thread.
GT_SAFE_API gt_adamw_step(gt_tensor parameters, gt_tensor gradients, gt_tensor first_moment, gt_tensor second_moment,
                     const gt_adamw *settings);

// Random numbers

GT_SAFE_API gt_generator_new(uint64_t seed, gt_generator *out);
void gt_generator_free(gt_generator generator);
GT_API gt_normal(gt_generator generator, const int64_t *shape, int32_t rank, double mean, double deviation,
                 gt_tensor *out);
GT_API gt_uniform(gt_generator generator, const int64_t *shape, int32_t rank, double low, double high, gt_tensor *out);

// Ceilings

/// Floats in a vector register of the kernels that were chosen for this processor.
int32_t gt_vector_lanes(void);
/// The exclusive-or of the 64-bit words `first ..< first + count` of a contiguous CPU tensor: a read of its memory and
/// nothing else.
GT_SAFE_API gt_fold_words(gt_tensor tensor, int64_t first, int64_t count, uint64_t *out);

#ifdef __cplusplus
}
#endif

#pragma clang assume_nonnull end

#endif
