"""Makes the names of these files distinct from those beside them."""
