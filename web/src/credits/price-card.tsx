/** One thing that can be bought. */
import { Button } from "~/ui/button.tsx";
import { Card } from "~/ui/card.tsx";
import { Pill } from "~/ui/pill.tsx";
import type { Price } from "./queries.ts";
import { counted, credits, money } from "./words.ts";

interface PriceCardProps {
  price: Price;
  /** What is done instead of buying, in words. */
  change?: string;
  isBusy: boolean;
  onBuy: () => void;
}

const ROLLOVER: Record<string, string> = {
  none: "What is left ends with the month.",
  one_period: "What is left stays for one more month.",
  unlimited: "What is left stays.",
};

export function PriceCard({ price, change, isBusy, onBuy }: PriceCardProps) {
  const amount = money(price.amount_cents, price.currency);
  const isPlan = price.interval !== null;
  const { heading, more, whole } = wordsOf(price);
  return (
    <Card>
      <div className="grid h-full content-between gap-5">
        <div className="grid gap-1">
          <div className="flex min-h-6 items-center justify-between gap-2">
            <h3 className="font-medium text-soft">{heading}</h3>
            {price.badge && <Pill tone="busy">{price.badge}</Pill>}
          </div>
          <p className="font-bold text-title2 tabular-nums">
            {counted(price.credits)}
            <span className="font-normal text-body text-soft">
              {isPlan ? " credits a month" : " credits"}
            </span>
          </p>
          <p className="text-caption text-soft">
            {change && `${amount}${every(price)}, `}
            {eachSaid(price)}
            {price.rollover && ` ${ROLLOVER[price.rollover]}`}
          </p>
          {more && <p className="text-caption text-soft">{more}</p>}
        </div>
        <Button
          look={price.badge && !change ? "primary" : "plain"}
          width="full"
          busy={isBusy}
          onClick={onBuy}
        >
          <span className="tabular-nums">
            {change ?? `${isPlan ? "Subscribe for" : "Buy for"} ${amount}${every(price)}`}
            <span className="sr-only">: {whole}</span>
          </span>
        </Button>
      </div>
    </Card>
  );
}

/** The number of credits is said once: what is named after it says what it is for instead. */
function wordsOf({ name, description, credits: amount }: Price) {
  const number = credits(amount);
  const isNumber = name === number;
  const isRepeated = isNumber || description === `${number} a month`;
  return {
    heading: isNumber && description ? description : name,
    more: isRepeated ? null : description,
    whole: isNumber ? number : `${name}, ${number}`,
  };
}

function every({ interval }: Price): string {
  return interval === null ? "" : ` a ${interval}`;
}

/** What one credit costs, in cents where it is less than a dollar. */
function eachSaid({ credits_per_dollar }: Price): string | null {
  if (!credits_per_dollar) return null;
  const cents = 100 / credits_per_dollar;
  if (cents >= 100) return `$${(cents / 100).toFixed(2)} a credit.`;
  return `${Number(cents.toFixed(1))}¢ a credit.`;
}
