// A store that fills: a square for every job, curves of what is done, and what went wrong.
import type uPlot from "uplot";
import { LINES, shade } from "./colours";
import { drawStore, row } from "./curves";
import type { Drawn, Watched } from "./messages";

const NAMES = ["waiting", "running", "done", "failed"];
const COLOURS = ["--line", "#E69F00", "#0072B2", "#D55E00"];

export class StoreView {
  private plot: uPlot | null = null;
  private jobs: number[] = [];
  private curves = "";

  constructor(private find: (id: string) => HTMLElement) {
    new ResizeObserver(() => this.draw()).observe(find("jobs"));
  }

  take(seen: Watched): void {
    this.find("store-title").textContent = seen.title;
    this.list("store-lines", seen.lines);
    this.list("incidents", seen.incidents.length ? seen.incidents : ["none"]);
    this.jobs = seen.jobs;
    const counts = NAMES.map((name, state) => `${seen.jobs.filter((job) => job === state).length} ${name}`);
    const said = `Jobs: ${counts.join(", ")}`;
    this.find("jobs-legend").textContent = said;
    this.find("jobs").setAttribute("aria-label", said);
    this.draw();
    (this.find("machine") as HTMLInputElement).max = String(seen.machines - 1);
    this.find("machines").textContent = seen.machines > 1 ? `of 0 to ${(seen.machines - 1).toLocaleString("en")}` : "the only one";
    const text = JSON.stringify(seen.curves);
    if (text !== this.curves && seen.curves.length) {
      this.curves = text;
      this.plot = drawStore(this.find("store-curves"), this.plot, seen.steps, seen.curves as never);
      const last = seen.curves.map((curve) => `${curve.label}: ${Number(curve.middle.at(-1)).toPrecision(3)} (${curve.replicas})`);
      this.find("store-errors").replaceChildren("Last median error, replicas in brackets:", ...last.map((text, k) => row(text, LINES[k % LINES.length])));
      this.find("store-curves").setAttribute("aria-label", `Median errors against steps. ${last.join("; ")}`);
    }
  }

  // The picture of a machine, or why there is none.
  show(drawn: Drawn): void {
    const image = this.find("machine-picture") as HTMLImageElement;
    image.hidden = !drawn.picture;
    if (drawn.picture) image.src = drawn.picture;
    image.alt = drawn.said;
    this.find("machine-said").textContent = drawn.said;
  }

  private list(id: string, lines: string[]): void {
    this.find(id).replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
  }

  private draw(): void {
    const canvas = this.find("jobs") as HTMLCanvasElement;
    const pen = canvas.getContext("2d");
    if (!pen || !canvas.clientWidth) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const side = Math.max(4, Math.min(22, Math.floor(Math.sqrt((canvas.clientWidth * 160) / Math.max(this.jobs.length, 1)))));
    const across = Math.max(1, Math.floor(canvas.clientWidth / side));
    const tall = Math.ceil(this.jobs.length / across) * side;
    canvas.style.height = `${Math.max(tall, side)}px`;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(Math.max(tall, side) * ratio);
    this.jobs.forEach((state, k) => {
      const colour = COLOURS[state];
      pen.fillStyle = colour.startsWith("--") ? shade(colour) : colour;
      const [x, y, w] = [(k % across) * side * ratio, Math.floor(k / across) * side * ratio, (side - 1) * ratio];
      pen.fillRect(x, y, w, w);
      if (state === 3) {
        pen.strokeStyle = shade("--paper");
        pen.beginPath();
        pen.moveTo(x, y);
        pen.lineTo(x + w, y + w);
        pen.moveTo(x + w, y);
        pen.lineTo(x, y + w);
        pen.stroke();
      }
    });
  }
}
