#ifndef GRAFT_CZLIB_SHIM_H
#define GRAFT_CZLIB_SHIM_H

#include <zlib.h>

// zlib spells this call as a macro, which Swift does not import. Adding 16 to the window size makes zlib
// expect a gzip header and check the trailer's CRC and length.
static inline int czlib_inflate_init_gzip(z_streamp stream) {
    return inflateInit2(stream, MAX_WBITS + 16);
}

#endif
