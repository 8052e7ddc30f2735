/** A task that comes to its end while something else is looked at: told in passing, once. */
import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useProduct } from "~/product.ts";
import type { News } from "~/stream/news.ts";
import { isFinal, STATUSES } from "~/tasks/status.ts";
import { cut } from "~/ui/cut.ts";
import { notify } from "~/ui/notify.ts";

const CHARS_MAX = 60;

export function Outcomes() {
  const { stream } = useProduct();
  const router = useRouter();
  useEffect(() => {
    const told = new Set<string>();
    return stream.hear((news) => {
      if (news.kind !== "task" || !isFinal(news.task.status) || told.has(news.task.task_id)) return;
      told.add(news.task.task_id);
      const isLookedAt = router.state.location.href.includes(news.task.task_id);
      if (isLookedAt || document.hidden) return;
      notify(said(news), {
        label: "Show",
        onClick: () =>
          void router.navigate({ to: "/dashboard", search: { task: news.task.task_id } }),
      });
    });
  }, [stream, router]);
  return null;
}

function said({ task: { status, description } }: Extract<News, { kind: "task" }>): string {
  return `${STATUSES[status].word}: ${cut(description, CHARS_MAX)}`;
}
