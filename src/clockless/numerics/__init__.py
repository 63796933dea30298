"""Numbers in lanes: vector rows, counter-based random numbers, sparse elimination."""
