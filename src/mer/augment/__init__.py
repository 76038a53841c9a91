"""Transforms of a waveform, a module each: ``draw`` decides, ``apply`` does."""
