"""Spectrograms, time stretching of waveforms, and the library Essentia."""
