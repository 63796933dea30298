"""What each figure shows, for the report."""

CAPTIONS = {
    "1a": "A packing of 64 nodes and 143 edges with the nodes of one regression task and the resistances that it learned.",
    "1b": "Scaled test error of 50 regression tasks, one example per step, for three pairs of nudge and rate: against "
    "mean updates per edge (left; the curves fall together) and against steps (right). Bands: 95 % interval of the mean "
    "over tasks.",
    "1b-far": "The tasks of Fig. 1b until every p has made equally many updates, so that p = 0.1 runs ten times as many "
    "steps. Top: geometric mean of each task's error against that at p = 1 (90 % bands; dashed: the margin within which we "
    "call errors equal). Bottom: the error of every task at the end, with the median and the middle half.",
    "2a": "Distance of the solution from the synchronous full-batch one, 16-edge board, probabilistic edges and examples.",
    "2b": "The same with a constant number of edges and examples per step.",
    "2c": "What bends the law: larger steps, and targets that no resistances can meet. Top right: the deviation from the "
    "synchronous run with examples left out, as scatter between seeds and a drift that they share, of second order. "
    "Intervals: 90 %.",
    "3a": "Fraction of acting edges against the global bias voltage, measured and from the exponential waveform.",
    "3b": "Waveforms of a few oscillators, the bias voltage and the trigger; an edge acts where its wave is above it.",
    "3c": "Correlation of the updates of pairs of edges at p = 0.5.",
    "3d": "Loss of the common phase after a reset, and learning with oscillators against learning with coins.",
    "4a": "Discrete rule, 16-edge board whose comparators have frozen biases, allosteric tasks: scaled error against step x "
    "p; left one task, as it is (thin) and averaged over steps within a factor 1.3 (thick); right the mean over tasks with "
    "its 95 % interval.",
    "4b": "Three resistors in the runs of Fig. 4a's single task: the whole run, and its last steps. At p = 1 it ends in a "
    "cycle of period 1 or 2; at p = 0.5 motion never ceases.",
    "4c": "Final error of the board on allosteric tasks against p, for several x = bias / (gain nudge signal).",
    "4d": "143 edges, O inputs, O outputs, O/2 grounds, x = 1e-4: mean final error against p, for targets drawn at random "
    "(which 143 edges cannot meet from about O = 16 on) and for a teacher's (always within reach), and the benefit of p = "
    "0.2 and p = 0.8 against O. Bars: 95 % intervals over tasks, by bootstrap for arithmetic means.",
    "4e": "Regression: final error against p, 143 edges and the 16-edge board, for maps drawn at random and for those of a "
    "teacher. Bars: 95 % intervals over tasks, by bootstrap for arithmetic means.",
    "4f": "Where p = 0.2 ends lower than p = 1 on the board: over bias and nudge (left), and against x (right), with the "
    "horizon, the range of resistances and the kind of bias varied.",
    "4g": "Final errors of 50 regression tasks on the board: continuous learning, and the discrete rule without bias.",
    "b1": "Beyond the paper: learning on conductances, and discrete levels of conductance beside levels of resistance.",
    "b2": "Beyond the paper: packings from 64 nodes up; updates per edge to a tenth of the error, and the benefit of p < 1.",
    "b3": "Beyond the paper: an edge is cut every so many steps; error and recovery for several p.",
}
