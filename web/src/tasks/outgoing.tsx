/** An order that was sent and is not answered yet. */
import { Button } from "~/ui/button.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Heading, useTitle } from "~/ui/page.tsx";
import { Spinner } from "~/ui/spinner.tsx";
import { Bubble } from "./bubble.tsx";
import type { Ordering } from "./use-order.ts";

export function Outgoing({ ordering }: { ordering: Ordering }) {
  useTitle("Sending…");
  const { order, isLost, takeBack } = ordering;
  return (
    <div className="grid gap-6">
      <Heading>Sending</Heading>
      <Bubble text={order.sending?.description ?? ""} />
      {isLost ? (
        <Notice
          tone="warn"
          title="Waiting for the connection"
          action={
            <Button look="outline" size="compact" onClick={takeBack}>
              Take it back
            </Button>
          }
        >
          Keep this page open: it is sent as soon as ImpacterAGI can be reached, and counts once
          however often it is tried.
        </Notice>
      ) : (
        <p className="flex items-center gap-3 text-lead text-soft" role="status">
          <Spinner />
          Sending…
        </p>
      )}
    </div>
  );
}
