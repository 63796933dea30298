"""Resistor networks in continuous time: every edge has its own sequence of events, and the network settles between any two."""
