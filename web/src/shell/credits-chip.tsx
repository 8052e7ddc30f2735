/** What is left to spend, in the header of every page: green from 50, yellow from 10, red below. */
import { Link } from "@tanstack/react-router";
import { cva } from "class-variance-authority";
import { useBalance } from "~/credits/balance.ts";
import { counted, credits, levelOf } from "~/credits/words.ts";

const chipLook = cva(
  "inline-flex min-h-8 items-center gap-2 rounded-full px-3 font-semibold text-caption tabular-nums transition-colors duration-300",
  {
    variants: {
      level: {
        good: "bg-good-tint text-good",
        warn: "bg-warn-tint text-warn",
        bad: "bg-bad-tint text-bad",
      },
    },
  },
);

export function CreditsChip() {
  const balance = useBalance();
  if (balance === null) return null;
  const { available, reserved } = balance;
  const held = reserved > 0 ? `, ${counted(reserved)} reserved for work under way` : "";
  const words = `${credits(available)} available${held}`;
  return (
    <Link
      to="/credits"
      className={chipLook({ level: levelOf(available) })}
      aria-label={words}
      title={words}
      data-testid="credits-chip"
      data-level={levelOf(available)}
    >
      <span className="size-1.5 rounded-full bg-current" aria-hidden="true" />
      {counted(available)}
      <span className="hidden font-normal tablet:inline" aria-hidden="true">
        {available === 1 ? "credit" : "credits"}
      </span>
    </Link>
  );
}
