"""Linear resistor networks that learn by adjusting their edges, many replicas side by side in lanes."""
