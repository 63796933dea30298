"""The command clockless."""
