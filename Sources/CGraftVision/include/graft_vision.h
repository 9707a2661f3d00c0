/// Decoding of image files behind a C interface: a status and out-parameters, every error of the
/// libraries caught. libjpeg and libpng report errors by `longjmp`, which stays inside each function.

#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma clang assume_nonnull begin

typedef int32_t gv_status;

enum {
    GV_OK = 0,
    /// The file is damaged, cut short, or of a kind that is not supported; the message says what.
    GV_DAMAGED = 1,
    GV_OUT_OF_MEMORY = 2,
};

enum {
    /// The bytes of a message, its end included.
    GV_MESSAGE = 256,
};

typedef struct {
    uint32_t width;
    uint32_t height;
} gv_size;

#define GV_API __attribute__((warn_unused_result)) gv_status

/// Decodes a file of one format to 8-bit RGB, rows from the top without gaps.
///
/// Grey is repeated, alpha dropped, palettes looked up, CMYK converted, 16 bits cut, all as Pillow's
/// `convert("RGB")` does.
///
/// - `bytes`, `count`: the file.
/// - `size`: receives the size; with `rgb`, holds the size that a call without it gave.
/// - `rgb`: room for 3 * width * height bytes, or NULL to read the size alone.
/// - `message`: room for `GV_MESSAGE` bytes; receives the reason unless the status is `GV_OK`.
GV_API gv_decode_jpeg(
    const uint8_t *bytes, size_t count, gv_size *size, uint8_t *_Nullable rgb, char *message);
GV_API gv_decode_png(
    const uint8_t *bytes, size_t count, gv_size *size, uint8_t *_Nullable rgb, char *message);
GV_API gv_decode_webp(
    const uint8_t *bytes, size_t count, gv_size *size, uint8_t *_Nullable rgb, char *message);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif
