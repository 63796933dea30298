"""Resistor networks in continuous time: every edge has its own events, and the network settles between any two."""
