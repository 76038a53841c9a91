"""Artefacts, tables and pretrained weights, read from and written to the disk."""
