// Learning curves by uPlot: the board and its twin with p = 1, and what lies between 5 and 95 % of the boards behind them.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { LINES, shade } from "./colours";

const SELDOM = 120; // milliseconds between drawings of the curves, which change little from frame to frame
const MOST = 6000; // points; then every second one is left out

const short = (value: number): string =>
  value === 0 ? "0" : value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(0);

function axes(x: string, y: string): uPlot.Axis[] {
  const look = { stroke: () => shade("--ink"), grid: { stroke: () => shade("--line"), width: 1 }, ticks: { stroke: () => shade("--line"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "13px system-ui, sans-serif" };
  return [
    { ...look, label: x, values: (_, splits) => splits.map((value) => (value === null ? "" : short(value))) },
    { ...look, label: y, size: 62, values: (_, splits) => splits.map((value) => (value === null ? "" : short(value))) },
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
      x: { time: false, distr: this.logarithmic ? 3 : 1, log: 10 },
      y: { distr: 3, log: 10 },
    };
    this.plot = new uPlot(
      { ...this.size(), series, bands, scales, axes: axes(...this.words), legend: { show: false }, cursor: { show: false } },
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
      const many = this.many ? `; of all boards ${value(2)} (${value(1)} to ${value(3)})` : "";
      return { name, value: value(0) + many, colour: shade(twin ? "--twin" : "--chosen"), dash: twin ? "6 4" : "" };
    });
  }
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
      scales: { x: { time: false, distr: 3, log: 10 }, y: { distr: 3, log: 10 } }, axes: axes("step", "error"),
    },
    [steps.slice(1), ...data] as uPlot.AlignedData,
    place,
  );
}
