"""What each figure shows, for the report."""

CAPTIONS = {
    "cosine": "Coupled learning (nudge 0.1) against the exact gradient of the error by the adjoint equation: cosine of the "
    "two on random 4 x 4 tori with the wiring, rails and inputs of PyCLLN's XOR, against the mean overdrive of the gates "
    "(V_G - .75 V, each uniform within .25 V of it). Lines: medians over boards, bands: 5 to 95 %.",
    "xor": "PyCLLN's exclusive or on 4 x 4 tori of level-1 transistors: squared error of the difference over that at "
    "step 0, every board a line, those that solve all four examples at the end in blue; and the share of boards "
    "that solve them at an epoch with its 95 % Wilson interval, and that published for 5 seeds.",
}
