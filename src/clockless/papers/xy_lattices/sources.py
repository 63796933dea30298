"""Whose the expected numbers of the figures of phases are."""

from clockless.papers.claims import Source

ABSTRACT = Source("paper", "Wang, Wanjura, Marquardt, arXiv 2601.21945 (2026), abstract and summaries")
PREDECESSOR = Source(
    "paper", "the same authors, Neuromorph. Comput. Eng. 4, 034014 (2024), arXiv 2402.08579, and its notebooks"
)
EARLIER = Source("earlier run", "an independent NumPy implementation of ours, never published; its seeds are not known")
LINEAR = Source("theory", "linear response: the inverse Hessian of the free block (docs/equations.md)")
FLOW = Source("theory", "small steps follow one flow in step x p, whatever clock chooses the couplings (docs/equations.md)")
READING = Source("none", "our own reading of a claim, which the paper does not put this way")
SETTLED = Source("none", "relaxation reaches the residual that was asked for; whether ours does, no paper says")
