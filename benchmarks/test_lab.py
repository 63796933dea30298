"""How many frames a second the live page gets and draws, and how soon a knob counts."""

from __future__ import annotations

import json
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from clockless.lab import messages
from clockless.lab.forms import forms
from clockless.lab.frames import unpacked
from clockless.lab.session import Session
from clockless.lab.settings import PRESETS

SECONDS, WINDOWS = 1.0, 8
SIZES = [(64, 143, 64, 30.0), (900, 2000, 1, 20.0)]  # nodes, edges, boards, least frames a second
SOON = 100.0  # milliseconds until a knob counts
BETWEEN = 0.005  # seconds of drawing that a page is given before it asks for more


def setting(nodes: int, edges: int, boards: int) -> dict:
    network = {"kind": "packing", "nodes": nodes, "edges": edges, "seed": 1}
    return {**PRESETS[1]["setting"], "network": network, "replicas": boards}


class Quick:
    """A session whose frames are seen at once."""

    def __init__(self) -> None:
        self.frames, self.told = 0, queue.Queue()
        self.session = Session(forms({}), Path.cwd(), self._heard)

    def _heard(self, told: str | bytes) -> None:
        if isinstance(told, bytes):
            self.frames += 1
            number = unpacked(told)[0]["frame"]
            threading.Timer(BETWEEN, lambda: self.session.ask(messages.Seen(number))).start()
        else:
            self.told.put(json.loads(told))

    def until(self, kind: str) -> dict:
        while (message := self.told.get(timeout=280))["type"] != kind:
            pass
        return message


@pytest.mark.parametrize(("nodes", "edges", "boards", "least"), SIZES)
def test_frames_and_knobs(benchmark, nodes, edges, boards, least):
    """The best of some windows of a second, while it learns as fast as 60 steps a second; and the quickest of ten turns."""
    page = Quick()
    try:
        page.session.ask(messages.Begin(setting(nodes, edges, boards)))
        page.until("began")
        page.session.ask(messages.Speed(60.0))
        page.session.ask(messages.Run(True))
        time.sleep(2 * SECONDS)
        rates, waits = [], []
        for _ in range(WINDOWS):
            first, began = page.frames, time.perf_counter()
            time.sleep(SECONDS)
            rates.append((page.frames - first) / (time.perf_counter() - began))
        for k in range(10):
            page.session.ask(messages.Turn("clock", "p", 0.3 + 0.01 * k))
            waits.append(page.until("turned")["milliseconds"])
            time.sleep(0.1)
        benchmark.pedantic(lambda: None)
        benchmark.extra_info.update(edges=edges, boards=boards, frames_a_second=max(rates), knob_ms=min(waits))
        print(f"\n{edges} edges, {boards} boards: {max(rates):.0f} frames a second, a knob counts after {min(waits):.0f} ms")
        assert max(rates) >= least
        assert min(waits) <= SOON
    finally:
        page.session.close()
        page.session.join(60)


@pytest.mark.skipif(not shutil.which("chromedriver"), reason="chromium is not installed here (see .ci/chromium-install)")
@pytest.mark.parametrize(("nodes", "edges", "boards", "least"), SIZES)
def test_frames_in_a_browser(benchmark, nodes, edges, boards, least):
    """What chromium has drawn in the best second, without a graphics card, beside the server on the same cores."""
    from selenium import webdriver

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "clockless", "lab", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium")
    browser = None
    try:
        server.stdout.readline()
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        browser.get(f"http://127.0.0.1:{port}/")
        changes = json.dumps({"field-network-nodes": nodes, "field-network-edges": edges, "field-replicas": boards})
        _until(browser, "return document.getElementById('status').textContent === 'ready'")
        browser.execute_script(
            "const p = document.getElementById('preset'); p.value = '1'; p.dispatchEvent(new Event('change'));"
            f"for (const [id, v] of Object.entries({changes})) document.getElementById(id).value = v;"
            "document.getElementById('begin').click()"
        )
        words = f"of {nodes} nodes and {edges} edges"
        _until(browser, f"return document.getElementById('network').getAttribute('aria-label').includes('{words}')")
        browser.execute_script("document.getElementById('run').click()")
        rates = []
        for _ in range(WINDOWS):
            time.sleep(1.3 * SECONDS)
            rates.append(browser.execute_script("return lab.fps"))
        drawing = browser.execute_script("return lab.drawing")
        benchmark.pedantic(lambda: None)
        benchmark.extra_info.update(edges=edges, boards=boards, drawn_a_second=max(rates), drawing_ms=drawing)
        print(f"\n{edges} edges, {boards} boards: {max(rates):.0f} frames a second drawn, one in {drawing:.1f} ms")
        assert max(rates) >= least
    finally:
        if browser is not None:
            browser.quit()
        server.terminate()
        server.wait()


def _until(browser, script: str) -> None:
    for _ in range(1200):
        if browser.execute_script(script):
            return
        time.sleep(0.2)
    raise AssertionError(script)
