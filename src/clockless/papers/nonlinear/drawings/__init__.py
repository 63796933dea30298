"""Draws the figures of nonlinear networks."""
