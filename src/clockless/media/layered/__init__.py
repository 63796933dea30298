"""Deep resistive networks: layers of nodes joined by conductances, with ideal diodes that keep hidden nodes on their side.

Scellier, 'A fast algorithm to simulate nonlinear resistive networks', ICML 2024, arXiv 2402.11674. `medium` is what a user
meets; `packing` says where parameters stand, `products` and `engine` compute in single precision, `reference` is the same
in NumPy and double precision, `learner` chooses between the two.
"""
