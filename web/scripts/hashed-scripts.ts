/** Gives the plain scripts of index.html a hash in their names, so that browsers keep them as they keep the rest. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const SCRIPT = /<script src="\/([\w-]+)\.js"><\/script>/g;

export function hashedScripts(): Plugin {
  let folder = "";
  return {
    name: "hashed-scripts",
    apply: "build",
    configResolved: ({ publicDir }) => {
      folder = publicDir;
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") this.error("there is no index.html");
        page.source = String(page.source).replace(SCRIPT, (_tag, name: string) => {
          const source = readFileSync(`${folder}/${name}.js`, "utf8");
          const digest = createHash("sha256").update(source).digest("base64url").slice(0, 8);
          const fileName = `assets/${name}-${digest}.js`;
          this.emitFile({ type: "asset", fileName, source });
          return `<script src="/${fileName}"></script>`;
        });
      },
    },
  };
}
