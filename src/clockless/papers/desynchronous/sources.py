"""Whose the expected numbers of the desynchronous figures are."""

from clockless.papers.claims import Source

WYCOFF = Source("paper", "Wycoff et al., J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631")
FLOW = Source("theory", "small steps follow one flow in step x p, whatever p, nudge and rate are (docs/equations.md)")
DIFFUSION = Source("theory", "linear theory of the diffusion matrices, no free number (docs/equations.md)")
SCALING = Source(
    "theory", "an edge's signal is proportional to gain x nudge x V, so bias enters as x = bias / (gain nudge V)"
)
OSCILLATORS = Source("theory", "closed forms for log-normal periods and uniform phases (docstrings of the figure's code)")
