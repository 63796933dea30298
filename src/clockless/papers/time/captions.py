"""What each figure shows, for the report."""

CAPTIONS = {
    "1": "Scaled test error of regression tasks against events per edge (left) and against the energy that the free network "
    "has dissipated (right): steps of a global clock, Poisson events, and edges that trigger themselves by their own "
    "signal. Left: geometric means over tasks and their 95 % intervals; right: a line for every task. Steps have no time, "
    "and so no energy.",
}
