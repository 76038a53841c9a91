"""What panda1714 measures of the waveform and its spectra."""
