"""Trained systems applied to new songs."""
