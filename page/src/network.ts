// The network on a canvas: edges by what they have learned, which flash when they act; nodes by voltage or phase.
import { phase, shade, sign, size } from "./colours";
import type { Began } from "./messages";

export type Picked = { what: "edge" | "node"; number: number } | null;

const FADE = 0.7; // of a flash from frame to frame
const NEAR = 14; // pixels

export class NetworkView {
  private edges: number[] = [];
  private places: number[] = [];
  private roles = new Map<number, string>();
  private flash: Float32Array = new Float32Array(0);
  private acts: Float32Array = new Float32Array(0); // of each edge since the page saw this network
  private glow: Float32Array = new Float32Array(0); // flashes of nodes, where nodes are what acts
  private nodesActed: Float32Array = new Float32Array(0);
  private state: Float32Array = new Float32Array(0);
  private parameters: Float32Array = new Float32Array(0);
  private phases = false;
  private layers = false;
  private ohms = false;
  private bent: boolean[] = []; // edges that close a torus: drawn bent, or they would lie on others
  private scale = { x: 0, y: 0, by: 1 };
  private points: Float32Array = new Float32Array(0);
  picked: Picked = null;
  range: [number, number] = [0, 1]; // of the parameters, as coloured
  volts: [number, number] = [0, 1]; // of the states, as coloured
  held: [number, number] = [0, 1]; // of the inputs of layers, which have a scale of their own

  constructor(private canvas: HTMLCanvasElement) {
    new ResizeObserver(() => this.fit()).observe(canvas);
  }

  get nodes(): number {
    return this.places.length / 2;
  }
  get count(): number {
    return this.edges.length / 2;
  }

  take(began: Began): void {
    const network = began.network;
    const same = network.edges.length === this.edges.length;
    this.edges = network.edges;
    this.places = network.places;
    this.phases = began.words.drawn === "phases";
    this.layers = began.words.drawn === "layers";
    this.ohms = began.words.parameter_unit === "ohm";
    this.bend();
    this.roles.clear();
    for (const [node] of network.held) this.roles.set(node, "held");
    for (const role of ["inputs", "outputs", "ground"])
      for (const node of network[role]) if (!this.roles.has(node)) this.roles.set(node, role.replace(/s$/, ""));
    if (!same) this.picked = null;
    this.flash = new Float32Array(this.count);
    this.acts = new Float32Array(this.count);
    this.glow = new Float32Array(this.nodes);
    this.nodesActed = new Float32Array(this.nodes);
    this.parameters = new Float32Array(this.count).fill(NaN);
    this.state = new Float32Array(this.nodes);
    this.fit();
  }

  feed(state: Float32Array, parameters: Float32Array, acted: Float32Array, nodesActed: Float32Array): void {
    if (parameters.length !== this.count) return;
    this.state = state;
    this.parameters = parameters;
    for (let e = 0; e < this.count; e++) {
      this.flash[e] = acted[e] > 0 ? 1 : this.flash[e] * FADE;
      this.acts[e] += acted[e];
    }
    for (let k = 0; k < nodesActed.length; k++) {
      this.glow[k] = nodesActed[k] > 0 ? 1 : this.glow[k] * FADE;
      this.nodesActed[k] += nodesActed[k];
    }
  }

  private bend(): void {
    const lengths = Array.from({ length: this.count }, (_, e) => {
      const [i, j] = [this.edges[2 * e], this.edges[2 * e + 1]];
      return Math.hypot(this.places[2 * i] - this.places[2 * j], this.places[2 * i + 1] - this.places[2 * j + 1]);
    });
    const median = [...lengths].sort((a, b) => a - b)[Math.floor(this.count / 2)];
    this.bent = lengths.map((length) => length > 1.95 * median);
  }

  // Where the curve of an edge is pulled to: its middle, or beside it if it is bent.
  private pull(edge: number): [number, number] {
    const [i, j] = [2 * this.edges[2 * edge], 2 * this.edges[2 * edge + 1]];
    const [dx, dy] = [this.points[j] - this.points[i], this.points[j + 1] - this.points[i + 1]];
    const by = this.bent[edge] ? 0.22 : 0;
    return [(this.points[i] + this.points[j]) / 2 - by * dy, (this.points[i + 1] + this.points[j + 1]) / 2 + by * dx];
  }

