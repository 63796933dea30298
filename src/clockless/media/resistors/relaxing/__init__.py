"""Resistor networks whose nodes have capacities: they relax between events instead of settling at once."""
