/** How long it has been going on. */
import { duration, useNow } from "~/ui/moment.tsx";

export function Elapsed({ since }: { since: string }) {
  const now = useNow(1_000);
  return <span aria-hidden="true">{duration(now - new Date(since).getTime())}</span>;
}
