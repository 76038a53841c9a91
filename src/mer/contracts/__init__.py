"""What each kind of part must offer, as protocols, and the checks of parts against them."""
