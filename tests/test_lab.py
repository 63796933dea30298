"""The live page without a browser: what it may choose, ask and break, and that its Python repeats the bits."""

from __future__ import annotations

import hashlib
import json
import queue
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

import clockless as cl
from clockless.errors import ClocklessError, DescriptionError, ParameterError
from clockless.experiments.experiment import unpacked as unpacked_numbers

pytest.importorskip("starlette", reason="the live page needs the extra `lab`")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from clockless.commands.main import main
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


def test_python_repeats_whatever_was_done_to_a_board():
    board = Board(checked(preset(replicas=3), FORMS))
    board.advance(7)
    repeated(board)
    for steps, p in ((4, 0.25), (3, 0.75), (2, 0.5)):
        board.turn("clock", "p", p)
        board.advance(steps)
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


@pytest.mark.parametrize("place", [2, 3, 4, 5], ids=[PRESETS[k]["name"] for k in (2, 3, 4, 5)])
def test_python_repeats_every_medium(place):
    board = Board(checked(preset(place), FORMS))
    board.advance(4)
    section, path = ("clock", "threshold") if place == 3 else ("rule", "nudge")
    board.turn(section, path, 0.05)
    board.advance(3)
    if place != 4:
        board.cut(3)
        board.advance(2)
    repeated(board)
    state = board.state(board.parameters()[0], 0)
    assert np.isfinite(state).all()
    assert board.on_edges(board.parameters()[0]).shape == (len(getattr(board.wiring, "network", board.wiring).edges),)


def test_a_study_is_what_is_on_the_screen(tmp_path):
    """Unchanged it gives the bits of the board; after a change it begins with the parameters that the board has."""
    board = Board(checked(preset(replicas=2), FORMS))
    board.advance(6)
    experiment = cl.Experiment.of(yaml.safe_load(study_of(board)))
    store = cl.run(experiment, tmp_path / "store", cl.Workers(threads=1), progress=False)
    np.testing.assert_array_equal(store.dataset().parameters, board._run().data.parameters)
    board.turn("clock", "p", 0.6)
    board.cut(2)
    later = cl.Experiment.of(yaml.safe_load(study_of(board)))
    np.testing.assert_array_equal(unpacked_numbers(later.initial["values"]), board._run().data.parameters)
    assert later.initial["after"] == board._run().data.parameters.attrs["after"]
    assert later.clock[1]["p"] == 0.6
    assert len(later.network["edges"]) == 15


def test_a_refused_change_leaves_the_board_as_it_was():
    ring = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 0], [4, 5]]
    board = Board(checked(preset(network={"kind": "edges", "edges": ring}), FORMS))
    board.advance(3)
    before, setting = board._run().data.parameters, board.setting
    for change, why in (
        (lambda: board.turn("clock", "p", 0.0), "0 < p"),
        (lambda: board.turn("clock", "kind", 1.0), "no number"),
        (lambda: board.turn("task", "seed", 1.0), "no knobs"),
        (lambda: board.cut(99), "does not exist"),
        (lambda: board.cut(5), "the only one of node 5"),
        (lambda: board.hold(99, 0.1), "does not exist"),
        (lambda: board.hold(board.task.outputs[0], 0.1), "an output"),
    ):
        with pytest.raises(ClocklessError, match=why):
            change()
    np.testing.assert_array_equal(before, board._run().data.parameters)
    assert board.setting == setting
    board.advance(2)
    repeated(board)


def test_events_that_the_page_sees_are_those_of_the_history():
    """A watched learner gives every event once, in order, and its bits are those of one that nobody watches."""
    board = Board(checked(preset(3), FORMS))
    seen = []
    for _ in range(5):
        board.advance(1)
        seen.append(np.stack(board.events()))
    times, edges = np.concatenate(seen, axis=1)
    parts = {"rule": board.replica.rule, "clock": board.replica.clock}
    history = board.medium.history(board.task, 5.0, **parts, initial=1.0)
    np.testing.assert_array_equal(times, history.times)
    np.testing.assert_array_equal(edges, history.edges)
    assert times.size > 5
    repeated(board)


# --- forms -------------------------------------------------------------------------------------------------------------

OWN = """
from clockless.parts.part import part


@part
class Eager:
    threshold: float = 0.001

    def acts(self, unit):
        return abs(unit.signal) > self.threshold


@part
class Rough:
    grain: float

    def writes(self, unit):
        return unit.value + unit.wanted
"""


