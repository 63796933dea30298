"""The live page in a real browser: it loads, learns, drags p, cuts an edge, holds a node, and copies right Python."""

from __future__ import annotations

import os
import shutil
import socket
import sys

import numpy as np
import pytest

import clockless as cl
import rigs

pytest.importorskip("starlette", reason="the live page needs the extra `lab`")
pytest.importorskip("selenium", reason="the test in a real browser needs selenium")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="chromium is not installed here (see .ci/chromium-install), so no browser opens the page",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A laboratory in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("lab") / "log"
    experiment = cl.Experiment(network={"kind": "board16"}, clock=[cl.Global(), cl.Bernoulli(0.5)], steps=20, seeds=[0, 1])
    store = cl.run(experiment, log.parent / "store", cl.Workers(threads=1), progress=False)
    command = [sys.executable, "-m", "clockless", "lab", str(store.path), "--port", str(port)]
    process = rigs.start(command, log, dict(os.environ))
    try:
        assert rigs.wait_until(lambda: f":{port}/" in log.read_text() or process.poll() is not None), rigs.last_words(log)
        assert process.poll() is None, rigs.last_words(log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        rigs.end([process])
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    def __init__(self, browser, address: str) -> None:
        self.browser = browser
        browser.get(address)

    def find(self, name: str):
        return self.browser.find_element(By.ID, name)

    def count(self, name: str) -> float:
        return self.browser.execute_script(f"return window.lab.{name}")

    def until(self, done, what: str) -> None:
        assert rigs.wait_until(done), f"{what}: {self.find('status').text}; {self.find('alarm').text}"

    def click(self, what: str, number: int) -> None:
        """Click where an edge or a node is drawn."""
        canvas = self.find("network")
        place = self.browser.execute_script(f"return placeOf('{what}', {number})")
        middle = self.browser.execute_script(
            "const b = arguments[0].getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]", canvas
        )
        offset = [round(place[axis] - middle[k]) for k, axis in enumerate("xy")]
        ActionChains(self.browser).move_to_element_with_offset(canvas, *offset).click().perform()

    def tool(self, name: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, f'input[name="tool"][value="{name}"]').click()

    def edges(self) -> int:
        return int(self.find("network").get_attribute("aria-label").split(" and ")[1].split()[0])


def test_the_page_learns_and_copies_what_it_did(browser, address):
    page = Page(browser, address)
    page.until(lambda: page.find("status").text == "ready", "the board")
    assert page.edges() == 16
    page.find("run").click()
    page.until(lambda: page.count("steps") > 20 and page.count("frames") > 5, "learning")
    assert page.count("acted") > 0
    page.until(lambda: "p = 0.3" in page.find("errors").text, "curves")
    before = page.count("steps")

    slider = page.find("knob-clock-p")
    ActionChains(browser).drag_and_drop_by_offset(slider, 60, 0).perform()
    page.until(lambda: page.count("turned") > 0, "p")
    slider.send_keys(Keys.ARROW_RIGHT)  # by keyboard, too
    page.until(lambda: page.count("steps") > before + 5, "learning on")
    chosen = float(browser.find_element(By.CSS_SELECTOR, 'output[for="knob-clock-p"]').text)
    assert chosen > 0.3

    page.tool("cut")
    page.click("edge", 4)
    page.until(lambda: page.edges() == 15, "the cut")
    page.tool("hold")
    roles = page.find("network")
    node = next(n for n in range(9) if not _has_a_role(page, n))
    page.click("node", node)
    page.until(lambda: page.count("cuts") == 2, "the held node")
    page.tool("look")
    roles.send_keys(Keys.ARROW_RIGHT)
    assert "edge 0 from node" in page.find("picked").text
    later = page.count("steps")
    page.until(lambda: page.count("steps") > later + 5, "learning with damage")

    page.find("run").click()
    page.until(lambda: page.find("run").text == "Run", "the pause")
    frames = page.count("frames")
    page.find("step").click()
    page.until(lambda: page.count("frames") > frames, "one step")
    page.find("python").click()
    page.until(lambda: page.find("text").get_attribute("value"), "the Python")
    text = page.find("text").get_attribute("value")
    assert "network.without(4)" in text
    assert f"p={chosen:g})" in text
    found: dict = {}
    exec(text, found)
    bits = found["run"].data.parameters[1].values.astype(np.float32)
    shown = lambda: np.float32(browser.execute_script("return Array.from(window.lab.parameters)"))  # noqa: E731
    rigs.wait_until(lambda: np.array_equal(shown(), bits), 120)  # the last frame may be on its way
    np.testing.assert_array_equal(shown(), bits)
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert not severe, severe


def _has_a_role(page, node: int) -> bool:
    page.tool("look")
    page.click("node", node)
    has = "(" in page.find("picked").text
    page.tool("hold")
    return has


def test_every_preset_begins_and_a_refusal_is_said(browser, address):
    page = Page(browser, address)
    page.until(lambda: page.find("status").text == "ready", "the board")
    list_ = page.find("preset")
    for number, edges in ((3, 16), (4, 10)):
        list_.find_elements(By.TAG_NAME, "option")[number].click()
        page.until(lambda edges=edges: page.find("status").text == "ready" and page.edges() == edges, f"preset {number}")
        frames = page.count("frames")
        page.find("run").click()
        page.until(lambda frames=frames: page.count("frames") > frames + 3, f"frames of preset {number}")
        page.find("run").click()
    page.find("more").find_element(By.TAG_NAME, "summary").click()
    browser.execute_script("document.getElementById('field-task').value = 'regression'")
    browser.execute_script("document.getElementById('field-task').dispatchEvent(new Event('change'))")
    page.find("begin").click()
    page.until(lambda: page.find("alarm").text, "the refusal")
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert not severe, severe


def test_a_store_shows_its_jobs_curves_and_machines(browser, address):
    """The pictures are seen, not only sent: their sizes are those of what the browser has drawn."""
    page = Page(browser, address)
    page.until(lambda: page.find("status").text == "ready", "the board")
    page.find("view-store").click()
    picture = page.find("machine-picture")
    page.until(lambda: picture.get_property("naturalWidth") > 100, "the picture")
    assert "after 20 steps" in page.find("machine-said").text
    assert "0 failed" in page.find("jobs-legend").text
    page.until(lambda: "clock = Bernoulli(p=0.5)" in page.find("store-errors").text, "the curves")
    number = page.find("machine")
    number.clear()
    number.send_keys("99", Keys.ENTER)
    page.until(lambda: "0 to 3" in page.find("machine-said").text, "the refusal")
    assert not picture.is_displayed()
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert not severe, severe


def test_everything_has_a_name_and_small_screens_need_no_scrolling_aside(browser, address):
    """What can be operated is called something, the keyboard reaches it, and 380 pixels are enough."""
    page = Page(browser, address)
    page.until(lambda: page.find("status").text == "ready", "the board")
    browser.execute_script("document.getElementById('more').open = true")
    nameless = browser.execute_script(
        """return [...document.querySelectorAll('button, input, select, textarea, canvas, [role=img]')].filter(each =>
             each.checkVisibility() && !(each.labels?.length && each.labels[0].textContent.trim())
             && !each.closest('[aria-label]') && !each.textContent.trim()).map(each => each.outerHTML)"""
    )
    assert nameless == []
    size = {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for name in ("view-board", "view-store"):
            page.find(name).click()
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 380
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    order = browser.execute_script(
        "return [...document.querySelectorAll('[tabindex]')].filter(each => Number(each.tabIndex) > 0).length"
    )
    assert order == 0  # Tab goes as one reads


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_their_background(browser, address, scheme):
    """Contrast of 4.5 and more (WCAG 2.2, 1.4.3), in both schemes."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        page = Page(browser, address)
        page.until(lambda: page.find("status").text == "ready", "the board")
        pairs = browser.execute_script(
            """const solid = each => { for (; each; each = each.parentElement) {
                 const colour = getComputedStyle(each).backgroundColor;
                 if (colour !== 'rgba(0, 0, 0, 0)') return colour; } };
               return [...document.querySelectorAll('h1, h2, p, label, button, summary, span, output, legend')]
                 .filter(each => each.checkVisibility() && each.textContent.trim() && !each.closest('.hidden, .skip'))
                 .map(each => [each.textContent.trim().slice(0, 30), getComputedStyle(each).color, solid(each)])"""
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(pairs) > 20
    assert len({back for _, _, back in pairs}) > 1
    dim = [pair for pair in pairs if _contrast(*pair[1:]) < 4.5]
    assert not dim


def _contrast(text: str, back: str) -> float:
    light, dark = sorted((_luminance(each) for each in (text, back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)" (WCAG 2.2)."""
    parts = np.array([float(word) for word in colour[colour.index("(") + 1 : -1].split(",")[:3]]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
