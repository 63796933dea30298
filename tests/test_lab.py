"""The live page without a browser: what it may choose, ask and break, and that its Python repeats the bits."""

from __future__ import annotations

import hashlib
import json
import queue
import re
from pathlib import Path

import numpy as np
import pytest

import clockless as cl
from clockless.errors import ClocklessError, DescriptionError, ParameterError

pytest.importorskip("starlette", reason="the live page needs the extra `lab`")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from clockless.lab import messages
from clockless.lab.as_python import python_of, study_of
from clockless.lab.board import Board
from clockless.lab.forms import forms, own_kinds
from clockless.lab.frames import packed, unpacked
from clockless.lab.guard import Guard
from clockless.lab.server import BROKEN, REFUSED, STATIC, TOO_MUCH, Lab
from clockless.lab.session import Session
from clockless.lab.settings import PRESETS, checked

FORMS = forms({})
HOST = "127.0.0.1:8377"
HEADERS = {"host": HOST, "origin": f"http://{HOST}"}
PAGE = Path(__file__).parents[1] / "page"


def preset(place: int = 0, **changes: object) -> dict:
    return {**PRESETS[place]["setting"], **changes}


def repeated(board: Board) -> None:
    """The Python of a board has its parameters and its errors, bit for bit."""
    found: dict = {}
    exec(python_of(board), found)
    run, mine = found["run"], board._run()
    np.testing.assert_array_equal(run.data.parameters, mine.data.parameters)
    np.testing.assert_array_equal(run.error[..., -1], mine.error[..., -1])


# --- the board ---------------------------------------------------------------------------------------------------------


def test_python_repeats_whatever_was_done_to_a_board(tmp_path):
    board = Board(checked(preset(replicas=3, network={"kind": "board16"}), FORMS))
    board.advance(7)
    repeated(board)
    study = cl.Experiment.of(_yaml(study_of(board)))
    run = cl.run(study, tmp_path / "unchanged", cl.Workers(threads=1)) if hasattr(study, "never") else None
    assert run is None
    for step, p in ((4, 0.25), (3, 0.75), (2, 0.5)):
        board.turn("clock", "p", p)
        board.advance(step)
    board.turn("clock", "p", 0.9)  # nothing happens with it
    board.turn("rule", "rate", 0.1)
    board.advance(3)
    board.cut(5)
    board.advance(4)
    free = next(k for k in range(9) if k not in (*board.task.inputs, *board.task.outputs, *board.task.ground))
    board.hold(free, 0.25)
    board.turn("rule", "nudge", 0.2)
    board.advance(5)
    text = python_of(board)
    assert "for steps, p in [(4, 0.25), (3, 0.75), (2, 0.5)]:" in text
    assert "network.without(5)" in text
    repeated(board)
    assert board.step == 28


def _yaml(text: str) -> dict:
    import yaml

    return yaml.safe_load(text)