def test_forms_come_from_signatures_and_keep_files_and_processes_out():
    assert FORMS["clock"]["bernoulli"]["fields"] == [{"name": "p", "type": "float", "optional": False}]
    assert FORMS["device"]["levels"]["fields"][0] == {"name": "count", "type": "int", "optional": False, "default": 128}
    comparator = next(f for f in FORMS["device"]["levels"]["fields"] if f["name"] == "comparator")
    assert comparator["type"] == "part"
    assert comparator["section"] == "comparator"
    assert "probability p" in FORMS["clock"]["bernoulli"]["about"]
    assert "bench" not in FORMS["medium"]
    assert not any("mnist" in kind for kind in FORMS["task"])
    assert not any(
        f["name"] in ("folder", "command") for kinds in FORMS.values() for k in kinds.values() for f in k["fields"]
    )


def test_own_parts_appear_and_learn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    kinds = own_kinds([tmp_path / "mine.py"])
    assert kinds == {"mine.py:Eager": "clock", "mine.py:Rough": "device"}
    offered = Lab(Guard(), own=[tmp_path / "mine.py"]).offered()
    assert offered["clock"]["mine.py:Eager"]["fields"][0]["default"] == 0.001
    setting = checked(preset(clock={"kind": "mine.py:Eager", "threshold": 0.002}), offered)
    with pytest.warns(cl.errors.OwnCodeWarning):
        board = Board(setting)
    board.advance(3)
    repeated(board)
    (tmp_path / "none.py").write_text("x = 1")
    with pytest.raises(DescriptionError, match="holds no part"):
        own_kinds([tmp_path / "none.py"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"medium": {"kind": "bench", "command": "touch x"}}, "offers"),
        ({"medium": {"kind": "evil.py:Medium"}}, "offers"),
        ({"clock": {"kind": "os:system"}}, "offers"),
        ({"device": {"kind": "levels", "comparator": {"kind": "evil.py:Part"}}}, "offers"),
        ({"clock": {"kind": "bernoulli", "p": [0.1, 0.2]}}, "no axes"),
        ({"clock": {"kind": "bernoulli", "p": 0.1, "folder": "/"}}, "unknown"),
        ({"network": {"kind": "packing", "nodes": 10**9, "edges": 143}}, "at most"),
        ({"network": {"kind": "lattice", "rows": 2000, "columns": 2000}}, "sites"),
        ({"replicas": 65}, "at most 64"),
        ({"initial": [1.0] * 16}, "nothing that the page offers"),
        ({"batch": "x"}, "nothing that the page offers"),
        ({"path": "/etc/passwd"}, "no part of a setting"),
        ({"task": {"kind": "mnist", "folder": "/etc"}}, "offers"),
        ({"seed": -1}, "seed"),
    ],
)  # fmt: skip
def test_a_setting_that_the_page_does_not_offer(changes, why):
    with pytest.raises(ClocklessError, match=why):
        checked(preset(**changes), FORMS)


# --- messages ----------------------------------------------------------------------------------------------------------


def test_the_pages_typescript_is_written_from_the_messages():
    assert (PAGE / "src" / "messages.ts").read_text() == messages.typescript()


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "1", '{"type": 1}', '{"type": "cut"}', '{"type": "cut", "edge": -1}',
        '{"type": "cut", "edge": 1.5}',
        '{"type": "cut", "edge": true}', '{"type": "cut", "edge": 1, "path": "/etc"}', '{"type": "none"}',
        '{"type": "turn", "section": "clock", "field": "p", "value": NaN}', '{"type": "speed", "rate": 1e400}',
        '{"type": "turn", "section": "clock", "field": "p", "value": "1"}', '{"type": "write", "what": "secrets"}',
        '{"type": "run", "running": 1}', '{"type": "begin", "setting": ' + "[" * 2000 + "]" * 2000 + "}",
        '{"type": "begin", "setting": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}}',
        '{"type": "begin", "setting": {"a": "' + "x" * 70_000 + '"}}', b"bytes", '{"type": "step", "steps": 99999999}',
        '{"type": "begin", "setting": {"seed": 1' + "0" * 400 + "}}",
    ],
)  # fmt: skip
def test_broken_messages_are_told_apart(text):
    with pytest.raises(messages.BrokenMessageError):
        messages.read(text)


def test_frames_come_back_as_they_were():
    arrays = {"state": np.arange(5.0), "none": np.zeros(0), "table": np.array([[1.5, np.nan], [np.inf, 4.0]])}
    head, found = unpacked(packed({"frame": 3, "steps": [1.0]}, arrays))
    assert head == {"frame": 3, "steps": [1.0]}
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array.ravel().astype(np.float32))


# --- a session -----------------------------------------------------------------------------------------------------------


