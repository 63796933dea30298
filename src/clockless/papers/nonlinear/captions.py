"""What each figure shows, for the report."""

CAPTIONS = {
    "cosine": "Coupled learning (nudge 0.1) against the exact gradient of the error by the adjoint equation: cosine of the "
    "two on random 4 x 4 tori with the wiring, rails and inputs of PyCLLN's XOR, against the mean overdrive of "
    "the gates (V_G - .75 V, each uniform within .25 V of it). Lines: medians over boards, bands: 5 to 95 %.",
    "xor": "PyCLLN's exclusive or on 4 x 4 tori of level-1 transistors: squared error of the outputs' difference, every "
    "board a line, those that solve all four examples at the end in blue; boards of linear resistors reach the best plane, "
    "no further. Right: the share of boards that solve it at an epoch, with its 95 % interval, and that published for 5.",
    "regression": "A bent line of eight examples on 4 x 4 tori of level-1 transistors. Left: what PyCLLN's board shows, "
    "all gates at 3 V at first, along training. Middle: its mean squared error, with and without what its netlist has "
    "besides channels. Right: the share of runs that end at or below an error, over one wiring (two rails, input, output) "
    "of each class under the torus' symmetries, from equal gates and from random ones.",
    "modes": "The error of 4 x 4 boards that learn the same line, by modes: root mean squares over boards of its parts "
    "along orthonormal polynomials of degree 0 (mean), 1 (slope) and 2 (curvature) of the input, with 95 % bootstrap "
    "intervals. Boards of level-1 transistors, of ohmic transistors, and of linear resistors, which keep the curvature.",
    "truth": "Above, the share of 64 boards that solve a task when each unit acts with probability p, with its 95 % Wilson "
    "interval; below, the mean log10 ratio of their errors to those at p = 1, with its 95 % interval: "
    "by the continuous rule (circles) and the sign rule with levels of 2 mV (squares), after the same number of "
    "updates per unit (filled) and after the same number of steps (open). Transistor tori, 32 edges (iris: 72).",
    "levels": "Share of 64 boards that solve exclusive or against the number of levels of what learns, by the sign rule, "
    "and by the continuous rule without levels, at p = 0.2 (filled) and p = 1 (open), with 95 % Wilson intervals, 10,000 "
    "updates: transistor tori, and resistors with a diode in every third edge.",
    "biases": "Share of 64 boards of resistors and diodes that solve exclusive or by the sign rule, 128 levels, against the "
    "bias of their comparators, uniform from 0 to so many mV, frozen for each edge or new in each step; 10,000 updates, "
    "p = 0.2 (filled) and p = 1 (open), 95 % Wilson intervals.",
    "twins": "Share of 64 boards that solve exclusive or by the continuous rule, 10,000 updates: twin networks whose gate "
    "voltages differ by so many millivolts (standard deviation, frozen), and voltages that fluctuate by (kT/C)^(1/2); "
    "p = 0.2 (filled) and p = 1 (open), 95 % Wilson intervals.",
    "sizes": "Tori of 128 and 968 transistors: mean log10 ratio of the error at p = 0.2 to that at p = 1 on the same "
    "boards, at equal step x p (filled) and at equal steps (open), with 95 % intervals; 64 boards, 5,000 updates; 8, 1,500.",
    "levels-product": "The product of two voltages by the sign rule, 8 to 128 levels, on 64 boards of transistors, and of "
    "resistors with a diode in every third edge: mean log10 ratio of the error at p = 0.2 to that at p = 1 on the same "
    "boards, at equal step x p (filled) and at equal steps (open), with 95 % intervals; 10,000 updates.",
    "digits": "Handwritten digits of 8 x 8 pixels on boards of 1,836 transistors, each pixel joined to six hidden nodes and "
    "to the outputs: share of 300 test digits that is wrong, and mean log10 ratio of errors to those at p = 1 on the same "
    "boards, against p: by the continuous rule (circles) and the sign rule with 128 levels (squares), after 600 updates per "
    "unit (filled) and after 600 steps (open); 8 boards, 95 % intervals.",
    "dropout": "Test error of linear regression on 143 edges at equal step x p: edges that do not act in a step stay where "
    "they are, or are absent from it. Geometric means over 32 tasks with 95 % intervals.",
    "dropout-circuits": "Transistor boards of 32 edges at equal step x p: edges that do not act stay as they are (circles) "
    "or are absent from the step (squares), by both rules. Squared errors of the test set (filled) and of the examples "
    "learned from (open), geometric means over 32 boards with 95 % intervals; 5,000 updates.",
    "drn": "Deep resistive networks on MNIST, centred equilibrium propagation, four examples a step: part of the test set "
    "(solid) and of the examples learned from in an epoch, as they came (dashed), that is classified wrongly. Bands: 95 % "
    "intervals of the mean over seeds, if there are several. Stars and crosses: arXiv 2402.11674, test and training error.",
    "drn-clocks": "One hidden layer of 100 nodes (XS), nodes that act with probability p in each step: a node that does not "
    "act leaves the conductances from the layer below and its own current as they are. Test error against epochs, where p "
    "costs, and against epochs × p, updates of a node; and after two epochs against p. Bands and bars: 95 % intervals of "
    "the mean over seeds.",
}
