// The page: it shows what the library's own learners do, and asks them for what the user wants; it simulates nothing.
import "./style.css";
import { Curves, row } from "./curves";
import { Forms } from "./forms";
import type { Began, Hello, ToPage } from "./messages";
import { NetworkView, type Picked } from "./network";
import { Raster } from "./raster";
import { StoreView } from "./store";
import { type Frame, Wire } from "./wire";

const find = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const input = (id: string): HTMLInputElement => find(id) as HTMLInputElement;

const network = new NetworkView(find("network") as HTMLCanvasElement);
const curves = new Curves(find("curves"));
const raster = new Raster(find("raster") as HTMLCanvasElement);
const forms = new Forms(find("setting"));
const store = new StoreView(find);

let hello: Hello | null = null;
let began: Began | null = null;
let latest: Frame | null = null;
let running = false;
let wanted = false; // whether to run as soon as the board is there
const turns = new Map<string, { section: string; field: string; value: number }>();

// What tests and the curious may look at: counts of what happened, no state of the physics.
const seen = { frames: 0, steps: 0, turned: 0, latency: 0, cuts: 0, acted: 0, fps: 0, drawing: Infinity, parameters: new Float32Array(0) };
(window as unknown as { lab: typeof seen }).lab = seen;

const wire = new Wire(onMessage, onFrame, (why) => {
  status(why);
  alarm(`No connection: ${why}. Start clockless lab again and reload.`);
});

function status(text: string): void {
  find("status").textContent = text;
}

let quiet = 0;
function alarm(text: string): void {
  const box = find("alarm");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(quiet);
  quiet = window.setTimeout(() => (box.hidden = true), 9000);
}

// --- what the laboratory says ------------------------------------------------------------------------------------

function onMessage(message: ToPage): void {
  switch (message.type) {
    case "hello":
      return onHello(message);
    case "busy":
      return status(message.doing);
    case "began":
      return onBegan(message);
    case "turned":
      seen.turned += 1;
      seen.latency = performance.now() - message.sent;
      return;
    case "refused":
      status("refused");
      return alarm(message.sentence);
    case "stopped":
      setRunning(false);
      return alarm(message.why);
    case "written":
      return onWritten(message.what, message.text);
    case "watched":
      return store.take(message);
    case "drawn":
      return store.show(message);
  }
}

function onHello(message: Hello): void {
  hello = message;
  forms.take(message);
  const list = find("preset") as HTMLSelectElement;
  list.replaceChildren(...message.presets.map((preset, k) => new Option(preset.name, String(k))));
  find("views").hidden = message.store === null;
  choose(0);
  begin();
}

function choose(place: number): void {
  const preset = hello?.presets[place];
  if (!hello || !preset) return;
  find("about").textContent = preset.about;
  forms.show(preset.setting, hello.most_replicas);
  input("speed").value = String(Math.log10(preset.speed));
  setSpeed();
}

function begin(): void {
  wanted = running;
  setRunning(false);
  wire.say({ type: "begin", setting: forms.setting() });
}

function onBegan(message: Began): void {
  const before = began;
  began = message;
  status("ready");
  network.take(message);
  raster.begin(network.count, message.anew);
  const names = curveNames(message.setting);
  const words: [string, string] = [
    message.words.time === "second" ? "time (s)" : "step",
    `${message.words.error}${message.words.error_unit === "1" ? "" : ` (${message.words.error_unit.replace(/^\((\w+)\)/, "$1").replace("^2", "²")})`}`,
  ];
  if (message.anew || !before) {
    curves.begin(names, message.setting.replicas > 1, words);
    showKnobs(message);
    input("example").value = "0";
    setSpeed();
    seen.drawing = Infinity;
    if (wanted) setRunning(true, true);
  } else seen.cuts += 1;
  input("example").max = String(message.examples - 1);
  find("raster-part").hidden = !message.words.events;
  legend();
  const cut = message.network.cut ? `, ${message.network.cut} cut` : "";
  find("network").setAttribute("aria-label", `Network of ${network.nodes} nodes and ${network.count} edges${cut}`);
  pick(network.picked);
}

function curveNames(setting: Record<string, any>): string[] {
  const clock = setting.clock as Record<string, unknown>;
  const fields = Object.entries(clock).filter(([name, value]) => name !== "kind" && name !== "digest" && typeof value === "number");
  const own = fields.length ? fields.map(([name, value]) => `${name} = ${Number((value as number).toPrecision(3))}`)[0] : String(clock.kind);
  return setting.reference ? ["p = 1", own] : [own];
}

