/** The price of what is being written, before it is sent. */
import { Link } from "@tanstack/react-router";
import { isPassing, sentenceOf } from "~/api/problems.ts";
import { counted, credits } from "~/credits/words.ts";
import { time } from "~/ui/moment.tsx";
import { CHARS_MAX, type Quote, type Readiness } from "./order.ts";
import { AGENTS } from "./status.ts";

/** `about 20, at most 50 credits`, or `100 credits` where it cannot be more. */
export function priceSaid({ expected, maximum }: Quote): string {
  if (expected === maximum) return credits(maximum);
  return `about ${counted(expected)}, at most ${credits(maximum)}`;
}

interface PriceLineProps {
  readiness: Readiness;
  isEager: boolean;
  onRetry: () => void;
}

export function PriceLine({ readiness, isEager, onRetry }: PriceLineProps) {
  switch (readiness.kind) {
    case "empty":
      return "You see the price before anything is spent.";
    case "too-long":
      return <span className="text-bad">Use at most {counted(CHARS_MAX)} characters.</span>;
    case "pricing":
      return "Looking up the price…";
    case "sending":
      return "Sending…";
    case "unpriced":
      return <Unpriced problem={readiness.problem} onRetry={onRetry} />;
    case "short":
      return <Short quote={readiness.quote} missing={readiness.missing} />;
    case "ready":
      return <Offer quote={readiness.quote} isEager={isEager} />;
  }
}

function Offer({ quote, isEager }: { quote: Quote; isEager: boolean }) {
  return (
    <span data-testid="quote">
      <span className="font-semibold text-ink tabular-nums">
        {quote.expected === quote.maximum
          ? credits(quote.maximum)
          : `About ${credits(quote.expected)}`}
      </span>
      {quote.expected !== quote.maximum && `, at most ${counted(quote.maximum)}`}
      {` · ${AGENTS[quote.agent_type]} · `}
      {isEager ? (
        <span className="font-medium text-ink">press Enter again to send</span>
      ) : (
        `price valid until ${time(quote.valid_until)}`
      )}
    </span>
  );
}

function Short({ quote, missing }: { quote: Quote; missing: number }) {
  return (
    <span className="text-bad" data-testid="quote">
      Needs up to {credits(quote.maximum)}: {counted(missing)} more than you have.{" "}
      <Link to="/credits" className="font-semibold text-link underline">
        Get credits
      </Link>
    </span>
  );
}

function Unpriced({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  if (isPassing(problem)) return "ImpacterAGI cannot be reached. The price comes when it can.";
  return (
    <span className="text-bad">
      No price yet: {sentenceOf(problem)}{" "}
      <button type="button" className="font-semibold text-link underline" onClick={onRetry}>
        Try again
      </button>
    </span>
  );
}
