"""What each figure shows, for the report."""

CAPTIONS = {
    "1": "Scaled test error of regression tasks against events per edge (left) and against the energy that the free network "
    "has dissipated (right): steps of a global clock, Poisson events, and edges that trigger themselves by their own "
    "signal. Left: geometric means over tasks and their 95 % intervals; right: a line for every task. Steps have no time, "
    "and so no energy.",
    "2": "Learning while the network relaxes, allosteric tasks on the board of sixteen edges. Left: one task at three "
    "ratios of the rate of learning to that of relaxation, all edges at once (p = 1). Middle: time after which the error "
    "stays below 1 % of the first, median over tasks; grey: in proportion to 1 / ratio. Right: share of tasks whose error "
    "rises again by a factor of two. Bands: 95 % intervals, of medians between order statistics, of shares after Wilson. "
    "Dotted: 1/4, the critical ratio of a single mode.",
    "3": "What learning costs. Mean resistance, power in the free state and step relative to the resistance over updates "
    "per edge, discrete rule on a board of 128 levels, allosteric tasks: solid with ideal comparators, dashed with a bias "
    "of up to sigma; medians over tasks. Right: last error against power over that at the start, edges that pay the price "
    "lambda for the power of the free state, at equal numbers of updates; medians over tasks.",
    "4": "How much noise learning stands, allosteric tasks on the board, geometric means over tasks and 95 % intervals. "
    "Left: mean error over the second half of a run against the thermal noise of a node, k_B T / C in units of the first "
    "squared error; networks relax for 1.5 times of their slowest mode between two ticks. Middle and right: the variance at "
    "which a task is just learned (to 1 % of its first error) over p, of heat and of readings in units of the first squared "
    "error, of writes in units of the wanted change, squared; with as many updates per edge for every p (middle), or as "
    "many ticks with updates larger by 1 / p (right). Grey: in proportion to p.",
    "5": "Clamping beyond the target and nudges that grow, allosteric tasks on the board, geometric means over tasks. Left: "
    "mean error over the second half of a run against the nudge, bands: 95 % intervals: readings with a noise of 10 mV, and "
    "the discrete rule with a bias of comparators of up to 50 mV; dotted: clamped at the target; grey: 1 / nudge^2. Middle: "
    "last error against power of edges that pay a price for power, at equal prices per unit of the nudge. Right: the same "
    "while edges that pay a price of 0.01 learn, at a small and at a large nudge and at nudges that grow from one to the "
    "other in six stages; squares: ends.",
    "6": "Learning while phases relax, one output of an XY lattice of 3 x 3 sites, equilibrium propagation. Left: one task "
    "at three ratios of the rate of learning to that of the slowest mode, all units at common ticks. Middle: time after "
    "which the cost where the phases would settle stays below 1 % of the first, median over tasks; grey: in proportion to "
    "1 / ratio. Right: share of tasks whose cost rises again by a factor of two. Bands: 95 % intervals, of medians between "
    "order statistics, of shares after Wilson. Dotted: 1/4, the critical ratio of a single mode.",
    "7": "Boards of 22 resistors that learn and ten diodes learn exclusive or, one example at a time; geometric means over "
    "boards and 95 % intervals. Left: squared error over its first value against events per edge, steps of a global clock, "
    "Poisson events, and edges that trigger themselves by their own signal, on boards that settle at once. Right: boards "
    "whose nodes have capacities, last fifth of 300 updates per edge, all edges at a tick or Poisson events: errors over "
    "those of the same board by ticks at the least ratio, against the time of the slowest mode over the mean time between "
    "two updates of an edge, for which an example is shown, too. Dotted: where an error counts as grown.",
}
"""What each figure shows, for the report."""
