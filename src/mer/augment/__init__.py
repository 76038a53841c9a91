"""One waveform or spectrogram transform per module: draw, then apply."""
