"""Whose the expected numbers of the figures on nonlinear networks are."""

from clockless.papers.claims import Source

TABLE = Source("paper", "Scellier, ICML 2024, arXiv 2402.11674, table of test and training errors on MNIST")
REPORTED = Source("paper", "PyCLLN (Ma-Lab-Cal, 2026), its report on exclusive or")
BEFORE = Source(
    "earlier run",
    "master seed 11, 40,000 updates: 20 and 16 of 64 by the continuous rule at p = 1 and 0.2, none by the sign rule",
)
PLANE = Source(
    "theory", "outputs of linear resistors are affine in their inputs; exclusive or leaves (asked difference)^2 / 4"
)
ENERGY = Source(
    "theory", "centred equilibrium propagation is the gradient up to the square of the nudge (docs/equations.md)"
)
LIMIT = Source("theory", "far above its threshold a transistor's current is linear in the drop, so it has an energy")
LEVELLED = Source("earlier run", "master seed 21: p = 0.2 ends lower on the coarsest levels, and solves more with diodes")
LARGE = Source("earlier run", "master seed 21: on 128 edges p = 0.2 ends lower by the sign rule, most so at equal steps")
OPEN = Source("none", "nobody has said what to expect; neither is the cautious guess")
GUESS = Source("none", "the paper names dropout and does not compare; the direction is our guess, stated before the run")
LINEAR = Source("earlier run", "figure dropout: on linear networks absent edges end higher, by 1.8 and 3.0 decades")
PURPOSE = Source("none", "what dropout is for elsewhere (Srivastava et al. 2014); on circuits nobody has said")
TRUTH = Source("earlier run", "figure truth, master seeds 21 and 1: small steps end alike at every p")
PATIENCE = Source("none", "whether chance costs more than time, nobody has said")
REPORTED_REGRESSION = Source("paper", "PyCLLN (Ma-Lab-Cal, 2026), its nonlinear regression on a 4 x 4 torus, supplement 2")
ORDER = Source("paper", "Dillavou et al., PNAS 121, e2319718121 (2024), arXiv 2311.00537: mean, slope, curvature")
REFUTED = Source("paper", "Dillavou et al., arXiv 2311.00537: tasks that no linear system can do")
BENT = Source("theory", "outputs of linear resistors are affine in their inputs: the best line is what they reach")