function onWritten(what: string, text: string): void {
  const area = find("text") as HTMLTextAreaElement;
  area.hidden = false;
  area.value = text;
  if (what === "python") {
    const copied = () => status("Python is on the clipboard, and below");
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(copied, () => status("Python is below"));
    else status("Python is below");
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/yaml" }));
  link.download = "study.yaml";
  link.click();
  URL.revokeObjectURL(link.href);
  status("study.yaml is saved, and below");
}

// --- frames --------------------------------------------------------------------------------------------------------

function onFrame(frame: Frame): void {
  const { head, arrays } = frame;
  network.feed(arrays.state, arrays.parameters, arrays.acted, arrays.nodes_acted);
  curves.feed(head.steps, arrays.points);
  raster.feed(head.since, arrays.event_times, arrays.event_edges, head.step);
  seen.steps = head.step;
  seen.parameters = new Float32Array(arrays.parameters);
  for (const acts of [arrays.acted, arrays.nodes_acted]) for (const value of acts) seen.acted += value;
  latest = frame;
  wire.say({ type: "seen", frame: head.frame });
}

let counted = 0;
let since = performance.now();
function draw(): void {
  requestAnimationFrame(draw);
  for (const [key, turn] of turns) {
    wire.say({ type: "turn", ...turn, sent: performance.now() });
    turns.delete(key);
  }
  if (!latest) return;
  const head = latest.head;
  latest = null;
  const before = performance.now();
  network.draw();
  if (!find("raster-part").hidden) raster.draw();
  seen.drawing = Math.min(seen.drawing, performance.now() - before);
  if (head.running !== running) showRunning(head.running);
  find("clock").textContent = `${began?.words.time ?? "step"} ${head.step.toLocaleString("en")}`;
  seen.frames += 1;
  counted += 1;
  const now = performance.now();
  if (now - since > 1000 || seen.frames < 3) {
    if (now - since > 1000) seen.fps = (1000 * counted) / (now - since);
    [counted, since] = [0, now];
    slowly();
  }
}
requestAnimationFrame(draw);

// What changes often is said seldom, for the eye and for screen readers alike.
function slowly(): void {
  const lines = curves.last();
  const said = lines.map((line) => `${line.name}: ${line.value}`).join("; ");
  find("errors").replaceChildren(
    ...lines.map((line) => row(`${line.name}: ${line.value}`, line.colour, line.dash)),
  );
  find("curves").setAttribute("aria-label", `${began?.words.error} against ${began?.words.time}s. Now ${said}`);
  legend();
  if (network.picked && began) find("picked").textContent = network.about(network.picked, began.words);
}

function legend(): void {
  if (!began) return;
  const words = began.words;
  const unit = words.parameter_unit === "1" ? "" : words.parameter_unit === "ohm" ? " Ω" : ` ${words.parameter_unit}`;
  const [low, high] = network.range;
  const bar = (kind: string, left: string, right: string, name: string) => {
    const part = document.createElement("span");
    part.className = "scale";
    const strip = Object.assign(document.createElement("i"), { className: kind });
    part.append(`${name} ${left} `, strip, ` ${right}`);
    return part;
  };
  const number = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(2))) : "–");
  const of = words.state_unit === "1" ? "" : ` ${words.state_unit}`;
  const parts = [bar(words.drawn === "phases" ? "signs" : "sizes", number(low) + unit, number(high) + unit, words.parameter)];
  if (words.drawn !== "phases") parts.push(bar("sizes", number(network.volts[0]) + of, number(network.volts[1]) + of, `nodes: ${words.state}`));
  if (words.drawn === "layers") parts.push(bar("sizes", number(network.held[0]) + of, number(network.held[1]) + of, "inputs"));
  const marks = document.createElement("span");
  const third = words.drawn === "phases" ? ", needles: phases" : began.network.ground.length ? ", ▼ ground" : "";
  marks.textContent = `■ input, ◆ output${third}; ${words.unit === "edge" ? "an edge" : `a ${words.unit}`} flashes when it acts`;
  find("legend").replaceChildren(...parts, marks);
}

// --- what the user does --------------------------------------------------------------------------------------------

function setRunning(on: boolean, tell = running !== on): void {
  if (tell) wire.say({ type: "run", running: on });
  showRunning(on);
}

function showRunning(on: boolean): void {
  running = on;
  const button = find("run");
  button.textContent = on ? "Pause" : "Run";
  button.setAttribute("aria-pressed", String(on));
}

function setSpeed(): void {
  const rate = 10 ** Number(input("speed").value);
  const unit = began?.words.time === "second" ? "s per s" : "steps/s";
  find("speed-value").textContent = `${Number(rate.toPrecision(2)).toLocaleString("en")} ${unit}`;
  wire.say({ type: "speed", rate });
}

interface Knob {
  section: string;
  field: string;
  value: number;
  low: number;
  high: number;
  logarithmic: boolean;
}

