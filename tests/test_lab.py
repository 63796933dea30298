"""The live page without a browser: what it may choose, ask and break, and that its Python repeats the bits."""

from __future__ import annotations

import base64
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
from clockless.lab import messages, reading, typescript
from clockless.lab.as_python import python_of, study_of
from clockless.lab.board import Board
from clockless.lab.forms import forms, own_kinds
from clockless.lab.frames import packed, unpacked
from clockless.lab.guard import Guard
from clockless.lab.server import BROKEN, REFUSED, STATIC, TOO_MUCH, Lab
from clockless.lab.session import Session
from clockless.lab.settings import NEURAL, PRESETS, checked, presets
from clockless.lab.watched import FAILED, RUNNING, WAITING, seen

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


@pytest.mark.parametrize("begun", [*PRESETS[2:], *NEURAL], ids=lambda begun: begun["name"])
def test_python_repeats_every_medium(begun):
    """Knobs, cuts and held nodes, where the medium has any; else one sentence says why not, and the board is as it was."""
    place = PRESETS.index(begun) if begun in PRESETS else 7
    if place == 7:
        pytest.importorskip("jax", reason="modules need the extra `modules`")
    small = {"layers": [64, 5, 10]} if place == 6 else {}
    setting = {**begun["setting"], "medium": {**begun["setting"]["medium"], **small}}
    if place == 7:
        setting["network"] = {"kind": "mlp", "layers": 2, "width": 8}
    board = Board(checked(setting, FORMS))
    board.advance(4)
    section, path = {3: ("clock", "threshold"), 7: ("clock", "p")}.get(place, ("rule", "nudge"))
    board.turn(section, path, 0.05)
    board.advance(3)
    if place < 6:
        board.cut(3)
        board.advance(2)
        sites = board.drawn.sites(board.task)
        board.hold(next(k for k in range(9) if k not in (*sites.inputs, *sites.outputs, *sites.ground)), 0.1)
        board.advance(2)
    else:
        for change in (lambda: board.cut(3), lambda: board.hold(200, 0.1)):
            with pytest.raises(ParameterError, match=r"^[^.]*\.$"):
                change()
    repeated(board)
    shown = board.picture(0)
    assert np.isfinite(shown["state"]).all()
    assert shown["parameters"].shape == shown["acted"].shape == (len(board.drawn.network.edges),)


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


def test_a_board_recovers_from_damage():
    """A cut that all sixteen boards feel is learned around by the edges that are left, whether all act or three in ten."""
    board = Board(checked(preset(replicas=16), FORMS))
    board.advance(600)
    before = board.errors()
    board.cut(8)
    damaged = board.errors()
    assert (damaged > before).all()
    assert (np.median(damaged, axis=1) > 10 * np.median(before, axis=1)).all()
    board.advance(1500)
    assert (np.median(board.errors(), axis=1) < 0.1 * np.median(damaged, axis=1)).all()


SHARED = {"kind": "local", "image": [3, 3], "window": 2, "channels": 1, "outputs": 2, "sharing": True}


def test_an_edge_of_phases_can_be_cut_though_others_share_its_coupling():
    """The coupling stays for the others; a coupling of one edge alone goes with it. Held phases are one input more."""
    wiring = cl.windows.local((3, 3), 2, 1, 1, 2, sharing=True)
    x, y = np.full((1, 9), 0.3).tolist(), [[0.5, -0.5]]
    task = {"kind": "examples", "x_train": x, "y_train": y, "x_test": x, "y_test": y}
    board = Board(checked(preset(4, network=SHARED, task=task), FORMS))
    board.advance(3)
    before = board._run().parameters
    assert np.sum(wiring.shared == wiring.shared[1]) > 1
    board.cut(1)
    assert board.wiring.couplings == wiring.couplings
    np.testing.assert_array_equal(board._run().parameters.W, before.W)
    alone = len(wiring.network.edges) - 2  # of the readout, after the one that is cut
    board.cut(alone)
    assert board.wiring.couplings == wiring.couplings - 1
    np.testing.assert_array_equal(board._run().parameters.W, np.delete(before.W, wiring.shared[alone + 1], axis=-1))
    board.advance(2)
    hidden = board.wiring.inputs[-1] + 1
    for value in (0.7, 0.2):  # and once more at another phase
        board.hold(hidden, value)
        board.advance(2)
        np.testing.assert_allclose(board.picture(0)["state"][hidden], value, rtol=1e-12)
    repeated(board)
    with pytest.raises(ClocklessError, match="only one of node 0"):
        board.cut(0)


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


