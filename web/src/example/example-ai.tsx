/** The worked example: a feature that costs a credit, from the button to the ledger. */
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { answer, newKey, type Schema } from "~/api/api.ts";
import { isPassing, isRefusal } from "~/api/problems.ts";
import { BALANCE } from "~/credits/keys.ts";
import { counted, credits } from "~/credits/words.ts";
import { useProduct } from "~/product.ts";
import type { Credits } from "~/stream/news.ts";
import { Button, buttonLook } from "~/ui/button.tsx";
import { Card, Section } from "~/ui/card.tsx";
import { TextArea } from "~/ui/field.tsx";
import { Notice } from "~/ui/notice.tsx";
import { Page } from "~/ui/page.tsx";
import { Problem } from "~/ui/problem.tsx";
import { Scrolled } from "~/ui/scrolled.tsx";
import { TEXT_LINK } from "~/ui/text-link.ts";

const CALL = `curl "$SITE_URL/api/example/use-credits" \\
  -H "authorization: Bearer $TOKEN" \\
  -H "idempotency-key: $(uuidgen)" \\
  -H "content-type: application/json" \\
  -d '{"prompt": "Name three colours"}'`;

export function ExampleAi() {
  const [prompt, setPrompt] = useState("");
  const using = useUsing();
  const ask = (event: FormEvent) => {
    event.preventDefault();
    if (!using.isPending) using.mutate(prompt);
  };
  return (
    <Page
      title="Example"
      lead="How a feature charges credits: one request, one credit, charged once however often it is sent."
      width="narrow"
    >
      <Card>
        <form onSubmit={ask} className="grid gap-5">
          <TextArea
            label="Ask the example"
            value={prompt}
            maxLength={2000}
            onChange={(event) => setPrompt(event.target.value)}
            placeholder="Name three colours"
          />
          <div className="flex flex-wrap items-center justify-between gap-4">
            <p className="text-caption text-soft">It makes up an answer, and really charges.</p>
            <Button type="submit" look="primary" busy={using.isPending}>
              Ask for 1 credit
            </Button>
          </div>
        </form>
      </Card>
      {using.error !== null && <Refused problem={using.error} />}
      {using.data && <Answer used={using.data} />}
      <Section title="The same without this page">
        <Scrolled label="Command" look="rounded-card bg-well p-5">
          <pre className="font-mono text-caption">{CALL}</pre>
        </Scrolled>
      </Section>
    </Page>
  );
}

/** A request that nobody answered keeps its key, so that asking again cannot charge twice. */
function useUsing() {
  const { api, queries } = useProduct();
  const key = useRef(newKey());
  return useMutation({
    mutationFn: (prompt: string) =>
      answer(
        api.POST("/api/example/use-credits", {
          params: { header: { "idempotency-key": key.current } },
          body: { prompt: prompt.trim() },
        }),
      ),
    onSuccess: ({ credits_left }) => {
      key.current = newKey();
      queries.setQueryData<Credits>(
        BALANCE,
        (known) => known && { ...known, available: credits_left },
      );
    },
    onError: (problem) => {
      if (!isPassing(problem)) key.current = newKey();
    },
  });
}

function Answer({ used }: { used: Schema<"ExampleAnswer"> }) {
  return (
    <Notice
      tone="good"
      title={`${credits(used.credits_used)} used, ${counted(used.credits_left)} left`}
    >
      <p className="text-ink">{used.result}</p>
      <Link
        to="/transactions"
        search={{ trace: used.transaction_id }}
        className={`${TEXT_LINK} text-caption`}
      >
        See it in the ledger
      </Link>
    </Notice>
  );
}

function Refused({ problem }: { problem: unknown }) {
  if (!isRefusal(problem, "insufficient_credits")) return <Problem problem={problem} />;
  return (
    <Notice
      tone="warn"
      title="Not enough credits"
      action={
        <Link to="/credits" className={buttonLook({ look: "outline", size: "compact" })}>
          Get credits
        </Link>
      }
    >
      It needs {credits(Number(problem.members.needed))}. Nothing was charged.
    </Notice>
  );
}
