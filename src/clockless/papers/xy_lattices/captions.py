"""What each figure shows, for the report."""

CAPTIONS = {
    "a": "8 x 8 digits, first 100 of each to learn from and next 70 as test set: 64-N-10 layers and all-to-all networks "
    "with as many parameters, plain descent 0.1, nudge 0.1, 300 samples a step. Left: accuracy of the checkpoint that"
    " is best on the test set (which flatters), of the one with the lowest training cost, and of the last step; "
    "stars: arXiv 2402.08579, best checkpoint. Right: during training. Bars and bands: 95 % intervals of the mean "
    "over seeds. Couplings between held inputs, which do nothing, are not counted.",
    "b1": "Exclusive or on five sites, all joined: cost of every run against epochs, relaxed colour by colour and at "
    "Poisson times without any clock, with the median in black; and the share of runs below a cost. Grey lines: 0.01,"
    " about zero, and 1/8, below which every output is on its side.",
    "b2": "Exclusive or on 20 and 30 sites, all joined: cost near epoch 1,000 against the number of initial states per "
    "sample. Left: mean with its 95 % bootstrap interval, and median; stars: arXiv 2402.08579. Right: every run.",
    "b3": "Exclusive or on square lattices: where inputs and output are (top; numbers: the abscissa below), and the share "
    "of runs whose outputs all end on their side, with 95 % Wilson intervals (below). Adam 0.03, 16 initial states, "
    "1,000 epochs.",
    "c": "Irises, 100 to learn from and 50 to be tested on, over splits: accuracy after 1,000 full-batch steps against the"
    " lattice's side, by descent (left) and Adam (middle), with inputs and outputs in the top and bottom row or in "
    "neighbouring rows; and during training (right). Bars and bands: 95 % intervals of the mean over splits.",
    "d": "8 x 8 digits, random splits of 1,437 and 360, Adam 0.003: digits missed against the number of couplings, with "
    "and without those of the readout (left), and paired differences of accuracy to dense 64-100-10 and to a dense "
    "network with as many couplings, interpolated (right; numbers of couplings in brackets; dashed: the margin of 1 "
    "point). Fields h and psi, which learn as well, are not counted. Bars: 95 % intervals of the mean over splits.",
    "e": "Exclusive or on a 7 x 7 square lattice, inputs (triangles upwards) 1 or 3 bonds from the central output (triangle "
    "downwards), with and without bonds of length 2 besides: mean response to a torque at the output, and couplings "
    "(width; solid: positive, dashed: negative) of one run over training, from W ~ N(0, 1/couplings), h = 0. Below: means "
    "over 16 seeds with 95 % intervals. Affected: a tenth of the output's own response or more. Contrast: 10 to 90 % "
    "quantiles of log10 of the response; strong fields: the same training from |h| up to 0.5.",
    "f1": "Beyond the papers: digits, plain descent 0.1, 50 samples a step, couplings that act at times of their own; test "
    "cost relative to its start against updates per coupling, where the curves fall together, and against steps. Bands: "
    "95 % intervals of the mean over splits.",
    "f2": "Beyond the papers: couplings with few levels from -1 to 1. Accuracy after 600 steps against p, by the sign rule "
    "(always one level) and by the proportional rule (rounded), and what p < 1 gains, paired by split. Bars: 95 % "
    "intervals.",
    "f3": "Beyond the papers: relaxation that stops at a residual, while learning and when tested. Accuracy after 600 "
    "steps, sweeps, and the error of the gradient in W against the exact one at the settled state, after training, for "
    "two nudges. Bars: 95 % intervals over splits.",
    "mnist": "MNIST: test accuracy of a dense hidden layer and of one whose sites see windows of 6 x 6 pixels. Bands: 95 % "
    "intervals of the mean over seeds.",
}
