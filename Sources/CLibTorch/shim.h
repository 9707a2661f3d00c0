/// libtorch as a system library: the flags of `.libtorch/libtorch.pc`, which `make setup` writes.
///
/// This module exists for those flags alone. libtorch's headers are C++ and Swift never imports them:
/// CGraftTorch includes them behind a C interface. The one header named here is plain C and says which
/// libtorch the headers belong to (`TORCH_VERSION`).

#pragma once

#include <torch/headeronly/version.h>
