/** Markdown as elements of ours: links leave in a new window, pictures are links, since they would be asked of others. */
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";

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
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled with the keyboard too
    <section className="scrolled" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </section>
  ),
};

export function Markdown({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={[remarkGfm]} components={OURS} skipHtml>
      {text}
    </ReactMarkdown>
  );
}
