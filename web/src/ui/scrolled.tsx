/** What may be wider than the page: scrolled with the keyboard too. */
import type { ReactNode } from "react";

interface ScrolledProps {
  label: string;
  look: string;
  children: ReactNode;
}

export function Scrolled({ label, look, children }: ScrolledProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who scrolls with the keyboard has to get here
    <section className={`overflow-x-auto ${look}`} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
