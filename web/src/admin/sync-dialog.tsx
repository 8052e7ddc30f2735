/** How the catalogue differs from Stripe's, before it is brought up to it. */
import { useQuery } from "@tanstack/react-query";
import { answer, type Schema } from "~/api/api.ts";
import { PRICES } from "~/credits/keys.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Dialog } from "~/ui/dialog.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { useActing } from "./acting.ts";
import { CATALOGUE, DRIFT } from "./keys.ts";
import { worded } from "./words.ts";

/** Of each field that differs: what it was, and what it is. */
interface Change {
  name: string;
  fields: Record<string, unknown[]>;
}

interface Result extends Record<"added" | "changed" | "deactivated", Change[]> {
  skipped: Schema<"SkippedProduct">[];
}

export function SyncDialog({ onClose }: { onClose: () => void }) {
  const { api } = useProduct();
  const {
    data: found,
    error,
    refetch,
  } = useQuery({
    queryKey: DRIFT,
    queryFn: ({ signal }) =>
      answer(api.POST("/api/billing/sync-prices", { body: { dry_run: true }, signal })),
    gcTime: 0, // what Stripe has is asked each time
  });
  const syncing = useActing({
    act: () => answer(api.POST("/api/billing/sync-prices", { body: { dry_run: false } })),
    said: "The catalogue is Stripe's now.",
    changes: [CATALOGUE, PRICES],
    onDone: onClose,
  });
  return (
    <Dialog open onClose={onClose} title="The catalogue and Stripe's">
      {error !== null && !found && <Problem problem={error} onRetry={() => void refetch()} />}
      {!found && !error && <SkeletonLines what="what Stripe has" count={3} />}
      {found && <Differences found={found} />}
      {found && isDifferent(found) && (
        <Button look="primary" busy={syncing.isPending} onClick={() => syncing.mutate()}>
          Sync now
        </Button>
      )}
    </Dialog>
  );
}

function isDifferent({ added, changed, deactivated }: Result): boolean {
  return added.length + changed.length + deactivated.length > 0;
}

function Differences({ found }: { found: Result }) {
  return (
    <div className="grid gap-4">
      {!isDifferent(found) && <p>They are the same.</p>}
      <Named title="To be sold" names={found.added.map(({ name }) => name)} />
      <Named title="To be changed" names={found.changed.map(changeSaid)} />
      <Named title="To be sold no more" names={found.deactivated.map(({ name }) => name)} />
      <Named
        title="Cannot be sold"
        names={found.skipped.map(({ name, reason }) => `${name}: ${reason}`)}
      />
    </div>
  );
}

function Named({ title, names }: { title: string; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <section className="grid gap-1">
      <h3 className="text-caption text-soft">{title}</h3>
      <ul className="grid gap-1">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </section>
  );
}

/** `Basic: credits 500 → 600`. */
function changeSaid({ name, fields }: Change): string {
  const parts = Object.entries(fields).map(
    ([field, [was, is]]) => `${worded(field)} ${told(was)} → ${told(is)}`,
  );
  return `${name}: ${parts.join(", ")}`;
}

function told(value: unknown): string {
  return String(value ?? "none");
}
