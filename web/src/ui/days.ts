/** Days as they are chosen, `2026-11-28`, where the reader is. */

/** The moment when a day begins, or so many days later; nothing for what is no day. */
export function startOf(day: string, later: number): string | undefined {
  const start = new Date(`${day}T00:00:00`);
  if (Number.isNaN(start.getTime())) return undefined;
  start.setDate(start.getDate() + later);
  return start.toISOString();
}

/** What is wrong with a time from one day to another. */
export function flawOfTime(from: string | undefined, to: string | undefined): string | undefined {
  return from && to && from > to ? "That is before From." : undefined;
}

/** The day of a moment. */
export function dayOf(at: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
