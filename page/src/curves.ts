// Learning curves by uPlot: the board and its twin with p = 1, and what lies between 5 and 95 % of the boards behind them.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { LINES, shade } from "./colours";

const SELDOM = 120; // milliseconds between drawings of the curves, which change little from frame to frame
const MOST = 6000; // points; then every second one is left out

const short = (value: number): string =>
  value === 0 ? "0" : value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(0);

// Logarithmic scales of our own making: uPlot's ticks round to so many decimals, and errors may go down to 1e-32.
function decades(min: number, max: number): [number, number] {
  if (!(min > 0) || !(max > 0)) return [0.1, 1];
  const [low, high] = [Math.floor(Math.log10(min) + 1e-9), Math.ceil(Math.log10(max) - 1e-9)];
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}

function ticks(min: number, max: number): number[] {
  const [low, high] = [Math.round(Math.log10(min)), Math.round(Math.log10(max))];
  const by = Math.max(1, Math.ceil((high - low) / 6));
  const found: number[] = [];
  for (let k = low; k <= high; k += by)
    for (const times of high - low < 3 ? [1, 2, 5] : [1]) if (k < high || times === 1) found.push(times * 10 ** k);
  return found;
}

const LOGARITHMIC: uPlot.Scale = { distr: 3, log: 10, range: (_, min, max) => decades(min, max) };

