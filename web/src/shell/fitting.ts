/** Whether something in the palette fits what is written, and how well. */

/** 0 where a word is missing; 1 where each begins a word, less where it stands within one.
 *
 * An item is looked for by its keywords, where it has some, and otherwise by its name.
 */
export function fitting(name: string, written: string, keywords: string[] = []): number {
  const text = (keywords.length > 0 ? keywords.join(" ") : name).toLowerCase();
  const words = written.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => text.includes(word))) return 0;
  const begun = words.filter((word) => ` ${text}`.includes(` ${word}`));
  return words.length === 0 ? 1 : (1 + begun.length) / (1 + words.length);
}
