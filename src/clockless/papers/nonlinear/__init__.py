"""Nonlinear networks."""
