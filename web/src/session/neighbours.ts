/** The other tabs of this browser: told what happened here, and waited for where one at a time is enough. */

export interface Neighbours<Word> {
  tell(word: Word): void;
  listen(listener: (word: Word) => void): void;
  /** Do this while no other tab does the same. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Tabs of this origin that use the same name. */
export function neighboursBy<Word>(name: string): Neighbours<Word> {
  const channel = new BroadcastChannel(name);
  return {
    tell: (word) => channel.postMessage(word),
    listen: (listener) => {
      channel.addEventListener("message", (message) => listener(message.data));
    },
    // only secure origins have locks; elsewhere the server bears two renewals at once
    inTurn: async (work) => (navigator.locks ? await navigator.locks.request(name, work) : work()),
  };
}
