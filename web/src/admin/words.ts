/** Names of the API as people read them. */

/** `one_period` as `one period`. */
export function worded(name: string): string {
  return name.replaceAll("_", " ");
}
