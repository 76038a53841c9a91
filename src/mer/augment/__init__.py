"""Transforms of a waveform, a module each: ``sample_parameters`` samples, ``apply`` transforms."""
