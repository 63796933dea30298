// Written by clockless.lab.typescript.typescript(); edit the classes in messages.py.

/** A new board: descriptions by section, and how many replicas stand behind it. */
export interface Begin {
  type: "begin";
  setting: Record<string, any>;
}

/** Let time go on, or stop it. */
export interface Run {
  type: "run";
  running: boolean;
}

/** So many steps, then stop. */
export interface Step {
  type: "step";
  steps: number;
}

/** Steps a second that are wanted. */
export interface Speed {
  type: "speed";
  rate: number;
}

/** A knob: a number of a part that learns on with it; `sent` comes back with the answer. */
export interface Turn {
  type: "turn";
  section: string;
  field: string;
  value: number;
  sent?: number;
}

/** Cut an edge out of the network that is there now. */
export interface Cut {
  type: "cut";
  edge: number;
}

/** Hold a node at a value while the board learns. */
export interface Hold {
  type: "hold";
  node: number;
  value: number;
}

/** Which test example is shown. */
export interface Example {
  type: "example";
  number: number;
}

/** Ask for what is on the screen as text. */
export interface Write {
  type: "write";
  what: string;
}

/** The frame of this number has been drawn. */
export interface Seen {
  type: "seen";
  frame: number;
}

/** Look at the store that the command line named; nothing more is said of it. */
export interface Watch {
  type: "watch";
  watching: boolean;
}

/** Draw a machine of that store, and again when it is done. */
export interface Draw {
  type: "draw";
  machine: number;
}

export type FromPage =
  | Begin
  | Run
  | Step
  | Speed
  | Turn
  | Cut
  | Hold
  | Example
  | Write
  | Seen
  | Watch
  | Draw;

/** What there is to choose from. */
export interface Hello {
  type: "hello";
  version: string;
  sections: Record<string, any>;
  presets: Record<string, any>[];
  store: string | null;
  most_replicas: number;
}

/** A board as it now is: wiring, places, roles, knobs, and what it is called. */
export interface Began {
  type: "began";
  setting: Record<string, any>;
  network: Record<string, any>;
  knobs: Record<string, any>[];
  words: Record<string, string>;
  examples: number;
  step: number;
  anew: boolean;
}

/** What takes longer than a blink. */
export interface Busy {
  type: "busy";
  doing: string;
}

/** A knob has been turned at a step, so many milliseconds after it was heard of. */
export interface Turned {
  type: "turned";
  step: number;
  sent: number;
  milliseconds: number;
}

/** One sentence why not; the board is as it was. */
export interface Refused {
  type: "refused";
  sentence: string;
}

/** What is on the screen as text. */
export interface Written {
  type: "written";
  what: string;
  text: string;
}

/** Time stands still at a step. */
export interface Stopped {
  type: "stopped";
  step: number;
  why: string;
}

/** How far a store is, what went wrong, and curves of what is done. */
export interface Watched {
  type: "watched";
  title: string;
  lines: string[];
  jobs: number[];
  incidents: string[];
  axis: string;
  steps: number[];
  curves: Record<string, any>[];
  machines: number;
}

/** A machine of a store: which it is, and its picture as the address of a PNG; empty where there is none to show. */
export interface Drawn {
  type: "drawn";
  machine: number;
  said: string;
  picture: string;
}

export type ToPage =
  | Hello
  | Began
  | Busy
  | Turned
  | Refused
  | Written
  | Stopped
  | Watched
  | Drawn;
