/** The product's mark and name. */

export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" className="fill-accent" />
      <path
        className="fill-on-accent"
        d="M16 6.5 18.4 13.6 25.5 16 18.4 18.4 16 25.5 13.6 18.4 6.5 16 13.6 13.6Z"
      />
    </svg>
  );
}

export function Name() {
  return (
    <span className="inline-flex items-center gap-2.5 font-semibold text-lead tracking-tight">
      <Mark />
      ImpacterAGI
    </span>
  );
}
