"""Untrusted audio files, decoded in a process of their own."""
