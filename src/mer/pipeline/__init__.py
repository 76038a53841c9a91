"""The functions that the DVC stages call, a module per stage."""
