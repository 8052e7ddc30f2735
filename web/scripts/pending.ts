/** Adds to one JSON document what another has more: of what both have, the first one's counts. */

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export function merged<T>(base: T, pending: unknown): T {
  return joined(base as Json, pending as Json) as T;
}

function joined(base: Json, more: Json): Json {
  if (Array.isArray(base) && Array.isArray(more)) {
    return [...base, ...more.filter((item) => !base.some((known) => isSame(known, item)))];
  }
  if (isObject(base) && isObject(more)) {
    const names = [...new Set([...Object.keys(base), ...Object.keys(more)])];
    return Object.fromEntries(names.map((name) => [name, part(base[name], more[name])]));
  }
  return base;
}

function part(base: Json | undefined, more: Json | undefined): Json {
  if (base === undefined) return more ?? null;
  return more === undefined ? base : joined(base, more);
}

/** Parameters are told apart by name, anything else by what it is. */
function isSame(known: Json, item: Json): boolean {
  if (isObject(known) && isObject(item) && "name" in known) return known.name === item.name;
  return JSON.stringify(known) === JSON.stringify(item);
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
