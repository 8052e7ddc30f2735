/** What is under way: credits set aside for runs, runs that are stuck, and how we compare with Stripe. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Api, answer, type Schema } from "~/api/api.ts";
import { counted, credits } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { PERSON } from "~/tasks/status.ts";
import { Card, Section } from "~/ui/card.tsx";
import { Facts } from "~/ui/facts.tsx";
import { Ago, useNow } from "~/ui/moment.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";
import { Outcome } from "./comparisons.tsx";
import { COMPARISONS, EVERY_RUN } from "./keys.ts";
import { booksQuery } from "./queries.ts";

type Run = Schema<"RunSummary">;
type State = Exclude<Schema<"RunState">, "finished">;

const EVERY_MS = 15_000;
const LIMIT = 200;
const STUCK_SHOWN = 5;

export function UnderWay() {
  const { api } = useProduct();
  const now = useNow(EVERY_MS);
  const [waiting, running] = useQueries({
    queries: [runsQuery(api, "waiting"), runsQuery(api, "running")],
  });
  const pages = [waiting.data, running.data].filter((page) => page !== undefined);
  return (
    <Section title="Under way">
      <Card>
        <Facts
          of={[
            ["Set aside", <Held key="held" />],
            ...(pages.length === 2 ? factsOf(pages, now) : []),
            ["Runs", (waiting.isError || running.isError) && "not known: nobody answers"],
            ["Compared with Stripe", <LastComparison key="compared" />],
          ]}
        />
      </Card>
    </Section>
  );
}

function factsOf(pages: readonly Schema<"Runs">[], now: number): [string, ReactNode][] {
  const runs = pages.flatMap((page) => page.runs);
  const forPeople = runs.filter((run) => run.executor === PERSON && run.state === "waiting");
  return [
    ["Wait for a person", <Waiting key="waiting" count={forPeople.length} />],
    ["Stuck", <Stuck key="stuck" runs={runs.filter((run) => isStuck(run, now))} />],
  ];
}

function runsQuery(api: Api, state: State) {
  return {
    queryKey: [...EVERY_RUN, "in", state],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      answer(api.GET("/api/admin/runs", { params: { query: { state, limit: LIMIT } }, signal })),
    refetchInterval: EVERY_MS,
  };
}

/** Nobody has it in hand any more, or its time is over, and yet it has not ended. */
export function isStuck({ lease_until, deadline_at }: Run, now: number): boolean {
  return [lease_until, deadline_at].some((until) => until !== null && Date.parse(until) < now);
}

/** What billing has set aside and not settled yet. */
function Held() {
  const { api } = useProduct();
  const { data } = useQuery({ ...booksQuery(api), refetchInterval: EVERY_MS });
  const { open_holds, held_credits } = data?.sections.ledger?.facts ?? {};
  return typeof open_holds === "number" && heldSaid(open_holds, Number(held_credits));
}

/** `1,200 credits in 3 holds`. */
export function heldSaid(holds: number, held: number): string {
  if (holds === 0) return "nothing";
  return `${credits(held)} in ${holds === 1 ? "1 hold" : `${counted(holds)} holds`}`;
}

function Waiting({ count }: { count: number }) {
  if (count === 0) return "none";
  return (
    <Link to="/admin/tasks" search={{ status: "queued" }} className={TEXT_LINK}>
      {counted(count)}
    </Link>
  );
}

function Stuck({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return "none";
  return (
    <ul className="grid justify-items-end gap-1">
      {runs.slice(0, STUCK_SHOWN).map(({ task_id, description }) => (
        <li key={task_id} className="max-w-full">
          <Link
            to="/admin/tasks"
            search={{ run: task_id }}
            className="line-clamp-1 font-medium text-warn underline underline-offset-2"
          >
            {description}
          </Link>
        </li>
      ))}
      {runs.length > STUCK_SHOWN && <li>and {counted(runs.length - STUCK_SHOWN)} more</li>}
    </ul>
  );
}

function LastComparison() {
  const { api } = useProduct();
  const { data } = useQuery({
    queryKey: [...COMPARISONS, "last"],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/admin/reconciliations", { params: { query: { limit: 1 } }, signal })),
    refetchInterval: EVERY_MS,
  });
  const [last] = data?.reconciliations ?? [];
  if (last === undefined) return data && "not yet";
  return (
    <span className="inline-flex flex-wrap items-center justify-end gap-2">
      <Link to="/admin/books" className={TEXT_LINK}>
        <Ago at={last.began_at} />
      </Link>
      <Outcome of={last} />
    </span>
  );
}
