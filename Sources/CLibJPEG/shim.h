/// libjpeg-turbo as a system library. The module exists for its linker flags: CGraftVision alone includes it.

#pragma once

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>
