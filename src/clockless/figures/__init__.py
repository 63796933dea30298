"""Draws the figures of papers from their data; a module per paper, under the same stem as in `clockless.papers`.

Each has `DRAW`, which maps a figure's name to a function of its datasets that returns a matplotlib figure.
"""
