"""One module per corpus layout: tracks(root) -> list[Track]."""
