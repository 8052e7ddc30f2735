/** What the pages ask and the product does not answer yet: operations and schemas, whole, as they will be.

Each counts for as long as the product has there what it had when the entry was written; then `npm run api` drops it.
*/
import { createHash } from "node:crypto";

type Json = unknown;
type Named = Record<string, Json>;

export interface Document {
  paths: Record<string, Named>;
  components: { schemas: Named };
  [more: string]: Json;
}

export interface Pending {
  paths: Record<string, Named>;
  schemas: Named;
  /** Of every entry, the digest of what the product had instead; null for nothing. */
  instead_of: Record<string, string | null>;
}

/** The document with what is pending. */
export function joined(base: Document, pending: Pending): Document {
  const paths = { ...base.paths };
  for (const [path, operations] of Object.entries(pending.paths)) {
    paths[path] = { ...paths[path], ...operations };
  }
  const schemas = { ...base.components.schemas, ...pending.schemas };
  return { ...base, paths, components: { ...base.components, schemas } };
}

/** What is pending still; null where nothing is. */
export function open(base: Document, pending: Pending): Pending | null {
  const was = pending.instead_of;
  const isOpen = (name: string, form: Json) => name in was && was[name] === digest(form);
  const paths = Object.entries(pending.paths).map(([path, operations]) => {
    const rest = those(operations, (method) =>
      isOpen(`${method} ${path}`, base.paths[path]?.[method]),
    );
    return [path, rest] as const;
  });
  const schemas = those(pending.schemas, (name) => isOpen(name, base.components.schemas[name]));
  const rest = Object.fromEntries(paths.filter(([, operations]) => !isEmpty(operations)));
  if (isEmpty(rest) && isEmpty(schemas)) return null;
  return { paths: rest, schemas, instead_of: digests(base, rest, schemas) };
}

/** What the product has in the place of each of these. */
export function digests(
  base: Document,
  paths: Pending["paths"],
  schemas: Named,
): Pending["instead_of"] {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) => [`${method} ${path}`, base.paths[path]?.[method]] as const,
    ),
  );
  const forms = Object.keys(schemas).map((name) => [name, base.components.schemas[name]] as const);
  return Object.fromEntries([...operations, ...forms].map(([name, form]) => [name, digest(form)]));
}

function digest(form: Json): string | null {
  if (form === undefined) return null;
  return createHash("sha256").update(JSON.stringify(form)).digest("hex").slice(0, 16);
}

function those(named: Named, isWanted: (name: string) => boolean): Named {
  return Object.fromEntries(Object.entries(named).filter(([name]) => isWanted(name)));
}

function isEmpty(named: object): boolean {
  return Object.keys(named).length === 0;
}
