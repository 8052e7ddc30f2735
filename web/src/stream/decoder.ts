/** Server-sent events out of the text that they come in, in pieces of any size. */

export interface ServerEvent {
  id: string | null;
  event: string;
  data: string;
}

export class Decoder {
  #rest = "";

  /** Take the next piece, and return the events that are complete with it. */
  take(piece: string): ServerEvent[] {
    const blocks = (this.#rest + piece).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(decoded).filter((event) => event !== null);
  }
}

function decoded(block: string): ServerEvent | null {
  const fields = block.split("\n").map(fieldOf);
  const data = fields.filter(([name]) => name === "data").map(([, value]) => value);
  if (data.length === 0) return null;
  return {
    id: last(fields, "id"),
    event: last(fields, "event") ?? "message",
    data: data.join("\n"),
  };
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}

function last(fields: readonly [string, string][], wanted: string): string | null {
  return fields.findLast(([name]) => name === wanted)?.[1] ?? null;
}
