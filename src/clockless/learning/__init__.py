"""How anything learns: what a medium promises, and the loop that follows a learner from record to record."""
