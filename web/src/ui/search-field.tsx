/** Words to look for; they are looked for when the writer pauses. */
import { Search } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";
import { TYPING_MS } from "./paused.ts";

interface SearchFieldProps {
  label: string;
  text: string;
  onSearch: (text: string) => void;
}

export function SearchField({ label, text, onSearch }: SearchFieldProps) {
  const [written, setWritten] = useState(text);
  const [known, setKnown] = useState(text);
  if (text !== known) {
    setKnown(text);
    setWritten(text); // it was changed elsewhere: by the browser's button, by a link
  }
  const search = useEffectEvent(() => {
    const words = written.trim();
    if (words === text) return;
    setKnown(words);
    onSearch(words);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each letter begins the pause anew
  useEffect(() => {
    const timer = setTimeout(search, TYPING_MS);
    return () => clearTimeout(timer);
  }, [written]);
  return (
    <label className="relative flex flex-1 items-center">
      <span className="sr-only">{label}</span>
      <Search className="absolute left-3 text-soft" size={16} aria-hidden="true" />
      <input
        type="search"
        value={written}
        maxLength={200}
        placeholder={label}
        onChange={(event) => setWritten(event.target.value)}
        className="min-h-9 w-full rounded-full bg-well pr-3 pl-9 text-body"
      />
    </label>
  );
}