class Listener:
    """A session and what it has told."""

    def __init__(self) -> None:
        self.told: queue.Queue = queue.Queue()
        self.session = Session(FORMS, Path.cwd(), self.told.put)

    def until(self, wanted: str) -> dict:
        """The next message of a type, or frame; frames on the way are seen."""
        while True:
            told = self.told.get(timeout=600)
            if isinstance(told, bytes):
                head, arrays = unpacked(told)
                self.session.ask(messages.Seen(head["frame"]))
                if wanted == "frame":
                    return {**head, **arrays}
            elif (message := json.loads(told))["type"] in (wanted, "stopped"):
                assert message["type"] == wanted, message
                return message


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.session.close()
    assert listener.session.join(600)


def test_a_session_learns_turns_and_writes(listener):
    ask = listener.session.ask
    ask(messages.Step(5))
    assert "no board" in listener.until("refused")["sentence"]
    ask(messages.Begin(preset(replicas=4)))
    began = listener.until("began")
    assert [knob["field"] for knob in began["knobs"]] == ["nudge", "rate", "p"]
    assert len(began["network"]["edges"]) == 32
    ask(messages.Speed(1000.0))
    ask(messages.Run(True))
    steps = []
    while not steps or steps[-1] < 60:
        frame = listener.until("frame")
        assert frame["points"].size == 8 * len(frame["steps"])
        steps += frame["steps"]
    assert steps == sorted(set(steps))  # every point of the curves came once
    turned = []
    for p in (0.5, 0.6, 0.7):
        ask(messages.Turn("clock", "p", p, sent=p))
        turned.append(listener.until("turned"))
    assert [each["sent"] for each in turned] == [0.5, 0.6, 0.7]
    ask(messages.Turn("clock", "p", 7.0))
    assert "0 < p" in listener.until("refused")["sentence"]
    ask(messages.Cut(3))
    assert len(listener.until("began")["network"]["edges"]) == 30
    ask(messages.Example(3))
    ask(messages.Example(10**6))
    assert "does not exist" in listener.until("refused")["sentence"]
    ask(messages.Run(False))
    ask(messages.Write("python"))
    found: dict = {}
    exec(listener.until("written")["text"], found)
    frame = listener.until("frame")
    while frame["running"] or not listener.told.empty():
        frame = listener.until("frame")
    np.testing.assert_array_equal(frame["parameters"], found["run"].data.parameters[1, 0].values.astype(np.float32))


def test_a_mistake_of_ours_is_said_and_the_page_goes_on(listener, monkeypatch, capsys):
    listener.session.ask(messages.Begin(preset()))
    listener.until("began")

    def broken(board, steps):
        raise ZeroDivisionError("made up")

    with monkeypatch.context() as patched:
        patched.setattr(Board, "advance", broken)
        listener.session.ask(messages.Step(1))
        while (told := listener.told.get(timeout=600)) and isinstance(told, bytes):
            listener.session.ask(messages.Seen(unpacked(told)[0]["frame"]))
        assert "ZeroDivisionError: made up" in json.loads(told)["why"]
    listener.session.ask(messages.Begin(preset(seed=3)))
    assert listener.until("began")["setting"]["seed"] == 3
    assert "Traceback" in capsys.readouterr().err


# --- the server ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    with TestClient(Lab(Guard()).app(), base_url=f"http://{HOST}") as client:
        yield client


def hello(socket) -> dict:
    message = socket.receive_json()
    assert message["type"] == "hello"
    return message


def test_the_page_comes_whole_and_from_here_alone(client):
    index = client.get("/")
    assert index.status_code == 200
    assert "default-src 'none'" in index.headers["content-security-policy"]
    for name in re.findall(r'(?:src|href)="\./([^"]+)"', index.text):
        assert client.get(f"/{name}").status_code == 200
    for name in ("index.html", "lab.js", "lab.css"):
        text = (STATIC / name).read_text()
        assert not re.search(r'(?:src|href|url\()[="\']*\s*(?:https?:)?//', text), f"{name} loads something from elsewhere"
    for path in ("/../pyproject.toml", "/%2e%2e/secret", "/sources.txt", "/static/lab.js", "/etc/passwd"):
        assert client.get(path).status_code == 404


