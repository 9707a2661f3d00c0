// Element-wise operations, shapes and reductions.

#include <ATen/ops/add.h>
#include <ATen/ops/atan.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/div.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/erfinv.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/index_add.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/narrow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/square.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/transpose.h>
#include <ATen/ops/zeros.h>

#include "internal.h"

using namespace graft;

namespace {

at::Tensor unary(gt_unary_op op, const at::Tensor &a) {
  switch (op) {
    case gt_unary_op_relu: return at::relu(a);
    case gt_unary_op_gelu_tanh: return at::gelu(a, "tanh");
    case gt_unary_op_silu: return at::silu(a);
    case gt_unary_op_tanh: return at::tanh(a);
    case gt_unary_op_sigmoid: return at::sigmoid(a);
    case gt_unary_op_leaky_relu: return at::leaky_relu(a);
    case gt_unary_op_mish: return at::mish(a);
    case gt_unary_op_square: return at::square(a);
    case gt_unary_op_erfinv: return at::erfinv(a);
    case gt_unary_op_contiguous: return a.contiguous();
    case gt_unary_op_detach: return a.detach();
    case gt_unary_op_sqrt: return at::sqrt(a);
    case gt_unary_op_exp: return at::exp(a);
    case gt_unary_op_atan: return at::atan(a);
  }
}

at::Tensor binary(gt_binary_op op, const at::Tensor &a, const at::Tensor &b) {
  switch (op) {
    case gt_binary_op_add: return at::add(a, b);
    case gt_binary_op_sub: return at::sub(a, b);
    case gt_binary_op_mul: return at::mul(a, b);
    case gt_binary_op_div: return at::div(a, b);
    case gt_binary_op_matmul: return at::matmul(a, b);
  }
}

}  // namespace

gt_status gt_binary(gt_binary_op op, gt_tensor a, gt_tensor b, gt_tensor *out) {
  return guarded([&] { *out = own(binary(op, unwrap(a), unwrap(b))); });
}

gt_status gt_unary(gt_unary_op op, gt_tensor a, gt_tensor *out) {
  return guarded([&] { *out = own(unary(op, unwrap(a))); });
}

gt_status gt_affine(gt_tensor a, double factor, double term, gt_tensor *out) {
  return guarded([&] {
    auto result = factor == 1 ? unwrap(a) : at::mul(unwrap(a), factor);
    *out = own(term == 0 ? std::move(result) : at::add(result, term));
  });
}

gt_status gt_clamp(gt_tensor a, double low, double high, gt_tensor *out) {
  return guarded([&] { *out = own(at::clamp(unwrap(a), low, high)); });
}

gt_status gt_reshape(gt_tensor a, const int64_t *shape, int32_t rank, gt_tensor *out) {
  return guarded([&] { *out = own(at::reshape(unwrap(a), dims(shape, rank))); });
}

gt_status gt_transpose(gt_tensor a, int64_t first, int64_t second, gt_tensor *out) {
  return guarded([&] { *out = own(at::transpose(unwrap(a), first, second)); });
}

gt_status gt_narrow(gt_tensor a, int64_t dimension, int64_t start, int64_t length, gt_tensor *out) {
  return guarded([&] { *out = own(at::narrow(unwrap(a), dimension, start, length)); });
}

gt_status gt_cat(const gt_tensor *tensors, int32_t count, int64_t dimension, gt_tensor *out) {
  return guarded([&] { *out = own(at::cat(unwrap(tensors, count), dimension)); });
}

gt_status gt_index_select(gt_tensor a, int64_t dimension, gt_tensor indices, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(a);
    *out = own(at::index_select(x, dimension, beside(unwrap(indices), x, x.size(dimension))));
  });
}

gt_status gt_index_add(gt_tensor input, gt_tensor indices, int64_t rows, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(input);
    auto shape = x.sizes().vec();
    shape[0] = rows;
    *out = own(at::index_add(at::zeros(shape, x.options()), 0, beside(unwrap(indices), x, rows), x));
  });
}

gt_status gt_sum(gt_tensor a, int64_t dimension, bool all, bool keep, bool mean, gt_tensor *out) {
  return guarded([&] {
    const auto &x = unwrap(a);
    if (all) {
      *out = own(mean ? at::mean(x) : at::sum(x));
    } else {
      *out = own(mean ? at::mean(x, dimension, keep) : at::sum(x, dimension, keep));
    }
  });
}

gt_status gt_softmax(gt_tensor a, int64_t dimension, bool logarithm, gt_tensor *out) {
  return guarded([&] {
    *out = own(logarithm ? at::log_softmax(unwrap(a), dimension) : at::softmax(unwrap(a), dimension));
  });
}

gt_status gt_equal(gt_tensor a, gt_tensor b, bool *out) {
  return guarded([&] { *out = at::equal(unwrap(a), unwrap(b)); });
}
