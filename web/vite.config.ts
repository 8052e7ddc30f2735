import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { hashedScripts } from "./scripts/hashed-scripts.ts";
import { strictStyles } from "./scripts/strict-styles.ts";

const PRODUCT = process.env.PRODUCT_URL ?? "http://127.0.0.1:8080";
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const ROUTED = ["/api", "/dev", "/emulator", "/files", "/health", "/version", "/.well-known"];

const PARTS =
  /src\/(ui\/(?!dialog|toasts|form|listing)|credits\/(keys|words|balance)|tasks\/(keys|status))|lucide-react/;

const proxy = Object.fromEntries(ROUTED.map((path) => [path, { target: PRODUCT }]));

export default defineConfig({
  plugins: [strictStyles(), tailwindcss(), react(), hashedScripts()],
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { host: "127.0.0.1", proxy },
  // what was built, under the policy that it is served with
  preview: { host: "127.0.0.1", proxy, headers: { "Content-Security-Policy": POLICY } },
  build: {
    target: "baseline-widely-available",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    manifest: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "framework", test: /node_modules\/(react|react-dom|scheduler|@tanstack)\// },
            // small things that most pages have: one request and not twenty
            { name: "parts", test: PARTS, minShareCount: 2 },
          ],
        },
      },
    },
  },
});
