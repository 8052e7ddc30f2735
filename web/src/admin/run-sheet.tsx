/** One task's run, and what a person may do with it. */
import { useQuery } from "@tanstack/react-query";
import { answer, type Schema } from "~/api/api.ts";
import { isMissing } from "~/api/problems.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Sheet } from "~/ui/dialog.tsx";
import { Facts, Id } from "~/ui/facts.tsx";
import { Moment } from "~/ui/moment.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Problem } from "~/ui/problem.tsx";
import { size } from "~/ui/size.ts";
import { SkeletonLines } from "~/ui/skeleton.tsx";
import { EVERY_RUN } from "./keys.ts";
import { RunDesk } from "./run-desk.tsx";

export type Run = Schema<"RunView">;

export function RunSheet({ taskId, onClose }: { taskId: string; onClose: () => void }) {
  const { api } = useProduct();
  const {
    data: run,
    error,
    refetch,
  } = useQuery({
    queryKey: [...EVERY_RUN, taskId],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/admin/runs/{task_id}", { params: { path: { task_id: taskId } }, signal }),
      ),
  });
  return (
    <Sheet open onClose={onClose} title="Task" side="right">
      <div className="grid grid-cols-1 gap-6 px-5 pb-8" data-testid="run">
        {run && <Details run={run} />}
        {!run && !error && <SkeletonLines what="the run" count={6} />}
        {!run &&
          error &&
          (isMissing(error) ? (
            <NotThere />
          ) : (
            <Problem problem={error} onRetry={() => void refetch()} />
          ))}
      </div>
    </Sheet>
  );
}

function NotThere() {
  return (
    <Notice tone="info">There is no run of it: its credits were not set aside, or not yet.</Notice>
  );
}

function Details({ run }: { run: Run }) {
  const files = run.files ?? [];
  return (
    <>
      <p className="whitespace-pre-wrap text-lead">{run.description}</p>
      <RunDesk run={run} />
      {run.result && (
        <section aria-label="Result">
          <h3 className="mb-1 font-semibold">Result</h3>
          <p className="whitespace-pre-wrap">{run.result}</p>
        </section>
      )}
      {files.length > 0 && (
        <ul aria-label="Files" className="grid grid-cols-1 gap-1">
          {files.map((file) => (
            <li key={file.id} className="flex justify-between gap-4">
              <span className="truncate font-medium">{file.name}</span>
              <span className="whitespace-nowrap text-soft">{size(file.size)}</span>
            </li>
          ))}
        </ul>
      )}
      <Facts
        of={[
          ["State", run.outcome ?? run.state],
          ["Agent", run.agent_type],
          ["Executor", run.executor],
          ["Attempt", `${run.attempt} of ${run.attempts_max}`],
          ["In hand of", run.lease_owner],
          ["Set aside", counted(run.hold_amount)],
          ["Units used", run.units_used],
          ["Reason", run.reason],
          ["Asked", <Moment key="asked" at={run.created_at} />],
          ["Deadline", <Moment key="deadline" at={run.deadline_at} />],
          ["Customer", <Id key="customer" id={run.user_id} />],
          ["Task", <Id key="task" id={run.task_id} />],
        ]}
      />
    </>
  );
}
