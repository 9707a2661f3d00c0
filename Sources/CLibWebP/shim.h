/// libwebp as a system library. The module exists for its linker flags: CGraftVision alone includes it.

#pragma once

#include <webp/decode.h>
#include <webp/demux.h>
