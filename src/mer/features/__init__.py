"""One folder per family of handcrafted features, its data files included."""
