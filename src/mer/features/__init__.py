"""Families of features, a folder each, its data files included."""
