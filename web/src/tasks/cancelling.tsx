/** Ending a task that is under way: shown at once, taken back if it is refused. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answer } from "~/api/api.ts";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Confirm } from "~/ui/dialog.tsx";
import { notifyProblem } from "~/ui/notify.ts";
import { type Task, taskKey } from "./keys.ts";

export function CancelButton({ task }: { task: Task }) {
  const [isAsking, setAsking] = useState(false);
  const cancelling = useCancelling(task.task_id);
  return (
    <>
      <Button look="outline" size="compact" onClick={() => setAsking(true)}>
        Cancel
      </Button>
      <Confirm
        open={isAsking}
        onClose={() => setAsking(false)}
        title="Stop this task?"
        description="The agent stops, what it did so far is dropped, and nothing is charged."
        action="Stop it"
        refusal="Let it work"
        onConfirm={() => cancelling.mutate()}
      />
    </>
  );
}

function useCancelling(taskId: string) {
  const { api, queries } = useProduct();
  const key = taskKey(taskId);
  const mark = (isCancelRequested: boolean) =>
    queries.setQueryData<Task>(
      key,
      (task) => task && { ...task, is_cancel_requested: isCancelRequested },
    );
  return useMutation({
    mutationFn: () =>
      answer(api.POST("/api/tasks/{task_id}/cancel", { params: { path: { task_id: taskId } } })),
    onMutate: () => mark(true),
    onSuccess: (task) => queries.setQueryData(key, task),
    onError: (problem) => {
      mark(false);
      notifyProblem(sentenceOf(problem));
      void queries.invalidateQueries({ queryKey: key });
    },
  });
}
