"""Whose the expected numbers of the figures of modules are."""

from clockless.papers.claims import Source

BISONG = Source("paper", "Bisong, arXiv 1712.08314, abstract (no setting of it is known)")
JADERBERG = Source("paper", "Jaderberg et al. 2017, arXiv 1608.05343")
EARLIER = Source("earlier run", "an independent implementation of ours in the same setting, three seeds, never published")
FLOW = Source("theory", "small steps follow one flow in step x p, whatever p is (docs/equations.md)")
COUNTED = Source("theory", "bounds by multiply-adds of layers and interfaces (docs/decoupled.md)")
DESCENT = Source(
    "theory",
    "an interface is fitted to the gradient, or to what the next interface says of it: its share of that points downhill",
)
REACHED = Source("none", "whether our runs get far enough to be compared, no paper says")
