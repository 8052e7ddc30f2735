/** Where work is asked for: what, by which kind of agent, at which price. */
import clsx from "clsx";
import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, type RefObject, useEffect, useId, useLayoutEffect } from "react";
import { useAnnounce } from "~/ui/announcer.tsx";
import { Button } from "~/ui/button.tsx";
import { Select } from "~/ui/select.tsx";
import type { AgentType } from "./keys.ts";
import type { Readiness } from "./order.ts";
import { PriceLine, priceSaid } from "./price-line.tsx";
import { AGENTS } from "./status.ts";
import type { Ordering } from "./use-order.ts";

const HEIGHT_PX_MAX = 260;
const KINDS = [
  { value: "", name: "Any agent" },
  ...Object.entries(AGENTS).map(([value, name]) => ({ value, name })),
];

interface ComposerProps {
  ordering: Ordering;
  writing: RefObject<HTMLTextAreaElement | null>;
  place: "middle" | "below";
}

export function Composer({ ordering, writing, place }: ComposerProps) {
  const { order, readiness, write, choose, submit } = ordering;
  const priceId = useId();
  const isSending = readiness.kind === "sending";
  useHeight(writing, order.description);
  useSaidPrice(readiness, order.isEager);

  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      aria-label="New task"
      className="rounded-bubble border border-outline bg-card shadow-floating transition-shadow focus-within:border-link"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={writing}
        rows={place === "middle" ? 2 : 1}
        value={isSending ? "" : order.description}
        readOnly={isSending}
        enterKeyHint="send"
        onChange={(event) => write(event.target.value)}
        onKeyDown={press}
        aria-label={place === "middle" ? "What do you need done?" : "What else do you need done?"}
        aria-describedby={priceId}
        placeholder={
          place === "middle" ? "Find me 100 leads in Miami" : "What else do you need done?"
        }
        className="block w-full resize-none bg-transparent px-5 pt-4 pb-1 text-lead focus:outline-none"
      />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 pt-1 pb-3">
        <Select
          label="Kind of agent"
          isQuiet
          options={KINDS}
          value={order.agentType ?? ""}
          disabled={isSending}
          onChoose={(kind) => choose(kind === "" ? null : (kind as AgentType))}
        />
        <div
          id={priceId}
          className="order-first min-w-0 basis-full px-2 text-caption text-soft tablet:order-none tablet:flex-1 tablet:basis-0 tablet:px-0"
        >
          <PriceLine readiness={readiness} isEager={order.isEager} onRetry={submit} />
        </div>
        <span className="ml-auto">
          <SendButton readiness={readiness} />
        </span>
      </div>
    </form>
  );
}

function SendButton({ readiness }: { readiness: Readiness }) {
  const isReady = readiness.kind === "ready";
  return (
    <Button
      type="submit"
      look="primary"
      size="icon"
      aria-label={isReady ? `Send for ${priceSaid(readiness.quote)}` : "Send"}
      title={isReady ? `Send for ${priceSaid(readiness.quote)}` : "Send"}
      aria-disabled={!isReady || undefined}
      busy={readiness.kind === "sending" || readiness.kind === "pricing"}
    >
      <ArrowUp className={clsx(!isReady && "opacity-60")} size={18} aria-hidden="true" />
    </Button>
  );
}

/** The field is as high as what is in it, up to a limit. */
function useHeight(writing: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const field = writing.current;
    if (field === null) return;
    field.style.height = "auto";
    field.style.height = text === "" ? "" : `${Math.min(field.scrollHeight, HEIGHT_PX_MAX)}px`;
  }, [writing, text]);
}

/** The price is read out to whoever asked for it with Enter. */
function useSaidPrice(readiness: Readiness, isEager: boolean): void {
  const announce = useAnnounce();
  const said = readiness.kind === "ready" ? priceSaid(readiness.quote) : null;
  useEffect(() => {
    if (isEager && said !== null) announce(`The price is ${said}. Press Enter again to send.`);
  }, [announce, isEager, said]);
}
