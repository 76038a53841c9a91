"""One module or sub-package per family of handcrafted features."""
