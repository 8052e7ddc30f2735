/** What can be done about a task that came to nothing. */
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { RotateCcw } from "lucide-react";
import { useRef } from "react";
import { answer, newKey } from "~/api/api.ts";
import { isPassing, isRefusal, sentenceOf } from "~/api/problems.ts";
import { counted } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import { Button, buttonLook } from "~/ui/button.tsx";
import { notifyProblem } from "~/ui/notify.ts";
import { EVERY_HISTORY, type Task } from "./keys.ts";

interface AgainProps {
  task: Task;
  onAgain: (description: string) => void;
}

export function AgainButtons({ task, onAgain }: AgainProps) {
  const retrying = useRetrying(task.task_id);
  const isShort = isRefusal(retrying.error, "insufficient_credits");
  return (
    <div className="flex flex-wrap gap-3">
      <Button look="primary" busy={retrying.isPending} onClick={() => retrying.mutate()}>
        <RotateCcw size={16} aria-hidden="true" />
        Run it again for up to {counted(task.maximum)}
      </Button>
      <Button onClick={() => onAgain(task.description)}>Change it first</Button>
      {(isShort || task.status === "rejected") && (
        <Link to="/credits" className={buttonLook({})}>
          Get credits
        </Link>
      )}
    </div>
  );
}

/** One key for all presses of one button: pressed twice, it runs once. */
function useRetrying(taskId: string) {
  const { api, queries } = useProduct();
  const navigate = useNavigate();
  const key = useRef(newKey());
  return useMutation({
    mutationFn: () =>
      answer(
        api.POST("/api/tasks/{task_id}/retry", {
          params: { path: { task_id: taskId }, header: { "idempotency-key": key.current } },
        }),
      ),
    onSuccess: ({ task_id }) => {
      void queries.invalidateQueries({ queryKey: EVERY_HISTORY });
      void navigate({ to: "/dashboard", search: (known) => ({ ...known, task: task_id }) });
    },
    onError: (problem) => {
      if (!isPassing(problem)) key.current = newKey(); // else it may have been taken: asked again it is the same
      notifyProblem(sentenceOf(problem));
    },
  });
}
