"""The plain learner of physics that are not ours: what goes wrong in them marks their replica and ends nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clockless.learning.contracts import Arrays, Replica
from clockless.learning.plain import PlainLearner


class GuardedLearner(PlainLearner):
    """One replica that learns until it is done, or until something goes wrong; the first sentence that says what is kept.

    Attributes:
        trouble: this sentence; "" where all went well.
    """

    def __init__(self, replica: Replica, letters: int, traces: bool = False) -> None:
        super().__init__(replica, traces)
        self._letters, self.trouble, self._over = letters, "", False

    def advance(self, last: int) -> None:
        """Do the steps up to `last`; those after an error do nothing."""
        while self.step < last:
            if not self._over:
                self._try_to_learn()
            self.step += 1

    def _try_to_learn(self) -> None:
        before = self.values
        try:
            with np.errstate(all="ignore"):  # what is not finite is reported once, at the end
                self._learn()
        except Exception as error:  # noqa: BLE001 (code of the user's may raise anything; other replicas go on)
            self._note_trouble(error)
            self._over, self._seen["residual"] = True, np.nan
        if not np.isfinite(self.values).all():
            self.trouble = self.trouble or f"step {self.step}: a change was not finite; lower the rate."
            self.values, self._over, self._seen["residual"] = before, True, np.nan

    def _looked(self) -> Mapping[str, Any]:
        """As the plain learner; NaN where the test set cannot be looked at."""
        try:
            with np.errstate(all="ignore"):
                return super()._looked()
        except Exception as error:  # noqa: BLE001 (as above)
            self._note_trouble(error)
            return {"error": np.nan, "accuracy": np.nan}

    def state(self) -> Arrays:
        """What the plain learner needs, and what went wrong."""
        return {**super().state(), "trouble": self._told(), "over": np.array(self._over)}

    def restore(self, state: Arrays) -> None:
        """Take up such a state."""
        super().restore(state)
        self.trouble = sentence_of(state["trouble"])
        self._over = bool(state["over"])

    def results(self, recorded: Arrays) -> Arrays:
        """As the plain learner's; failed where the last state did not settle, too."""
        results = super().results(recorded)
        residual = self._seen["residual"]
        unsettled = not residual <= self.replica.medium.tolerated
        if unsettled and not self.trouble:
            self.trouble = f"a state did not settle: {residual:.1e} of the largest force was left."
        return {**results, "failed": results["failed"] | unsettled, "trouble": self._told()[None]}

    def _note_trouble(self, error: Exception) -> None:
        name = "" if str(error).startswith(type(self.replica.medium).__name__) else f"{type(error).__name__}: "
        self.trouble = self.trouble or f"step {self.step}: {name}{' '.join(str(error).split())}"

    def _told(self) -> np.ndarray:
        """The sentence as bytes [letter]."""
        told = np.frombuffer(self.trouble.encode()[: self._letters], dtype=np.uint8)
        return np.pad(told, (0, self._letters - told.size))


def sentence_of(letters: np.ndarray) -> str:
    """What bytes [letter] say."""
    return bytes(letters.astype(np.uint8)).rstrip(b"\0").decode(errors="ignore")
