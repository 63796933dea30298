// Forms as the parts' own signatures say them: a list of kinds for every section, and a field for every argument.
import type { Hello } from "./messages";

interface Field {
  name: string;
  type: "float" | "int" | "bool" | "str" | "json" | "part";
  optional: boolean;
  section?: string;
  default?: unknown;
}
type Kinds = Record<string, { about: string; fields: Field[]; network?: boolean }>;
type Description = Record<string, unknown> & { kind: string };

const TITLES: Record<string, string> = {
  network: "Network", medium: "Medium", task: "Task", rule: "Rule", clock: "Clock", device: "Device",
  optimiser: "Optimiser", batch: "Examples in a step", initial: "First parameters",
};
const FIRST: Record<string, number> = { nudge: 0.1, rate: 0.05, p: 0.3, threshold: 0.02, events: 0.5, rows: 4, columns: 4, nodes: 9, size: 1, bias: 0.01 };

function element<K extends keyof HTMLElementTagNameMap>(name: K, options: Partial<HTMLElementTagNameMap[K]> = {}): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(name), options);
}

export class Forms {
  private sections: Record<string, Kinds> = {};
  private read: Record<string, () => unknown> = {};

  constructor(private form: HTMLElement) {}

  take(hello: Hello): void {
    this.sections = hello.sections as Record<string, Kinds>;
  }

  // Fill the form with a setting.
  show(setting: Record<string, unknown>, most: number): void {
    this.form.replaceChildren();
    this.read = {};
    for (const section of Object.keys(TITLES)) this.form.append(this.section(section, setting[section]));
    const others = element("fieldset");
    this.hideNetwork();
    others.append(element("legend", { textContent: "Boards" }));
    this.number(others, "seed", "seed", Number(setting.seed ?? 0), 0, 2 ** 32);
    this.number(others, "replicas", `boards for the statistics (1 to ${most})`, Number(setting.replicas ?? 1), 1, most);
    const twin = element("input", { type: "checkbox", checked: setting.reference !== false, id: "field-reference" });
    const label = element("label", { htmlFor: twin.id });
    label.append(twin, " a twin on which all act in every step (p = 1)");
    others.append(label);
    this.read.reference = () => twin.checked;
    this.form.append(others);
  }

  // The setting that the form says.
  setting(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this.read).map(([name, value]) => [name, value()]));
  }

  // Layers bring a network of their own.
  private hideNetwork(): void {
    const medium = this.form.querySelector<HTMLSelectElement>("#field-medium");
    const network = this.form.querySelector<HTMLElement>("#field-network")?.closest("fieldset");
    if (!medium || !network) return;
    const show = () => (network.hidden = this.sections.medium[medium.value]?.network === false);
    medium.addEventListener("change", show);
    show();
  }

  private number(into: HTMLElement, name: string, words: string, value: number, min: number, max: number): void {
    const input = element("input", { type: "number", value: String(value), min: String(min), max: String(max), id: `field-${name}` });
    const label = element("label", { htmlFor: input.id, textContent: words });
    into.append(label, input);
    this.read[name] = () => Number(input.value);
  }

  private section(section: string, given: unknown): HTMLElement {
    const set = element("fieldset");
    set.append(element("legend", { textContent: TITLES[section] }));
    if (section === "batch" || section === "initial" || section === "optimiser") {
      const described = typeof given === "object" && given !== null;
      const plain = section === "batch" ? "all of them, or a number" : section === "initial" ? "a number, or nothing" : "none";
      this.read[section] = this.choice(set, section, `field-${section}`, described ? (given as Description) : null, plain, described ? null : given);
    } else this.read[section] = this.choice(set, section, `field-${section}`, given as Description);
    return set;
  }

  // A list of kinds and the fields of the chosen one; returns what reads them.
  private choice(set: HTMLElement, section: string, id: string, given: Description | null, plain?: string, value?: unknown): () => unknown {
    const kinds = this.sections[section];
    const list = element("select", { id });
    list.setAttribute("aria-label", TITLES[section] ?? section);
    if (plain !== undefined) list.append(element("option", { value: "", textContent: plain }));
    for (const kind of Object.keys(kinds)) list.append(element("option", { value: kind, textContent: kind }));
    list.value = given?.kind ?? (plain !== undefined ? "" : Object.keys(kinds)[0]);
    const inner = element("div", { className: "fields" });
    let reads: Record<string, () => unknown> = {};
    let word: () => unknown = () => null;
    const fill = (from: Description | null) => {
      inner.replaceChildren();
      reads = {};
      const kind = kinds[list.value];
      list.title = kind?.about ?? "";
      if (!kind) {
        if (section === "optimiser") return;
        const input = element("input", { id: `${id}-plain`, value: value == null ? "" : String(value), placeholder: section === "batch" ? "full" : "as usual" });
        input.setAttribute("aria-label", `${TITLES[section]}: a number`);
        inner.append(input);
        word = () => (input.value.trim() === "" ? (section === "batch" ? "full" : null) : input.value.trim() === "full" ? "full" : Number(input.value));
        return;
      }
      for (const field of kind.fields) reads[field.name] = this.field(inner, field, `${id}-${field.name}`, from?.kind === list.value ? from[field.name] : undefined);
    };
    list.addEventListener("change", () => fill(null));
    set.append(list, inner);
    fill(given);
    return () => {
      if (!list.value) return section === "optimiser" ? null : word();
      const found: Description = { kind: list.value };
      for (const [name, read] of Object.entries(reads)) {
        const said = read();
        if (said !== undefined) found[name] = said;
      }
      return found;
    };
  }

  private field(into: HTMLElement, field: Field, id: string, given: unknown): () => unknown {
    const value = given !== undefined ? given : field.default;
    if (field.type === "part") {
      const set = element("fieldset");
      set.append(element("legend", { textContent: field.name }));
      into.append(set);
      const part = typeof value === "object" && value !== null && "kind" in value ? (value as Description) : null;
      return this.choice(set, field.section ?? "comparator", id, part);
    }
    const label = element("label", { htmlFor: id, textContent: field.name });
    if (field.type === "bool") {
      const input = element("input", { type: "checkbox", id, checked: Boolean(value) });
      into.append(label, input);
      return () => input.checked;
    }
    const input = element("input", { id, type: field.type === "float" || field.type === "int" ? "number" : "text" });
    if (input.type === "number") input.step = field.type === "int" ? "1" : "any";
    if (value !== undefined && value !== null) input.value = field.type === "json" ? JSON.stringify(value) : String(value);
    else if (value === undefined && field.name in FIRST) input.value = String(FIRST[field.name]);
    into.append(label, input);
    return () => {
      const text = input.value.trim();
      if (text === "") return field.optional ? null : undefined;
      if (field.type === "float" || field.type === "int") return Number(text);
      if (field.type === "str") return text;
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    };
  }
}
