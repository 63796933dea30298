// Colours that tell apart with any colour vision: Okabe and Ito's for lines, viridis for sizes, blue to orange for signs.
export const LINES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#888888", "#F0E442"];

type Colour = [number, number, number];
const VIRIDIS: Colour[] = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50],
  [253, 231, 37],
];
const SIGNS: Colour[] = [[0, 90, 160], [86, 160, 210], [170, 170, 170], [235, 150, 60], [200, 80, 0]];

const FINE = 48; // colours of a scale, so that edges of about one value can be drawn together

function along(table: Colour[], value: number): string {
  const part = Math.round(value * FINE) / FINE;
  const at = Math.min(Math.max(Number.isFinite(part) ? part : 0, 0), 1) * (table.length - 1);
  const low = Math.min(Math.floor(at), table.length - 2);
  const rest = at - low;
  const [a, b] = [table[low], table[low + 1]];
  return `rgb(${a.map((value, k) => Math.round(value + rest * (b[k] - value))).join(",")})`;
}

export const size = (part: number): string => along(VIRIDIS, part);
export const sign = (part: number): string => along(SIGNS, 0.5 + 0.5 * part);

// A phase: lightness goes with its sine, blue to orange with its cosine, so that the circle stays open without red and green.
export function phase(angle: number): string {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const mixed = [0, 1, 2].map((k) => {
    const base = 0.5 * (1 + c) * [230, 130, 30][k] + 0.5 * (1 - c) * [30, 120, 220][k];
    return Math.round(Math.min(255, Math.max(0, base + 55 * s)));
  });
  return `rgb(${mixed.join(",")})`;
}

export function shade(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
