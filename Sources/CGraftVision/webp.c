#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "failure.h"

static gv_status failed(VP8StatusCode status, char *message) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return gv_fail(GV_OUT_OF_MEMORY, message, "out of memory");
    case VP8_STATUS_NOT_ENOUGH_DATA: return gv_fail(GV_DAMAGED, message, "the file ends too early");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return gv_fail(GV_DAMAGED, message, "the file uses a feature that libwebp does not know");
    default: return gv_fail(GV_DAMAGED, message, "the data are damaged");
    }
}

/// The first frame of an animation, on a black canvas.
static gv_status decode_animation(
    const uint8_t *bytes, size_t count, gv_size size, uint8_t *rgb, char *message) {
    WebPData data = {bytes, count};
    WebPAnimDecoderOptions options;
    if (!WebPAnimDecoderOptionsInit(&options))
        return gv_fail(GV_DAMAGED, message, "libwebp's headers are of another version");
    options.color_mode = MODE_RGBA;
    options.use_threads = 0;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
    if (decoder == NULL) return gv_fail(GV_DAMAGED, message, "the animation cannot be opened");
    uint8_t *canvas;
    int timestamp;
    gv_status status = GV_OK;
    if (WebPAnimDecoderGetNext(decoder, &canvas, &timestamp)) {
        size_t pixels = (size_t)size.width * size.height;
        for (size_t pixel = 0; pixel < pixels; ++pixel) memcpy(rgb + 3 * pixel, canvas + 4 * pixel, 3);
    } else {
        status = gv_fail(GV_DAMAGED, message, "the first frame cannot be decoded");
    }
    WebPAnimDecoderDelete(decoder);
    return status;
}

gv_status gv_decode_webp(
    const uint8_t *bytes, size_t count, gv_size *size, uint8_t *rgb, char *message) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return gv_fail(GV_DAMAGED, message, "libwebp's headers are of another version");
    VP8StatusCode status = WebPGetFeatures(bytes, count, &config.input);
    if (status != VP8_STATUS_OK) return failed(status, message);
    uint32_t width = (uint32_t)config.input.width, height = (uint32_t)config.input.height;
    if (rgb == NULL) {
        *size = (gv_size){width, height};
        return GV_OK;
    }
    if (!gv_fits(*size, width, height))
        return gv_fail(GV_DAMAGED, message, "the size is not what the header said");
    if (config.input.has_animation) return decode_animation(bytes, count, *size, rgb, message);
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rgb;
    config.output.u.RGBA.stride = (int)(3 * width);
    config.output.u.RGBA.size = 3 * (size_t)width * height;
    status = WebPDecode(bytes, count, &config);
    return status == VP8_STATUS_OK ? GV_OK : failed(status, message);
}