  private fit(): void {
    const ratio = this.count > 600 ? 1 : Math.min(window.devicePixelRatio || 1, 2); // many edges fine enough, and four times as fast
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height || !this.nodes) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let k = 0; k < this.nodes; k++) {
      left = Math.min(left, this.places[2 * k]);
      right = Math.max(right, this.places[2 * k]);
      low = Math.min(low, this.places[2 * k + 1]);
      high = Math.max(high, this.places[2 * k + 1]);
    }
    const margin = 26 * ratio;
    const by = Math.min(
      (this.canvas.width - 2 * margin) / Math.max(right - left, 1e-9),
      (this.canvas.height - 2 * margin) / Math.max(high - low, 1e-9),
    );
    this.scale = { x: (left + right) / 2, y: (low + high) / 2, by };
    this.points = new Float32Array(2 * this.nodes);
    for (let k = 0; k < this.nodes; k++) {
      this.points[2 * k] = this.canvas.width / 2 + (this.places[2 * k] - this.scale.x) * by;
      this.points[2 * k + 1] = this.canvas.height / 2 - (this.places[2 * k + 1] - this.scale.y) * by;
    }
    this.draw();
  }

  private ranges(): void {
    const extent = (values: Float32Array, takes: (k: number) => boolean): [number, number] => {
      let [low, high] = [Infinity, -Infinity];
      for (let k = 0; k < values.length; k++) {
        if (!Number.isFinite(values[k]) || !takes(k)) continue;
        low = Math.min(low, values[k]);
        high = Math.max(high, values[k]);
      }
      return [low, high];
    };
    const [low, high] = extent(this.parameters, () => true);
    const [least, most] = extent(this.state, (k) => !this.apart(k));
    if (this.layers) this.held = extent(this.state, (k) => this.apart(k));
    if (this.phases) {
      const largest = Math.max(Math.abs(low), Math.abs(high), 1e-9);
      this.range = [-largest, largest];
    } else if (low > 0 && this.ohms) {
      this.range = [Math.min(low, 0.5), Math.max(high, 2)];
    } else this.range = [low, high > low ? high : low + 1e-9];
    this.volts = [Math.min(least, 0), Math.max(most, least + 1e-9)];
  }

  // Inputs of layers are much larger than what settles.
  private apart(node: number): boolean {
    return this.layers && this.roles.get(node) === "input";
  }

  edgeColour(value: number): string {
    if (!Number.isFinite(value)) return shade("--quiet");
    if (this.phases) return sign(value / this.range[1]);
    const [low, high] = this.range;
    if (low > 0) return size(Math.log(value / low) / Math.log(high / low));
    return size((value - low) / (high - low));
  }

  nodeColour(node: number): string {
    const value = this.state[node];
    if (this.phases) return phase(value);
    const [low, high] = this.apart(node) ? this.held : this.volts;
    return size((value - low) / Math.max(high - low, 1e-9));
  }

  draw(): void {
    const pen = this.canvas.getContext("2d");
    if (!pen || !this.points.length) return;
    this.ranges();
    const ratio = this.canvas.width / Math.max(this.canvas.clientWidth, 1);
    const ink = shade("--ink");
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const thin = (this.count > 600 ? 1 : this.count > 80 ? 2 : 3.5) * ratio;
    pen.lineCap = this.count > 80 ? "butt" : "round";
    const halo = shade(this.phases ? "--beside" : "--flash"); // couplings may be orange themselves
    // Edges of about one look are one path: thousands of strokes one by one would take most of the time.
    this.together(pen, (e) => (this.flash[e] < 0.06 ? "" : String(Math.ceil(8 * this.flash[e]) / 8)), (look) => {
      pen.globalAlpha = 0.8 * Number(look); // a halo below the edge, whose colour stays what it says
      pen.strokeStyle = halo;
      pen.lineWidth = thin + 5 * ratio;
    });
    pen.globalAlpha = 1;
    this.together(pen, (e) => this.edgeColour(this.parameters[e]), (look) => {
      pen.strokeStyle = look;
      pen.lineWidth = thin;
    });
    if (this.picked?.what === "edge") {
      pen.setLineDash([5 * ratio, 4 * ratio]);
      this.line(pen, this.picked.number, ink, thin + 3 * ratio);
      pen.setLineDash([]);
    }
    const radius = (this.nodes > 400 ? 2.2 : this.nodes > 100 ? 4 : this.nodes > 30 ? 6 : 10) * ratio;
    for (let k = 0; k < this.nodes; k++) this.node(pen, k, radius, ratio, ink);
  }

  private together(pen: CanvasRenderingContext2D, look: (edge: number) => string, set: (look: string) => void): void {
    const paths = new Map<string, Path2D>();
    for (let e = 0; e < this.count; e++) {
      const mine = look(e);
      if (!mine) continue;
      let path = paths.get(mine);
      if (!path) paths.set(mine, (path = new Path2D()));
      const [i, j] = [2 * this.edges[2 * e], 2 * this.edges[2 * e + 1]];
      path.moveTo(this.points[i], this.points[i + 1]);
      if (this.bent[e]) path.quadraticCurveTo(...this.pull(e), this.points[j], this.points[j + 1]);
      else path.lineTo(this.points[j], this.points[j + 1]);
    }
    for (const [mine, path] of paths) {
      set(mine);
      pen.stroke(path);
    }
  }

  private line(pen: CanvasRenderingContext2D, edge: number, colour: string, width: number): void {
    const [i, j] = [this.edges[2 * edge], this.edges[2 * edge + 1]];
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(this.points[2 * i], this.points[2 * i + 1]);
    pen.quadraticCurveTo(...this.pull(edge), this.points[2 * j], this.points[2 * j + 1]);
    pen.stroke();
  }

  private node(pen: CanvasRenderingContext2D, k: number, radius: number, ratio: number, ink: string): void {
    const [x, y] = [this.points[2 * k], this.points[2 * k + 1]];
    const role = this.roles.get(k);
    const r = (role ? 1.35 : 1) * (this.phases ? 0.75 : 1) * radius;
    if (this.glow[k] > 0.06) {
      pen.globalAlpha = 0.8 * this.glow[k];
      pen.fillStyle = shade("--flash");
      pen.beginPath();
      pen.arc(x, y, 2.1 * r, 0, 2 * Math.PI);
      pen.fill();
      pen.globalAlpha = 1;
    }
    pen.fillStyle = this.nodeColour(k);
    pen.strokeStyle = role ? ink : shade("--quiet");
    pen.lineWidth = (role ? 2 : 1) * ratio;
    pen.beginPath();
    if (role === "input" || role === "held") pen.rect(x - r, y - r, 2 * r, 2 * r);
    else if (role === "output") {
      pen.moveTo(x, y - 1.3 * r);
      pen.lineTo(x + 1.3 * r, y);
      pen.lineTo(x, y + 1.3 * r);
      pen.lineTo(x - 1.3 * r, y);
      pen.closePath();
    } else if (role === "ground") {
      pen.moveTo(x - 1.2 * r, y - r);
      pen.lineTo(x + 1.2 * r, y - r);
      pen.lineTo(x, y + 1.2 * r);
      pen.closePath();
    } else pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
    if (this.phases) this.needle(pen, x, y, 1.9 * r, this.state[k], ratio);
    if (role === "held") {
      pen.beginPath();
      pen.arc(x, y, 0.4 * r, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (this.picked?.what === "node" && this.picked.number === k) {
      pen.setLineDash([4 * ratio, 3 * ratio]);
      pen.strokeStyle = ink;
      pen.beginPath();
      pen.arc(x, y, 1.9 * r, 0, 2 * Math.PI);
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  // A phase on its circle.
  private needle(pen: CanvasRenderingContext2D, x: number, y: number, r: number, angle: number, ratio: number): void {
    pen.strokeStyle = shade("--quiet");
    pen.lineWidth = 0.8 * ratio;
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.stroke();
    for (const [colour, width] of [["--paper", 5], ["--ink", 2]] as const) {
      pen.strokeStyle = shade(colour);
      pen.lineWidth = width * ratio;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(x + r * Math.cos(angle), y - r * Math.sin(angle));
      pen.stroke();
    }
  }

  // What lies under a place of the page: a node if one is near, else an edge.
  at(clientX: number, clientY: number, only?: "edge" | "node"): Picked {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / Math.max(box.width, 1);
    const [x, y] = [(clientX - box.left) * ratio, (clientY - box.top) * ratio];
    let best: Picked = null;
    let near = NEAR * ratio;
    if (only !== "edge") {
      for (let k = 0; k < this.nodes; k++) {
        const distance = Math.hypot(x - this.points[2 * k], y - this.points[2 * k + 1]);
        if (distance < near) [best, near] = [{ what: "node", number: k }, distance];
      }
      if (best) return best;
    }
    if (only !== "node") {
      for (let e = 0; e < this.count; e++) {
        const distance = this.distance(e, x, y);
        if (distance < near) [best, near] = [{ what: "edge", number: e }, distance];
      }
    }
    return best;
  }

  private distance(edge: number, x: number, y: number): number {
    const [i, j] = [this.edges[2 * edge], this.edges[2 * edge + 1]];
    const [ax, ay] = [this.points[2 * i], this.points[2 * i + 1]];
    const [bx, by] = [this.points[2 * j], this.points[2 * j + 1]];
    if (this.bent[edge]) {
      const [cx, cy] = this.pull(edge);
      const along = Array.from({ length: 21 }, (_, k) => k / 20);
      return Math.min(
        ...along.map((t) => Math.hypot(x - (1 - t) ** 2 * ax - 2 * t * (1 - t) * cx - t * t * bx, y - (1 - t) ** 2 * ay - 2 * t * (1 - t) * cy - t * t * by)),
      );
    }
    const length = (bx - ax) ** 2 + (by - ay) ** 2;
    const part = length ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
    return Math.hypot(x - ax - part * (bx - ax), y - ay - part * (by - ay));
  }

  // The middle of an edge or a node on the page.
  where(picked: NonNullable<Picked>): { x: number; y: number } {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / Math.max(box.width, 1);
    const ends = picked.what === "node" ? [picked.number] : [this.edges[2 * picked.number], this.edges[2 * picked.number + 1]];
    const pulled = picked.what === "edge" ? this.pull(picked.number) : [0, 0];
    const straight = (axis: number) => ends.reduce((sum, node) => sum + this.points[2 * node + axis], 0) / ends.length;
    const middle = (axis: number) => (picked.what === "edge" ? (straight(axis) + pulled[axis]) / 2 : straight(axis));
    return { x: box.left + middle(0) / ratio, y: box.top + middle(1) / ratio };
  }

  about(picked: NonNullable<Picked>, words: Record<string, string>): string {
    const number = (value: number) => (Number.isFinite(value) ? value.toPrecision(4) : "–");
    if (picked.what === "node") {
      const role = this.roles.get(picked.number);
      const times = words.unit === "node" && role !== "input" ? `, acted ${this.nodesActed[picked.number].toLocaleString("en")} times` : "";
      return `node ${picked.number}${role ? ` (${role})` : ""}: ${number(this.state[picked.number])}${words.state_unit === "1" ? "" : ` ${words.state_unit}`}${times}`;
    }
    const [i, j] = [this.edges[2 * picked.number], this.edges[2 * picked.number + 1]];
    const value = this.parameters[picked.number];
    const unit = words.parameter_unit === "1" ? "" : ` ${words.parameter_unit}`;
    const said = Number.isFinite(value) ? `${words.parameter} ${number(value)}${unit}` : "does not learn";
    const acts = words.unit === "node" ? "" : `, acted ${this.acts[picked.number].toLocaleString("en")} times`;
    return `${words.unit === "module" ? "module" : "edge"} ${picked.number} from node ${i} to ${j}: ${said}${acts}`;
  }

  step(what: "edge" | "node", by: number): void {
    const count = what === "edge" ? this.count : this.nodes;
    const now = this.picked?.what === what ? this.picked.number : by > 0 ? -1 : 0;
    this.picked = { what, number: (now + by + count) % count };
  }
}
