"""Spectrograms and time stretching of waveforms in memory."""
