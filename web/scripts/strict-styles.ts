/** Lets libraries that write style elements live under a policy that allows none (`style-src 'self'`).

What sonner would insert is imported as a file instead; what is added and removed as dialogs open goes into
a constructed stylesheet. The build fails if a library no longer has the place that is replaced here.
*/
import type { Plugin } from "vite";

const INSERTED = /function __insertCSS\(code\) \{[\s\S]*?\n\}/;
const ADOPTED = `
export function stylesheetSingleton() {
  let users = 0;
  let sheet = null;
  return {
    add(style) {
      if (users++ > 0) return;
      sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      document.adoptedStyleSheets.push(sheet);
    },
    remove() {
      if (--users > 0 || sheet === null) return;
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
      sheet = null;
    },
  };
}
`;

export function strictStyles(): Plugin {
  return {
    name: "strict-styles",
    apply: "build",
    transform(code, id) {
      if (id.endsWith("/react-style-singleton/dist/es2015/singleton.js")) return ADOPTED;
      if (!id.endsWith("/sonner/dist/index.mjs")) return null;
      if (!INSERTED.test(code)) this.error("sonner no longer inserts its styles as it did");
      return code.replace(INSERTED, "function __insertCSS() {}");
    },
  };
}
