#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "failure.h"

/// A progressive file may hold any number of scans of the whole image: more than this is an attack.
enum { MAXIMUM_SCANS = 500 };

struct error_state {
    struct jpeg_error_mgr manager;  // first, so that libjpeg's pointer to it is one to this
    jmp_buf exit;
    gv_status status;
    char *message;
};

static void on_error(j_common_ptr common) {
    struct error_state *errors = (struct error_state *)common->err;
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    errors->status = common->err->msg_code == JERR_OUT_OF_MEMORY ? GV_OUT_OF_MEMORY : GV_DAMAGED;
    snprintf(errors->message, GV_MESSAGE, "%s", text);
    longjmp(errors->exit, 1);
}

/// Damage inside the data is a warning, after which libjpeg goes on, as Pillow does; missing data is an error.
static void on_message(j_common_ptr common, int level) {
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF) on_error(common);
}

static void on_progress(j_common_ptr common) {
    struct error_state *errors = (struct error_state *)common->err;
    if (!common->is_decompressor) return;
    if (((j_decompress_ptr)common)->input_scan_number <= MAXIMUM_SCANS) return;
    errors->status = gv_fail(GV_DAMAGED, errors->message, "the file has more than 500 scans");
    longjmp(errors->exit, 1);
}

/// a * b / 255, rounded.
static inline int product(int a, int b) {
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

static void expand_grey(const uint8_t *row, uint8_t *rgb, uint32_t width) {
    for (uint32_t x = 0; x < width; ++x) memset(rgb + 3 * (size_t)x, row[x], 3);
}

/// Files store CMYK inverted, as Adobe's programs do.
static void convert_cmyk(const uint8_t *row, uint8_t *rgb, uint32_t width) {
    for (uint32_t x = 0; x < width; ++x, row += 4, rgb += 3) {
        for (int channel = 0; channel < 3; ++channel) {
            int value = row[3] - product(255 - row[channel], row[3]);
            rgb[channel] = value < 0 ? 0 : (uint8_t)value;
        }
    }
}

gv_status gv_decode_jpeg(
    const uint8_t *bytes, size_t count, gv_size *size, uint8_t *rgb, char *message) {
    struct jpeg_decompress_struct decoder;
    struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
    struct error_state errors = {.status = GV_OK, .message = message};
    // Set before the jump can happen and not changed after: their values hold in the error path.
    uint8_t *volatile row = NULL;
    memset(&decoder, 0, sizeof decoder);
    decoder.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = on_error;
    errors.manager.emit_message = on_message;
    if (setjmp(errors.exit)) {
        jpeg_destroy_decompress(&decoder);
        free(row);
        return errors.status;
    }
    jpeg_create_decompress(&decoder);
    decoder.progress = &progress;
    jpeg_mem_src(&decoder, bytes, count);
    jpeg_read_header(&decoder, TRUE);
    if (rgb == NULL) {
        *size = (gv_size){decoder.image_width, decoder.image_height};
        jpeg_destroy_decompress(&decoder);
        return GV_OK;
    }
    switch (decoder.num_components) {
    case 1: decoder.out_color_space = JCS_GRAYSCALE; break;
    case 3: decoder.out_color_space = JCS_RGB; break;
    case 4: decoder.out_color_space = JCS_CMYK; break;
    default: ERREXIT1(&decoder, JERR_COMPONENT_COUNT, decoder.num_components);
    }
    jpeg_start_decompress(&decoder);
    uint32_t width = decoder.output_width;
    if (!gv_fits(*size, width, decoder.output_height)) {
        jpeg_destroy_decompress(&decoder);
        return gv_fail(GV_DAMAGED, message, "the size is not what the header said");
    }
    row = malloc((size_t)width * (size_t)decoder.output_components);
    if (row == NULL) ERREXIT1(&decoder, JERR_OUT_OF_MEMORY, 0);
    while (decoder.output_scanline < decoder.output_height) {
        uint8_t *target = rgb + 3 * (size_t)width * decoder.output_scanline;
        JSAMPROW line = decoder.output_components == 3 ? target : row;
        if (jpeg_read_scanlines(&decoder, &line, 1) != 1) ERREXIT(&decoder, JERR_INPUT_EOF);
        if (decoder.output_components == 1) expand_grey(row, target, width);
        if (decoder.output_components == 4) convert_cmyk(row, target, width);
    }
    jpeg_destroy_decompress(&decoder);
    free(row);
    return GV_OK;
}
