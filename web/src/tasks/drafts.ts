/** What was written and not yet sent, and what was sent and not yet answered: both outlive the page.

Drafts are each user's own. An order on its way keeps its key, so sending it again after a reload asks for one task.
*/
import type { AgentType } from "./keys.ts";
import { NOTHING, type Order, type Sending } from "./order.ts";

interface Kept {
  description: string;
  agentType: AgentType | null;
  sending: Sending | null;
}

const STALE_MS = 10 * 60_000; // who comes back later may have asked otherwise

export function keepDraft(storage: Storage, userId: string, order: Order): void {
  const { description, agentType, sending } = order;
  const kept: Kept = { description, agentType, sending };
  if (description === "" && sending === null) storage.removeItem(nameOf(userId));
  else storage.setItem(nameOf(userId), JSON.stringify(kept));
}

export function draftOf(storage: Storage, userId: string, now: number): Order {
  const kept = read(storage.getItem(nameOf(userId)));
  if (kept === null) return NOTHING;
  const { description, agentType, sending } = kept;
  const isStale = sending !== null && now - sending.since > STALE_MS;
  return { ...NOTHING, description, agentType, sending: isStale ? null : sending };
}

function nameOf(userId: string): string {
  return `draft of ${userId}`;
}

function read(text: string | null): Kept | null {
  if (text === null) return null;
  try {
    const kept = JSON.parse(text);
    return typeof kept?.description === "string" ? kept : null;
  } catch {
    return null;
  }
}
