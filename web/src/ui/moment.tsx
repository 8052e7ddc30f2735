/** Moments as people say them, with the exact one behind. */
import { useEffect, useState } from "react";

const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const DAY_OF = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const TIME = new Intl.DateTimeFormat("en", { timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function date(at: string | number): string {
  return DATE.format(new Date(at));
}

/** `Nov 28`. */
export function day(at: string | number): string {
  return DAY_OF.format(new Date(at));
}

export function time(at: string | number): string {
  return TIME.format(new Date(at));
}

export function exact(at: string): string {
  return EXACT.format(new Date(at));
}

/** `just now`, `5 min. ago`, `in 3 days`; the date where it is longer ago than a week. */
export function relative(at: string, now: number): string {
  const distance = new Date(at).getTime() - now;
  const size = Math.abs(distance);
  if (size < MINUTE) return "just now";
  if (size < HOUR) return AGO.format(Math.round(distance / MINUTE), "minute");
  if (size < DAY) return AGO.format(Math.round(distance / HOUR), "hour");
  if (size < 7 * DAY) return AGO.format(Math.round(distance / DAY), "day");
  return date(at);
}

/** `48 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** This moment, told again as often as that. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** How long ago it was, kept true. */
export function Ago({ at }: { at: string }) {
  const now = useNow(MINUTE / 2);
  return (
    <time dateTime={at} title={exact(at)}>
      {relative(at, now)}
    </time>
  );
}

/** Day and time. */
export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exact(at)} className="whitespace-nowrap">
      {date(at)}, {time(at)}
    </time>
  );
}