function axes(x: string, y: string, logarithmic: boolean): uPlot.Axis[] {
  const look = { stroke: () => shade("--ink"), grid: { stroke: () => shade("--line"), width: 1 }, ticks: { stroke: () => shade("--line"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "13px system-ui, sans-serif" };
  const values = (_: uPlot, splits: number[]) => splits.map((value) => (value === null ? "" : short(value)));
  const decimal = { splits: (_: uPlot, __: number, min: number, max: number) => ticks(min, max), filter: (_: uPlot, splits: number[]) => splits };
  return [
    { ...look, label: x, values, ...(logarithmic ? decimal : {}) },
    { ...look, label: y, size: 62, values, ...decimal },
  ];
}

function clear(colour: string): string {
  return colour + "38";
}

export class Curves {
  private plot: uPlot | null = null;
  private x: number[] = [];
  private y: (number | null)[][] = [];
  private clocks = 1;
  private names: string[] = [];
  private words: [string, string] = ["step", "error"];
  private many = false;
  private drawn = 0;
  private later = 0;
  logarithmic = false;

  constructor(private place: HTMLElement) {
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(place);
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(this.place.clientWidth, 200), height: 260 };
  }

  begin(names: string[], many: boolean, words: [string, string]): void {
    [this.clocks, this.names, this.many, this.words] = [names.length, names, many, words];
    this.x = [];
    this.y = Array.from({ length: 4 * this.clocks }, () => []);
    this.make();
  }

  rename(names: string[]): void {
    this.names = names;
    this.make();
  }

  make(): void {
    this.plot?.destroy();
    const series: uPlot.Series[] = [{ label: this.words[0] }];
    const bands: uPlot.Band[] = [];
    for (let k = 0; k < this.clocks; k++) {
      const twin = this.clocks > 1 && k === 0;
      const colour = shade(twin ? "--twin" : "--chosen");
      const dash = twin ? [6, 4] : undefined;
      const at = series.length;
      series.push(
        { label: this.names[k], stroke: colour, width: 2, dash, points: { show: false } },
        { label: `${this.names[k]}, 5 %`, show: this.many, stroke: "transparent", width: 0, points: { show: false } },
        { label: `${this.names[k]}, median`, show: this.many, stroke: colour, width: 1, dash: [2, 3], points: { show: false } },
        { label: `${this.names[k]}, 95 %`, show: this.many, stroke: "transparent", width: 0, points: { show: false } },
      );
      if (this.many) bands.push({ series: [at + 3, at + 1], fill: clear(colour) });
    }
    const scales: uPlot.Scales = {
      x: this.logarithmic ? { ...LOGARITHMIC, time: false } : { time: false },
      y: LOGARITHMIC,
    };
    this.plot = new uPlot(
      { ...this.size(), series, bands, scales, axes: axes(...this.words, this.logarithmic), legend: { show: false }, cursor: { show: false } },
      this.data(),
      this.place,
    );
  }

  private data(): uPlot.AlignedData {
    const first = this.logarithmic ? this.x.findIndex((step) => step > 0) : 0;
    if (first <= 0) return [this.logarithmic && first < 0 ? [] : this.x, ...(this.logarithmic && first < 0 ? this.y.map(() => []) : this.y)] as uPlot.AlignedData;
    return [this.x.slice(first), ...this.y.map((values) => values.slice(first))] as uPlot.AlignedData;
  }

  feed(steps: number[], points: Float32Array): void {
    const each = 4 * this.clocks;
    if (points.length !== steps.length * each) return;
    steps.forEach((step, n) => {
      if (this.x.length && this.x[this.x.length - 1] === step) {
        this.x.pop(); // the board was changed at this step: the last look counts
        this.y.forEach((values) => values.pop());
      }
      this.x.push(step);
      for (let k = 0; k < each; k++) {
        const value = points[n * each + k];
        this.y[k].push(Number.isFinite(value) && value > 0 ? value : null);
      }
    });
    if (this.x.length > MOST) {
      const kept = (_: unknown, n: number) => n % 2 === 0 || n === this.x.length - 1;
      this.y = this.y.map((values) => values.filter(kept));
      this.x = this.x.filter(kept);
    }
    const now = performance.now();
    if (now - this.drawn < SELDOM) {
      clearTimeout(this.later);
      this.later = window.setTimeout(() => this.draw(), SELDOM);
    } else this.draw();
  }

  private draw(): void {
    this.drawn = performance.now();
    this.plot?.setData(this.data());
  }

  get count(): number {
    return this.x.length;
  }

  // What each line is and where it is now.
  last(): { name: string; value: string; colour: string; dash: string }[] {
    return this.names.map((name, k) => {
      const twin = this.clocks > 1 && k === 0;
      const value = (at: number) => this.y[4 * k + at].at(-1)?.toPrecision(3) ?? "–";
      const many = this.many ? `; all boards: median ${value(2)}, 90 % within ${value(1)} to ${value(3)}` : "";
      return { name, value: value(0) + many, colour: shade(twin ? "--twin" : "--chosen"), dash: twin ? "6 4" : "" };
    });
  }
}

// A line of a legend: what the line looks like, and what it is.
export function row(text: string, colour: string, dash = ""): HTMLElement {
  const found = document.createElement("span");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const look = { x1: "0", x2: "38", y1: "6", y2: "6", stroke: colour, "stroke-width": "2.5", "stroke-dasharray": dash };
  for (const [name, value] of Object.entries(look)) line.setAttribute(name, value);
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  found.append(svg, text);
  return found;
}

// Curves of a store: a median and a band for every value of its first axis.
export function drawStore(
  place: HTMLElement,
  before: uPlot | null,
  steps: number[],
  curves: { label: string; low: number[]; middle: number[]; high: number[] }[],
): uPlot {
  before?.destroy();
  const series: uPlot.Series[] = [{ label: "step" }];
  const bands: uPlot.Band[] = [];
  const data: (number | null)[][] = [];
  curves.forEach((curve, k) => {
    const colour = LINES[k % LINES.length];
    const at = series.length;
    series.push(
      { label: curve.label, stroke: colour, width: 2, points: { show: false } },
      { label: "5 %", stroke: "transparent", width: 0, points: { show: false } },
      { label: "95 %", stroke: "transparent", width: 0, points: { show: false } },
    );
    bands.push({ series: [at + 2, at + 1], fill: clear(colour) });
    for (const values of [curve.middle, curve.low, curve.high])
      data.push(values.map((value) => (value !== null && value > 0 ? value : null)).slice(1));
  });
  return new uPlot(
    {
      width: Math.max(place.clientWidth, 200), height: 300, series, bands, legend: { show: false }, cursor: { show: false },
      scales: { x: { ...LOGARITHMIC, time: false }, y: LOGARITHMIC }, axes: axes("step", "error", true),
    },
    [steps.slice(1), ...data] as uPlot.AlignedData,
    place,
  );
}
