"""One pipeline step per file; pure models and kernels below them."""
