/** Where something will be in a moment: its shape, and a word for those who do not see it. */
import clsx from "clsx";

export function Skeleton({ shape }: { shape: string }) {
  return <span className={clsx("skeleton block", shape)} aria-hidden="true" />;
}

export function Loading({ what }: { what: string }) {
  return (
    <span className="sr-only" role="status">
      Loading {what}…
    </span>
  );
}

const WIDTHS = ["w-4/5", "w-3/5", "w-11/12", "w-2/3", "w-3/4"];

/** Some lines of a list that is being loaded. */
export function SkeletonLines({ what, count }: { what: string; count: number }) {
  return (
    <div className="grid gap-4 p-5">
      <Loading what={what} />
      {Array.from({ length: count }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <Skeleton key={line} shape={clsx("h-4", WIDTHS[line % WIDTHS.length])} />
      ))}
    </div>
  );
}
