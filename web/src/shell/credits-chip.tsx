/** What is left to spend, in the header of every page: green from 50, yellow from 10, red below. */
import { Link } from "@tanstack/react-router";
import { cva } from "class-variance-authority";
import { useBalance } from "~/credits/balance.ts";
import { counted, levelOf } from "~/credits/words.ts";

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
  return (
    <Link
      to="/credits"
      className={chipLook({ level: levelOf(available) })}
      data-testid="credits-chip"
      data-level={levelOf(available)}
    >
      <span className="size-1.5 rounded-full bg-current" aria-hidden="true" />
      <span>
        {counted(available)}
        <span className="sr-only font-normal tablet:not-sr-only">
          {available === 1 ? " credit" : " credits"}
        </span>
        <span className="sr-only">
          {" available"}
          {reserved > 0 && `, ${counted(reserved)} set aside for work under way`}
        </span>
      </span>
    </Link>
  );
}
