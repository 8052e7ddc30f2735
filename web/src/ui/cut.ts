/** The beginning of a text that may be long. */
export function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax).trimEnd()}…` : text;
}
