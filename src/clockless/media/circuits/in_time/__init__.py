"""Circuits in continuous time: every edge has its own events; between them the circuit settles, or relaxes."""
