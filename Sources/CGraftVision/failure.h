/// What the decoders share: how they say that a file cannot be decoded.

#pragma once

#include <stdio.h>

#include "graft_vision.h"

static inline gv_status gv_fail(gv_status status, char *message, const char *reason) {
    snprintf(message, GV_MESSAGE, "%s", reason);
    return status;
}

/// Confirms that a file still has the size for which the caller made room.
static inline int gv_fits(gv_size room, uint32_t width, uint32_t height) {
    return room.width == width && room.height == height;
}
