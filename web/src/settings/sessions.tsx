/** Where one is signed in, and the end of it elsewhere: gone at once, back if it is refused. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { Laptop, Smartphone } from "lucide-react";
import { answer, type Schema } from "~/api/api.ts";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { Ago } from "~/ui/moment.tsx";
import { notifyProblem, notifySuccess } from "~/ui/notify.ts";
import { Pill } from "~/ui/pill.tsx";
import { Problem } from "~/ui/problem.tsx";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { deviceSaid, isHandheld } from "./device.ts";
import { SESSIONS } from "./keys.ts";
import { sessionsQuery } from "./queries.ts";

type Session = Schema<"SessionView">;
type Sessions = Schema<"SessionPage">;

export function Sessions() {
  const { api } = useProduct();
  const { data, error, refetch } = useQuery(sessionsQuery(api));
  return (
    <Section title="Signed in on" lead="Sign out what is not yours, or not with you.">
      {error !== null && data === undefined ? (
        <Problem problem={error} onRetry={() => void refetch()} />
      ) : (
        <Card padding="none">
          {data === undefined ? (
            <SkeletonLines what="your devices" count={3} />
          ) : (
            <ul className="divide-y divide-line">
              {data.sessions.map((session) => (
                <SessionLine key={session.id} session={session} />
              ))}
            </ul>
          )}
        </Card>
      )}
    </Section>
  );
}

function SessionLine({ session }: { session: Session }) {
  const ending = useEnding(session.id);
  const Icon = isHandheld(session.device) ? Smartphone : Laptop;
  const device = deviceSaid(session.device);
  return (
    <li className="flex items-center gap-4 px-5 py-3.5">
      <Icon className="shrink-0 text-soft" size={22} aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium" title={session.device ?? undefined}>
          {device}
        </p>
        <p className="truncate text-caption text-soft">
          {session.address && `${session.address} · `}
          {session.is_current ? "now" : <Ago at={session.last_seen_at} />}
        </p>
      </div>
      {session.is_current ? (
        <Pill tone="good">This device</Pill>
      ) : (
        <Button size="compact" aria-label={`Sign out ${device}`} onClick={() => ending.mutate()}>
          Sign out
        </Button>
      )}
    </li>
  );
}

function useEnding(sessionId: string) {
  const { api, queries } = useProduct();
  return useMutation({
    mutationFn: () =>
      answer(
        api.DELETE("/api/auth/sessions/{session_id}", {
          params: { path: { session_id: sessionId } },
        }),
      ),
    onMutate: async () => {
      await queries.cancelQueries({ queryKey: SESSIONS });
      const before = queries.getQueryData<Sessions>(SESSIONS);
      queries.setQueryData<Sessions>(
        SESSIONS,
        (page) => page && { ...page, sessions: page.sessions.filter(({ id }) => id !== sessionId) },
      );
      return { before };
    },
    onSuccess: () => notifySuccess("That device is signed out, within 15 minutes at the latest."),
    onError: (problem, _, kept) => {
      queries.setQueryData(SESSIONS, kept?.before);
      notifyProblem(sentenceOf(problem));
    },
  });
}
