"""Nonlinear networks: edges with laws of their own, settled by Newton's method in lanes."""
