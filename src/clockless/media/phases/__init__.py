"""XY networks: phases that settle one site at a time and learn by the forces between them."""
