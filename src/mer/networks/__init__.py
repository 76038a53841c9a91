"""What networks share: layers, whole networks that several modules need, weights that a user brings."""