SPRINGS = """
import numpy as np
from clockless import Medium


class Springs(Medium):
    parameter, measure, low, high, initial, state_measure = "stiffness", "N/m", 0.1, 10.0, 1.0, "m"

    def __init__(self, network, pull=0.1):
        self.pull = pull
        super().__init__(network)

    def energy(self, stiffness, state):
        ends = state[self.network.edges]
        return 0.5 * np.sum(stiffness * (ends[:, 0] - ends[:, 1]) ** 2) + 0.5 * self.pull * np.sum(state**2)


class Bare(Springs):
    pass


class Apart(Medium):
    def __init__(self, network):
        super().__init__(network, units=3)

    def energy(self, parameters, state):
        return np.sum(state**2)
"""


@pytest.mark.filterwarnings("ignore::clockless.errors.OwnCodeWarning")
def test_an_own_medium_appears_learns_and_is_cut(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "linked.py").write_text(SPRINGS)
    kinds = own_kinds([tmp_path / "linked.py"])
    assert kinds == {"linked.py:Springs": "medium", "linked.py:Apart": "medium"}
    offered = Lab(Guard(), own=[tmp_path / "linked.py"]).offered()
    begun = presets(kinds, offered)[-2]
    assert begun["name"] == "Your own: Springs"
    assert begun["setting"]["medium"] == {"kind": "linked.py:Springs", "pull": 0.1}
    board = Board(checked({**begun["setting"], "replicas": 2}, offered))
    assert board.drawn.words()["parameter_unit"] == "N/m"
    board.advance(3)
    board.cut(2)
    board.turn("clock", "p", 0.6)
    board.advance(2)
    repeated(board)
    state = board.picture(1)["state"]
    np.testing.assert_array_equal(state[list(board.task.inputs)], board.task.x_test[1])
    experiment = cl.Experiment.of(yaml.safe_load(study_of(board)))
    assert experiment.medium["kind"] == "linked.py:Springs"
    with pytest.raises(ParameterError, match="3 parameters on 16 edges"):
        Board(checked(preset(medium={"kind": "linked.py:Apart"}), offered))


def test_what_is_not_finite_any_more_is_said(listener):
    listener.session.ask(messages.Begin(preset(6, medium={"kind": "deep-resistive", "layers": [64, 5, 10], "gain": 100.0})))
    listener.until("began")
    for message in (messages.Turn("rule", "nudge", 100.0), messages.Turn("rule", "rate", 100.0), messages.Step(1000)):
        listener.session.ask(message)
    while (told := listener.told.get(timeout=600)) and (isinstance(told, bytes) or json.loads(told)["type"] != "stopped"):
        if isinstance(told, bytes):
            listener.session.ask(messages.Seen(unpacked(told)[0]["frame"]))
    assert "not finite" in json.loads(told)["why"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"medium": {"kind": "deep-resistive", "layers": [64, 100, 10]}}, "conductances"),
        ({"network": {"kind": "mlp", "layers": 10**6}, "medium": {"kind": "modules"}}, "at most"),
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
        Board(checked(preset(**changes), FORMS))


# --- messages ----------------------------------------------------------------------------------------------------------


def test_the_pages_typescript_is_written_from_the_messages():
    assert (PAGE / "src" / "messages.ts").read_text() == typescript.typescript()


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
    with pytest.raises(reading.BrokenMessageError):
        reading.read(text)


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
        for wrong in ("{", json.dumps({"type": "cut"}), "x" * (reading.LONGEST_MESSAGE + 1), b"\x00\x01"):
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
            for machine, word in ((0, "network alone"), (0, "network alone"), (99, "0 to 3")):
                socket.send_json({"type": "draw", "machine": machine})
                drawn = socket.receive_json()
                assert (drawn["type"], drawn["machine"]) == ("drawn", machine)
                assert word in drawn["said"]
            cl.run(store.experiment, store.path, cl.Workers(threads=1), progress=False)
            after = socket.receive_json()
            while set(after["jobs"]) != {2}:
                after = socket.receive_json()
            socket.send_json({"type": "draw", "machine": 1})
            while (drawn := socket.receive_json())["type"] != "drawn":
                pass
    errors = store.dataset().error
    assert "after 4 steps" in drawn["said"]
    assert base64.b64decode(drawn["picture"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert after["machines"] == 4
    assert [curve["label"] for curve in after["curves"]] == [f"clock = {value}" for value in errors.clock.values]
    np.testing.assert_allclose(after["curves"][1]["middle"], np.median(errors[1], axis=0), rtol=1e-12)


def test_incidents_of_a_store_are_said(tmp_path):
    """A job that failed, one that somebody computes, and one that waits."""
    experiment = cl.Experiment(network={"kind": "board16"}, steps=5, seeds=[0, 1, 2])
    store = cl.Store.create(tmp_path / "store", experiment, width=1)
    store.journal.fail(1, "run", ZeroDivisionError("bad luck"))
    with store.journal.claim(2):
        look = seen(store)
    assert look.jobs == [WAITING, FAILED, RUNNING]
    assert look.incidents == ["job 1 failed: ZeroDivisionError: bad luck"]
    assert look.curves == []
    store.journal.mend(1)
    assert seen(store).incidents == []


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
