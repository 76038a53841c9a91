"""Spectrograms, and the library Essentia."""
