/** What changed, said aloud to those who do not see it. */
import { createContext, type ReactNode, use, useCallback, useState } from "react";

const AnnouncerContext = createContext<(sentence: string) => void>(() => {});

/** Say a sentence when the reader has finished theirs. */
export function useAnnounce(): (sentence: string) => void {
  return use(AnnouncerContext);
}

export function Announcer({ children }: { children: ReactNode }) {
  const [said, setSaid] = useState({ sentence: "", times: 0 });
  const announce = useCallback((sentence: string) => {
    setSaid(({ times }) => ({ sentence, times: times + 1 }));
  }, []);
  return (
    <AnnouncerContext value={announce}>
      {children}
      <div className="sr-only" aria-live="polite">
        <span key={said.times}>{said.sentence}</span>
      </div>
    </AnnouncerContext>
  );
}
