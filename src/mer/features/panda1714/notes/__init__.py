"""Notes of the melody, and their descriptors."""
