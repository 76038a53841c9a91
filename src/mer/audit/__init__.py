"""Faults of a corpus: unusable and duplicate clips, label conflicts, artists on two sides of a split."""
