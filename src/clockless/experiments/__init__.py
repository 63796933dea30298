"""Experiments as plain data: what a description can name, its axes, its files."""
