#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "failure.h"

struct source {
    const uint8_t *bytes;
    size_t left;
};

static void on_error(png_structp png, png_const_charp reason) {
    snprintf(png_get_error_ptr(png), GV_MESSAGE, "%s", reason);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    struct source *source = png_get_io_ptr(png);
    if (count > source->left) png_error(png, "the file ends too early");
    memcpy(target, source->bytes, count);
    source->bytes += count;
    source->left -= count;
}

/// Pillow takes grey of 16 bits for numbers and not for brightness: 256 and more are white.
static void saturate(png_structp png, png_row_infop info, png_bytep row) {
    (void)png;
    size_t samples = info->rowbytes / 2;
    for (size_t index = 0; index < samples; ++index)
        row[index] = row[2 * index] != 0 ? 255 : row[2 * index + 1];
    info->bit_depth = 8;
    info->pixel_depth = 24;
    info->rowbytes = samples;
}

/// Asks libpng for 8-bit RGB whatever the file holds.
static void request_rgb(png_structp png, png_infop info) {
    int color = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    if (color == PNG_COLOR_TYPE_GRAY && depth == 16) {
        png_set_read_user_transform_fn(png, saturate);
        png_set_user_transform_info(png, NULL, 8, 3);
    } else {
        png_set_strip_16(png);
    }
    png_set_interlace_handling(png);
}

gv_status gv_decode_png(
    const uint8_t *bytes, size_t count, gv_size *size, uint8_t *rgb, char *message) {
    struct source source = {bytes, count};
    png_infop info = NULL;
    // Set before the jump can happen and not changed after: its value holds in the error path.
    png_bytep *volatile rows = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, on_error, on_warning);
    if (png == NULL) return gv_fail(GV_OUT_OF_MEMORY, message, "libpng cannot start");
    info = png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return gv_fail(GV_OUT_OF_MEMORY, message, "libpng cannot start");
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        free(rows);
        return GV_DAMAGED;
    }
    png_set_read_fn(png, &source, read_bytes);
    png_read_info(png, info);
    uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    if (rgb == NULL) {
        *size = (gv_size){width, height};
        png_destroy_read_struct(&png, &info, NULL);
        return GV_OK;
    }
    request_rgb(png, info);
    png_read_update_info(png, info);
    if (!gv_fits(*size, width, height) || png_get_rowbytes(png, info) != 3 * (size_t)width)
        png_error(png, "the size is not what the header said");
    rows = malloc(height * sizeof *rows);
    if (rows == NULL) png_error(png, "out of memory");
    for (uint32_t y = 0; y < height; ++y) rows[y] = rgb + 3 * (size_t)width * y;
    png_read_image(png, rows);
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    return GV_OK;
}
