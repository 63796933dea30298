"""The coefficients of RODAS, a Rosenbrock method for stiff equations: order 4, L-stable and stiffly accurate, six stages.

For y' = f(y) with Jacobian J a step of length h solves six linear systems with one matrix (Hairer and Wanner, Solving
Ordinary Differential Equations II, 1996, sections IV.7 and VI.4),

    (1 / (h GAMMA) - J) u_i = f(y + sum over j < i of A[i, j] u_j) + sum over j < i of C[i, j] u_j / h,

and its result is y + sum of A[5, j] u_j + u_5, of which u_5, the difference to a method of order 3, estimates the error.
Newton's method is not needed, and currents that grow exponentially cannot send an iteration astray: a step that was too long
has a large error, or is not finite, and is made again with a shorter one.
"""

from __future__ import annotations

import numpy as np

STAGES = 6
GAMMA = 0.25
ORDER = 4

A = np.zeros((STAGES, STAGES))
A[1, :1] = 1.544
A[2, :2] = 0.9466785280815826, 0.2557011698983284
A[3, :3] = 3.314825187068521, 2.896124015972201, 0.9986419139977817
A[4, :4] = 1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950
A[5, :4] = A[4, :4]
A[5, 4] = 1.0

C = np.zeros((STAGES, STAGES))
C[1, :1] = -5.6688
C[2, :2] = -2.430093356833875, -0.2063599157091915
C[3, :3] = -0.1073529058151375, -9.594562251023355, -20.47028614809616
C[4, :4] = 7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160
C[5, :5] = 8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054
