/** Surfaces: a card, and a card with a heading. */
import clsx from "clsx";
import type { ReactNode } from "react";

export function Card({
  children,
  padding = "roomy",
}: {
  children: ReactNode;
  padding?: "none" | "roomy";
}) {
  return (
    <div
      className={clsx(
        "rounded-card border border-line bg-card shadow-card",
        padding === "roomy" ? "p-5 tablet:p-6" : "overflow-hidden",
      )}
    >
      {children}
    </div>
  );
}

interface SectionProps {
  title: string;
  lead?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

export function Section({ title, lead, action, children }: SectionProps) {
  return (
    <section className="grid grid-cols-1 gap-3">
      <div className="flex flex-wrap items-end justify-between gap-x-4 gap-y-2 px-1">
        <div className="grid gap-0.5">
          <h2 className="font-semibold text-title3">{title}</h2>
          {lead && <p className="text-soft">{lead}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}
