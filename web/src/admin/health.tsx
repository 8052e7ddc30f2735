/** The health of every service: what each needs, what waits, what failed. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Api, answer, type Schema } from "~/api/api.ts";
import { refusalOf } from "~/api/problems.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Card, Section } from "~/ui/card.tsx";
import { Facts } from "~/ui/facts.tsx";
import { Page } from "~/ui/page.tsx";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Skeleton } from "~/ui/skeleton.tsx";
import { EXECUTORS, HEALTH } from "./keys.ts";
import { UnderWay } from "./under-way.tsx";

type State = Schema<"ServiceState">;

const EVERY_MS = 5_000;

export function Health() {
  const { api } = useProduct();
  const {
    data: ready,
    error,
    refetch,
  } = useQuery({
    queryKey: HEALTH,
    queryFn: ({ signal }) => healthOf(api, signal),
    refetchInterval: EVERY_MS,
  });
  return (
    <Page title="Health" lead="Asked again every five seconds." width="wide">
      {error !== null && <Problem problem={error} onRetry={() => void refetch()} />}
      <ul className="grid gap-4 tablet:grid-cols-2 desk:grid-cols-3">
        {ready === undefined &&
          ["one", "two", "three"].map((place) => (
            <li key={place}>
              <Skeleton shape="h-56 rounded-card" />
            </li>
          ))}
        {Object.entries(ready?.services ?? {}).map(([name, state]) => (
          <li key={name}>
            <ServiceCard name={name} state={state} />
          </li>
        ))}
      </ul>
      <UnderWay />
      <Executors />
    </Page>
  );
}

/** Whether ready or not, the body says who is. */
async function healthOf(api: Api, signal: AbortSignal): Promise<Schema<"Ready">> {
  const { data, error, response } = await api.GET("/health/ready", { signal });
  const ready = data ?? error;
  if (ready && "services" in ready) return ready;
  throw refusalOf(response, ready);
}

function ServiceCard({ name, state }: { name: string; state: State }) {
  return (
    <Card>
      <div className="grid gap-4">
        <div className="flex items-center justify-between gap-3">
          <h2 className="font-semibold text-title3">{name}</h2>
          <Readiness state={state} />
        </div>
        <Facts
          of={[
            ...Object.entries(state.dependencies).map(
              ([need, said]) => [need, <Dependency key={need} said={said} />] as const,
            ),
            ["queue", amount(state.queue)],
            ["outbox", outboxSaid(state)],
            ["parked", <Parked key="parked" name={name} parked={state.parked} />],
          ]}
        />
      </div>
    </Card>
  );
}

/** Ready is well only where no event waits for a person. */
function Readiness({ state: { status, parked } }: { state: State }) {
  if (status !== "ready") return <Pill tone="bad">Not ready</Pill>;
  const isParked = Object.values(parked ?? {}).some((count) => count > 0);
  return isParked ? <Pill tone="warn">Ready, events parked</Pill> : <Pill tone="good">Ready</Pill>;
}

function Dependency({ said }: { said: string }) {
  return said === "ok" ? (
    <span className="text-good">ok</span>
  ) : (
    <span className="text-bad">{said}</span>
  );
}

function Parked({ name, parked }: { name: string; parked: State["parked"] }) {
  const counts = Object.entries(parked ?? {}).filter(([, count]) => count > 0);
  if (counts.length === 0) return "none";
  return (
    <Link
      to="/admin/events"
      search={{ service: name }}
      className="font-medium text-warn underline underline-offset-2"
    >
      {counts.map(([state, count]) => `${counted(count)} ${state}`).join(", ")}
    </Link>
  );
}

function amount(count: number | null | undefined): string | null {
  return count == null ? null : counted(count);
}

function outboxSaid({ outbox, outbox_age_s }: State): string | null {
  if (outbox == null) return null;
  const age = outbox > 0 && outbox_age_s ? `, ${Math.round(outbox_age_s)} s old` : "";
  return `${counted(outbox)}${age}`;
}

function Executors() {
  const { api } = useProduct();
  const { data } = useQuery({
    queryKey: EXECUTORS,
    queryFn: ({ signal }) => answer(api.GET("/api/admin/executors", { signal })),
    refetchInterval: EVERY_MS,
  });
  if (data === undefined) return null;
  return (
    <Section title="Who does the work">
      <Card>
        <Facts
          of={data.executors.map(
            ({ name, state }) => [name, <Dependency key={name} said={state} />] as const,
          )}
        />
      </Card>
    </Section>
  );
}
