"""Descriptors that panda1714 computes from the waveform and its spectra."""