function showKnobs(message: Began): void {
  const rows = (message.knobs as Knob[]).map((knob) => {
    const id = `knob-${knob.section}-${knob.field.replace(".", "-")}`;
    const row = document.createElement("div");
    const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: `${knob.field.replace(".", " ")}` });
    label.title = `${knob.section}: ${knob.field}`;
    const there = (value: number) => (knob.logarithmic ? Math.log(value / knob.low) / Math.log(knob.high / knob.low) : (value - knob.low) / (knob.high - knob.low));
    const back = (part: number) => (knob.logarithmic ? knob.low * (knob.high / knob.low) ** part : knob.low + part * (knob.high - knob.low));
    const slider = Object.assign(document.createElement("input"), { type: "range", id, min: "0", max: "1", step: "0.005", value: String(there(knob.value)) });
    const output = document.createElement("output");
    output.htmlFor.add(id);
    const show = (value: number) => {
      output.textContent = String(Number(value.toPrecision(3)));
      slider.setAttribute("aria-valuetext", output.textContent);
    };
    show(knob.value);
    slider.addEventListener("input", () => {
      const value = Number(back(Number(slider.value)).toPrecision(3));
      show(value);
      turns.set(id, { section: knob.section, field: knob.field, value });
      if (knob.section === "clock" && began) {
        began.setting.clock = { ...began.setting.clock, [knob.field]: value };
        curves.rename(curveNames(began.setting));
      }
    });
    row.append(label, slider, output);
    return row;
  });
  find("knobs").replaceChildren(...rows);
}

function tool(): string {
  return (document.querySelector('input[name="tool"]:checked') as HTMLInputElement).value;
}

function pick(picked: Picked): void {
  network.picked = picked;
  find("picked").textContent = picked && began ? network.about(picked, began.words) : "Nothing is picked; click an edge or a node.";
  network.draw();
}

function act(picked: Picked): void {
  pick(picked);
  if (!picked) return;
  if (tool() === "cut" && picked.what === "edge") {
    status(`cutting edge ${picked.number}`);
    wire.say({ type: "cut", edge: picked.number });
    pick(null);
  }
  if (tool() === "hold" && picked.what === "node") {
    status(`holding node ${picked.number}`);
    wire.say({ type: "hold", node: picked.number, value: Number(input("hold-value").value) });
  }
}

const canvas = find("network") as HTMLCanvasElement;
canvas.addEventListener("click", (event) => {
  const only = tool() === "cut" ? "edge" : tool() === "hold" ? "node" : undefined;
  act(network.at(event.clientX, event.clientY, only));
});
canvas.addEventListener("keydown", (event) => {
  const moves: Record<string, ["edge" | "node", number]> = {
    ArrowRight: ["edge", 1], ArrowLeft: ["edge", -1], ArrowDown: ["node", 1], ArrowUp: ["node", -1],
  };
  if (event.key in moves) {
    network.step(...moves[event.key]);
    pick(network.picked);
  } else if (event.key === "Enter") act(network.picked);
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.key !== " " || ["INPUT", "SELECT", "TEXTAREA", "BUTTON", "SUMMARY"].includes(target.tagName)) return;
  setRunning(!running);
  event.preventDefault();
});
find("run").addEventListener("click", () => setRunning(!running));
find("step").addEventListener("click", () => {
  setRunning(false);
  wire.say({ type: "step", steps: 1 });
});
input("speed").addEventListener("input", setSpeed);
input("example").addEventListener("change", () => {
  const number = Math.max(0, Math.round(Number(input("example").value)));
  wire.say({ type: "example", number });
});
find("preset").addEventListener("change", () => {
  choose(Number((find("preset") as HTMLSelectElement).value));
  begin();
});
find("begin").addEventListener("click", begin);
find("setting").addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
find("python").addEventListener("click", () => wire.say({ type: "write", what: "python" }));
find("study").addEventListener("click", () => wire.say({ type: "write", what: "study" }));
input("log-steps").addEventListener("change", () => {
  curves.logarithmic = input("log-steps").checked;
  curves.make();
});
function view(name: "board" | "store"): void {
  for (const each of ["board", "store"]) {
    find(`${each}-view`).hidden = each !== name;
    find(`view-${each}`).setAttribute("aria-pressed", String(each === name));
  }
  wire.say({ type: "watch", watching: name === "store" });
  if (name === "store") drawMachine();
}
function drawMachine(): void {
  const number = Math.max(0, Math.round(Number(input("machine").value)));
  find("machine-said").textContent = "being drawn";
  wire.say({ type: "draw", machine: number });
}
input("machine").addEventListener("change", drawMachine);
find("view-board").addEventListener("click", () => view("board"));
find("view-store").addEventListener("click", () => view("store"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  network.draw();
  curves.make();
});
// For tests: where an edge or a node is on the page.
(window as unknown as { placeOf: unknown }).placeOf = (what: "edge" | "node", number: number) => network.where({ what, number });
