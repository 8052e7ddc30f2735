/** What is known of one thing: names and values. */
import type { ReactNode } from "react";

export function Facts({ of }: { of: readonly (readonly [string, ReactNode])[] }) {
  const known = of.filter(
    ([, value]) => value !== null && value !== undefined && value !== "" && value !== false,
  );
  return (
    <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-5 gap-y-2">
      {known.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 text-right">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** An id, in full where there is room, to be taken along with a double click. */
export function Id({ id }: { id: string }) {
  return (
    <span className="block truncate font-mono text-caption" title={id}>
      {id}
    </span>
  );
}

/** Text of any length in a column of a table. */
export function LongText({ children }: { children: ReactNode }) {
  return <span className="line-clamp-2 min-w-40 wrap-anywhere">{children}</span>;
}