def test_built_files_are_those_of_the_sources():
    """The digest beside the built page is that of the TypeScript; `npm run build` in page/ makes both."""
    names = [*("digest.mjs", "index.html", "package.json", "tsconfig.json", "vite.config.ts"),
             *(f"src/{path.name}" for path in (PAGE / "src").iterdir())]  # fmt: skip
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + (PAGE / name).read_bytes() + b"\0")
    assert (STATIC / "sources.txt").read_text().strip() == digest.hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {**HEADERS, "origin": "http://evil.example"}, {"host": HOST}, {**HEADERS, "origin": "null"},
        {"host": "evil.example:8377", "origin": "http://evil.example:8377"}, {**HEADERS, "origin": "http://127.0.0.1:9000"},
        {"host": "127.0.0.1:9000", "origin": "http://127.0.0.1:9000"},
    ],
)  # fmt: skip
def test_other_origins_and_hosts_are_refused(client, headers):
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/live", headers=headers):
        pass
    assert closed.value.code == REFUSED
    if headers["host"] != HOST:
        assert client.get("/", headers=headers).status_code == 421


def test_a_broken_frame_ends_its_own_connection_alone(client):
    with client.websocket_connect("/live", headers=HEADERS) as good:
        assert hello(good)["store"] is None
        for wrong in ("{", json.dumps({"type": "cut"}), "x" * (messages.LONGEST_MESSAGE + 1), b"\x00\x01"):
            with client.websocket_connect("/live", headers=HEADERS) as bad:
                hello(bad)
                (bad.send_bytes if isinstance(wrong, bytes) else bad.send_text)(wrong)
                closed = bad.receive()
                assert (closed["type"], closed["code"]) == ("websocket.close", BROKEN)
        good.send_json({"type": "step", "steps": 1})
        assert "no board" in good.receive_json()["sentence"]
        good.send_json({"type": "watch", "watching": True})
        assert "no store" in good.receive_json()["sentence"]


def test_no_more_pages_than_there_is_room_for(client):
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(8):
            hello(stack.enter_context(client.websocket_connect("/live", headers=HEADERS)))
        extra = stack.enter_context(client.websocket_connect("/live", headers=HEADERS))
        assert extra.receive()["code"] == TOO_MUCH
    with client.websocket_connect("/live", headers=HEADERS) as again:
        hello(again)


def test_beyond_this_machine_a_token_is_needed():
    with pytest.raises(ParameterError, match="--token"):
        Guard("0.0.0.0")
    with pytest.raises(ParameterError, match="shorter"):
        Guard("0.0.0.0", token="short")
    token = "0123456789abcdefXYZ"
    guard = Guard("192.0.2.7", token=token)
    assert guard.address == f"http://192.0.2.7:8377/?token={token}"
    host = "192.0.2.7:8377"
    headers = {"host": host, "origin": f"http://{host}"}
    with TestClient(Lab(guard).app(), base_url=f"http://{host}") as client:
        assert client.get("/").status_code == 403
        assert client.get("/?token=wrong").status_code == 403
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live", headers=headers):
            pass
        given = client.get(f"/?token={token}", follow_redirects=False)
        assert given.status_code == 303
        assert "httponly" in given.headers["set-cookie"].lower()
        assert client.get("/").status_code == 200
        with client.websocket_connect("/live", headers={**headers, "cookie": f"{guard.cookie}={token}"}) as socket:
            hello(socket)


def test_a_store_is_watched_while_it_fills(tmp_path):
    board = Board(checked(preset(replicas=2), FORMS))
    board.advance(4)
    store = cl.Store.create(tmp_path / "store", cl.Experiment.of(yaml.safe_load(study_of(board))))
    with TestClient(Lab(Guard(), store.path).app(), base_url=f"http://{HOST}") as client:  # noqa: SIM117
        with client.websocket_connect("/live", headers=HEADERS) as socket:
            assert hello(socket)["store"] == "store"
            socket.send_json({"type": "watch", "watching": True})
            before = socket.receive_json()
            assert before["type"] == "watched"
            assert set(before["jobs"]) == {0}
            cl.run(store.experiment, store.path, cl.Workers(threads=1), progress=False)
            after = socket.receive_json()
            while set(after["jobs"]) != {2}:
                after = socket.receive_json()
    errors = store.dataset().error
    assert [curve["label"] for curve in after["curves"]] == [f"clock = {value}" for value in errors.clock.values]
    np.testing.assert_allclose(after["curves"][1]["middle"], np.median(errors[1], axis=0), rtol=1e-12)


def test_the_command_says_what_is_wrong(capsys, monkeypatch, tmp_path):
    for arguments, why in (
        (["--host", "0.0.0.0"], "give a --token"),
        (["--port", "0"], "from 1 to 65535"),
        ([str(tmp_path / "none")], "none"),
        (["--own", str(tmp_path / "none.py")], "cannot be read"),
    ):
        monkeypatch.setattr("sys.argv", ["clockless", "lab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert why in capsys.readouterr().err
