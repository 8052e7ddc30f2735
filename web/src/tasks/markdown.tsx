/** Markdown as elements of ours: links leave in a new window, pictures are links, since they would be asked of others. */
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Scrolled } from "~/ui/scrolled.tsx";

const OURS: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ),
  img: ({ src, alt }) => (
    <a
      href={typeof src === "string" ? src : undefined}
      target="_blank"
      rel="noopener noreferrer nofollow"
    >
      {alt || "Picture"}
    </a>
  ),
  // the page has the first two levels
  h1: ({ children }) => <h3>{children}</h3>,
  h2: ({ children }) => <h3>{children}</h3>,
  table: ({ children }) => (
    <Scrolled label="Table" look="scrolled">
      <table>{children}</table>
    </Scrolled>
  ),
};

export function Markdown({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={[remarkGfm]} components={OURS} skipHtml>
      {text}
    </ReactMarkdown>
  );
}
