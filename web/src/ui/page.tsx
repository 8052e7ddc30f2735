/** A page: its title in the window and as its heading, and its width. */
import clsx from "clsx";
import { type ReactNode, useEffect } from "react";

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ImpacterAGI`;
  }, [title]);
}

/** The heading of a state that shows none: for who goes from heading to heading. */
export function Heading({ children }: { children: ReactNode }) {
  return (
    <h1 className="sr-only" tabIndex={-1}>
      {children}
    </h1>
  );
}

const WIDTHS = { narrow: "max-w-2xl", regular: "max-w-5xl", wide: "max-w-7xl" };

interface PageProps {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  width?: keyof typeof WIDTHS;
  children: ReactNode;
}

export function Page({ title, lead, actions, width = "regular", children }: PageProps) {
  useTitle(title);
  return (
    <div
      className={clsx(
        "mx-auto grid grid-cols-1 gap-8 px-4 py-8 tablet:px-6 tablet:py-12",
        WIDTHS[width],
      )}
    >
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-4 px-1">
        <div className="grid gap-1.5">
          <h1 tabIndex={-1} className="font-bold text-title2 tablet:text-title1">
            {title}
          </h1>
          {lead && <p className="max-w-2xl text-pretty text-lead text-soft">{lead}</p>}
        </div>
        {actions}
      </div>
      {children}
    </div>
  );
}
