/** The desk: take a task, attach files, deliver it, or say why it cannot be done. */
import { useRef, useState } from "react";
import { answer, type Schema } from "~/api/api.ts";
import { useProduct } from "~/product.ts";
import { PERSON } from "~/tasks/status.ts";
import { Button } from "~/ui/button.tsx";
import { TextArea, TextField } from "~/ui/field.tsx";
import { useActing } from "./acting.ts";
import { useKept } from "./kept.ts";
import { EVERY_RUN } from "./keys.ts";
import type { Run } from "./run-sheet.tsx";

type Change = Schema<"StatusChange">;

export function RunDesk({ run }: { run: Run }) {
  if (run.state === "finished") return null;
  return run.executor === PERSON && run.state === "running" ? (
    <InHand run={run} />
  ) : (
    <Take run={run} />
  );
}

function useChanging(run: Run, said: string) {
  const { api } = useProduct();
  return useActing<Change>({
    act: (body) =>
      answer(
        api.POST("/api/admin/runs/{task_id}/status", {
          params: { path: { task_id: run.task_id } },
          body,
        }),
      ),
    said,
    changes: [EVERY_RUN],
  });
}

function Take({ run }: { run: Run }) {
  const taking = useChanging(run, "It is yours now.");
  return (
    <Button
      look="primary"
      busy={taking.isPending}
      onClick={() => taking.mutate({ status: "in-progress" })}
    >
      Take it
    </Button>
  );
}

function InHand({ run }: { run: Run }) {
  const result = useKept(`result of ${run.task_id}`);
  const [units, setUnits] = useState("");
  const [reason, setReason] = useState("");
  const delivering = useChanging(run, "It is delivered.");
  const refusing = useChanging(run, "It ended, and nothing is charged.");
  const unitsUsed = units === "" ? null : Number(units);
  return (
    <div className="grid gap-5 rounded-card bg-hover p-4">
      <TextArea
        label="Result"
        rows={6}
        value={result.text}
        onChange={(event) => result.write(event.target.value)}
        hint="Markdown, as the customer will read it."
      />
      <Attach run={run} />
      <TextField
        label="Units used"
        type="number"
        min={0}
        value={units}
        onChange={(event) => setUnits(event.target.value)}
        hint="What was asked by the piece, like leads; empty charges what was expected."
      />
      <Button
        look="primary"
        busy={delivering.isPending}
        aria-disabled={result.text.trim() === "" || undefined}
        onClick={() =>
          result.text.trim() &&
          delivering.mutate(
            { status: "completed", result: result.text, units_used: unitsUsed },
            { onSuccess: result.forget },
          )
        }
      >
        Deliver
      </Button>
      <TextField
        label="Or why it cannot be done"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <Button
        busy={refusing.isPending}
        aria-disabled={reason.trim() === "" || undefined}
        onClick={() => reason.trim() && refusing.mutate({ status: "failed", reason })}
      >
        End it, charge nothing
      </Button>
    </div>
  );
}

function Attach({ run }: { run: Run }) {
  const { api } = useProduct();
  const field = useRef<HTMLInputElement>(null);
  const attaching = useActing<File>({
    act: (file) => {
      const form = new FormData();
      form.append("file", file);
      return answer(
        api.POST("/api/admin/runs/{task_id}/files", {
          params: { path: { task_id: run.task_id } },
          body: { file: "" },
          bodySerializer: () => form,
        }),
      );
    },
    said: "The file is attached.",
    changes: [EVERY_RUN],
  });
  return (
    <div>
      <input
        ref={field}
        type="file"
        aria-label="Attach a file"
        className="sr-only"
        tabIndex={-1}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) attaching.mutate(file);
          event.target.value = "";
        }}
      />
      <Button
        look="outline"
        size="compact"
        busy={attaching.isPending}
        onClick={() => field.current?.click()}
      >
        Attach a file
      </Button>
    </div>
  );
}
