"""Synthetic corpora, rendered with NumPy in the layout of a published one."""
