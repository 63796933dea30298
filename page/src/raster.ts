// Events of continuous time: which edge acted when, over the last seconds that fit.
import { shade } from "./colours";

const MOST = 20_000;
const SPAN = 30; // seconds on the raster

export class Raster {
  private times: number[] = [];
  private edges: number[] = [];
  private count = 1;
  private now = 0;

  constructor(private canvas: HTMLCanvasElement) {
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  begin(count: number, anew: boolean): void {
    this.count = count;
    if (anew) [this.times, this.edges] = [[], []];
  }

  get seen(): number {
    return this.times.length;
  }

  feed(since: number, times: Float32Array, edges: Float32Array, now: number): void {
    for (let k = 0; k < times.length; k++) {
      this.times.push(since + times[k]);
      this.edges.push(edges[k]);
    }
    if (this.times.length > MOST) {
      this.times.splice(0, this.times.length - MOST);
      this.edges.splice(0, this.edges.length - MOST);
    }
    this.now = now;
  }

  draw(): void {
    const pen = this.canvas.getContext("2d");
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const { clientWidth, clientHeight } = this.canvas;
    if (!pen || !clientWidth) return;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const [left, foot] = [44 * ratio, 34 * ratio];
    const first = Math.max(0, this.now - SPAN);
    const last = Math.max(this.now, first + SPAN);
    pen.clearRect(0, 0, width, height);
    pen.font = `${12 * ratio}px system-ui, sans-serif`;
    pen.fillStyle = shade("--ink");
    pen.textAlign = "center";
    for (let k = 0; k <= 3; k++) {
      const time = first + ((last - first) * k) / 3;
      pen.textAlign = k === 3 ? "right" : "center";
      pen.fillText(time.toFixed(0), left + ((width - left - 4) * k) / 3, height - foot + 15 * ratio);
    }
    pen.textAlign = "center";
    pen.fillText("time (s)", (left + width) / 2, height - 4 * ratio);
    pen.textAlign = "right";
    pen.fillText("0", left - 5 * ratio, height - foot);
    pen.fillText(String(this.count - 1), left - 5 * ratio, 12 * ratio);
    pen.save();
    pen.translate(12 * ratio, (height - foot) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText("edge", 0, 0);
    pen.restore();
    pen.strokeStyle = shade("--line");
    pen.strokeRect(left, 0.5, width - left - 1, height - foot);
    pen.fillStyle = shade("--chosen");
    const tall = Math.max(2 * ratio, (0.7 * (height - foot)) / this.count);
    for (let k = this.times.length - 1; k >= 0; k--) {
      if (this.times[k] < first) break;
      const x = left + ((this.times[k] - first) / (last - first)) * (width - left);
      const y = (height - foot) * (1 - (this.edges[k] + 0.5) / this.count);
      pen.fillRect(x, y - tall / 2, 1.4 * ratio, tall);
    }
  }
}
