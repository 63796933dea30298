"""XY networks whose phases take time: overdamped, warm if wanted, and pushed while they are still relaxing."""
