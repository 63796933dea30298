// The websocket: messages as the server's classes say them, and frames of single-precision numbers.
import type { FromPage, ToPage } from "./messages";

export interface Frame {
  head: { frame: number; step: number; running: boolean; example: number; since: number; steps: number[] };
  arrays: Record<string, Float32Array>;
}

export function unpacked(buffer: ArrayBuffer): Frame {
  const length = new DataView(buffer).getUint32(0, true);
  const { arrays: sizes, ...head } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays: Record<string, Float32Array> = {};
  let first = 4 + length;
  for (const [name, size] of sizes as [string, number][]) {
    arrays[name] = new Float32Array(buffer, first, size);
    first += 4 * size;
  }
  return { head, arrays };
}

export class Wire {
  private socket: WebSocket;

  constructor(
    private onMessage: (message: ToPage) => void,
    private onFrame: (frame: Frame) => void,
    onClose: (why: string) => void,
  ) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/live`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => {
      if (typeof event.data === "string") this.onMessage(JSON.parse(event.data) as ToPage);
      else this.onFrame(unpacked(event.data as ArrayBuffer));
    };
    this.socket.onclose = (event) => onClose(event.reason || "the laboratory was closed");
  }

  say(message: FromPage): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
