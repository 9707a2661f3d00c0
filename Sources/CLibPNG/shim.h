/// libpng as a system library. The module exists for its linker flags: CGraftVision alone includes it.

#pragma once

#include <png.h>
