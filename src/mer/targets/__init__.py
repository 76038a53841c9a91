"""Targets, what a system predicts of a clip: classes, or values of valence and arousal."""
