"""No step at all: what the desynchronous paper expects of edges that trigger themselves, in continuous time.

Wycoff et al., J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631, run their board by a global clock, and conclude
that 'the success at all values of p demonstrates that edges with entirely self-triggered updates should also function well'.
"""

from clockless.papers.time.boards import figure_7
from clockless.papers.time.captions import CAPTIONS as CAPTIONS
from clockless.papers.time.clamping import figure_5
from clockless.papers.time.noise import figure_4
from clockless.papers.time.phases import figure_6
from clockless.papers.time.power import figure_3
from clockless.papers.time.relaxing import figure_2
from clockless.papers.time.triggered import figure_1

TITLE = "Learning without any step: edges that trigger themselves, networks that still relax"
CITE = (
    "J. F. Wycoff et al., J. Chem. Phys. 156, 144903 (2022), doi 10.1063/5.0084631 (its outlook); "
    "M. Stern et al., Phys. Rev. Research 4, L022037 (2022), arXiv 2112.11399; "
    "M. Stern et al., APL Mach. Learn. 2, 016114 (2024), doi 10.1063/5.0181382"
)

FIGURES = {"1": figure_1, "2": figure_2, "3": figure_3, "4": figure_4, "5": figure_5, "6": figure_6, "7": figure_7}
