/** A small word with a colour that says the same. */
import { cva, type VariantProps } from "class-variance-authority";
import type { ReactNode } from "react";

const pillLook = cva(
  "inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2.5 py-0.5 font-medium text-caption",
  {
    variants: {
      tone: {
        calm: "bg-well text-soft",
        busy: "bg-tint text-link",
        good: "bg-good-tint text-good",
        warn: "bg-warn-tint text-warn",
        bad: "bg-bad-tint text-bad",
      },
    },
    defaultVariants: { tone: "calm" },
  },
);

export function Pill({ tone, children }: VariantProps<typeof pillLook> & { children: ReactNode }) {
  return <span className={pillLook({ tone })}>{children}</span>;
}
