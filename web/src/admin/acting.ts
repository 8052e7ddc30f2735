/** What an operator does: done once, told of, and everything that it changes asked anew. */
import { type QueryKey, useMutation } from "@tanstack/react-query";
import { sentenceOf } from "~/api/problems.ts";
import { useProduct } from "~/product.ts";
import { notifyProblem, notifySuccess } from "~/ui/notify.ts";

interface Act<Asked> {
  act: (asked: Asked) => Promise<unknown>;
  said: string;
  changes: readonly QueryKey[];
  onDone?: () => void;
}

export function useActing<Asked = void>({ act, said, changes, onDone }: Act<Asked>) {
  const { queries } = useProduct();
  return useMutation({
    mutationFn: act,
    onSuccess: () => {
      notifySuccess(said);
      for (const queryKey of changes) void queries.invalidateQueries({ queryKey });
      onDone?.();
    },
    onError: (problem) => notifyProblem(sentenceOf(problem)),
  });
}
