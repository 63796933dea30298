"""Whose the expected numbers of the figures on continuous time are."""

from clockless.papers.claims import Source

SENTENCE = Source("paper", "Wycoff et al. 2022, doi 10.1063/5.0084631, on entirely self-triggered updates")
COLLAPSE = Source("theory", "at small rates error depends on the number of updates alone (docs/equations.md)")
FRUGAL = Source("paper", "Stern et al., APL Mach. Learn. 2, 016114 (2024), doi 10.1063/5.0181382")
MARGIN = Source("none", "a margin of ours, stated before the run")
QUASISTATIC = Source("paper", "Stern et al. 2022, doi 10.1103/PhysRevResearch.4.L022037, arXiv 2112.11399")
NOISY = Source("theory", "small steps that hear white noise forget it after 1 / gamma updates (docs/equations.md)")
LOUD = Source("theory", "what is sensed of an error goes with the nudge, noise, bias and price do not (docs/equations.md)")
SETTLED = Source("theory", "where relaxation is fast edges act on settled states (docs/time.md)")
LAG = Source("theory", "one mode that lags: tau s^2 + s + gamma = 0 (docs/equations.md)")
