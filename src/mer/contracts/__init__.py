"""Protocols that the kinds of parts satisfy, and the checks of parts against them."""
