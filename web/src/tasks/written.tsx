/** What an agent wrote: Markdown, in which nothing is HTML and nothing is fetched. */
import { Suspense } from "react";
import { lazyPart } from "~/ui/code.ts";
import { Skeleton } from "~/ui/skeleton.tsx";

const Markdown = lazyPart(() => import("./markdown.tsx").then(({ Markdown }) => Markdown));

export function Written({ text }: { text: string }) {
  return (
    <Suspense fallback={<Skeleton shape="h-20 w-full" />}>
      <div className="written">
        <Markdown text={text} />
      </div>
    </Suspense>
  );
}
