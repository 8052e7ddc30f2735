/** One parked event: why it failed, what it carries, and what becomes of it. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useProduct } from "~/product.ts";
import { Button } from "~/ui/button.tsx";
import { Sheet } from "~/ui/dialog.tsx";
import { Facts, Id } from "~/ui/facts.tsx";
import { TextField } from "~/ui/field.tsx";
import { Moment } from "~/ui/moment.tsx";
import { Scrolled } from "~/ui/scrolled.tsx";
import { useActing } from "./acting.ts";
import { EVERY_EVENT, HEALTH } from "./keys.ts";
import { discardParked, type ParkedEvent, replayParked, showParked } from "./parked.ts";

interface EventSheetProps {
  event: ParkedEvent;
  onClose: () => void;
}

const REASON_CHARS_MIN = 3;

export function EventSheet({ event, onClose }: EventSheetProps) {
  const { api } = useProduct();
  const { id, service } = event;
  const { data: whole } = useQuery({
    queryKey: [...EVERY_EVENT, service, id],
    queryFn: ({ signal }) => showParked(api, service, id, signal),
  });
  return (
    <Sheet open onClose={onClose} title={event.name} side="right">
      <div className="grid gap-6 px-5 pb-8">
        <p>{event.reason}</p>
        <Deciding event={event} onClose={onClose} />
        <Facts
          of={[
            ["Service", service],
            ["State", event.state],
            ["Tries", event.attempt],
            ["First failed", <Moment key="first" at={event.first_failed_at} />],
            ["Last failed", <Moment key="last" at={event.last_failed_at} />],
            ["Next try", event.retry_at && <Moment key="next" at={event.retry_at} />],
            ["Id", <Id key="id" id={id} />],
          ]}
        />
        {whole && (
          <Scrolled label="What it carries" look="rounded-card bg-well p-4">
            <pre className="font-mono text-caption">{indented(whole.body)}</pre>
          </Scrolled>
        )}
      </div>
    </Sheet>
  );
}

function Deciding({ event: { id, service }, onClose }: EventSheetProps) {
  const { api } = useProduct();
  const [reason, setReason] = useState("");
  const isSaid = reason.trim().length >= REASON_CHARS_MIN;
  const changes = [EVERY_EVENT, HEALTH];
  const replaying = useActing({
    act: () => replayParked(api, service, id),
    said: "It is handled again now.",
    changes,
    onDone: onClose,
  });
  const discarding = useActing({
    act: () => discardParked(api, service, id, reason),
    said: "It is given up.",
    changes,
    onDone: onClose,
  });
  return (
    <div className="grid gap-4 rounded-card bg-hover p-4">
      <Button look="primary" busy={replaying.isPending} onClick={() => replaying.mutate()}>
        Replay
      </Button>
      <TextField
        label="Or why nobody will miss it"
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.target.value)}
      />
      <Button
        busy={discarding.isPending}
        aria-disabled={!isSaid || undefined}
        onClick={() => isSaid && discarding.mutate()}
      >
        Discard
      </Button>
    </div>
  );
}

function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
