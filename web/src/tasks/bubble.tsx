/** What the customer said. */
import { useState } from "react";
import { TEXT_LINK } from "~/ui/text-link.ts";

const SHORT_CHARS = 700;

export function Bubble({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > SHORT_CHARS;
  const shown = isLong && !isWhole ? `${text.slice(0, SHORT_CHARS).trimEnd()}…` : text;
  return (
    <div className="flex justify-end">
      <div className="max-w-[85%] animate-rise rounded-bubble bg-well px-5 py-3 text-lead">
        <p className="whitespace-pre-wrap">{shown}</p>
        {isLong && (
          <button
            type="button"
            className={`${TEXT_LINK} mt-1 text-caption`}
            aria-expanded={isWhole}
            onClick={() => setWhole(!isWhole)}
          >
            {isWhole ? "Show less" : "Show all of it"}
          </button>
        )}
      </div>
    </div>
  );
}
