/** What stands behind the question mark: words, as they are. */

export type Words = Record<string, string>;

export function parseSearch(search: string): Words {
  return Object.fromEntries(new URLSearchParams(search));
}

export function stringifySearch(words: Record<string, unknown>): string {
  const given = Object.entries(words).filter(([, word]) => word !== undefined && word !== "");
  const search = new URLSearchParams(given.map(([name, word]) => [name, String(word)])).toString();
  return search && `?${search}`;
}

/** These words of those that were given, and no others. */
export function only<Name extends string>(...names: readonly Name[]) {
  return (given: Record<string, unknown>): Partial<Record<Name, string>> => {
    const known = names.filter((name) => typeof given[name] === "string" && given[name] !== "");
    return Object.fromEntries(known.map((name) => [name, given[name]])) as Partial<
      Record<Name, string>
    >;
  };
}

/** The word, if it is one of these: whatever else stands in an address is as if it did not. */
export function oneOf<Word extends string>(
  known: readonly Word[],
  word: string | undefined,
): Word | undefined {
  return known.find((each) => each === word);
}

/** A path of ours to go on to, whatever somebody wrote there. */
export function ownPath(path: string | undefined): string {
  const isOurs = path?.startsWith("/") && !/^\/[/\\]/.test(path);
  return isOurs && path ? path : "/dashboard";
}
