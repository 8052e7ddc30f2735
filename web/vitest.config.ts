import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "~": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "http://127.0.0.1:5173/" } },
    include: ["src/**/*.test.{ts,tsx}"],
    isolate: false, // one document for the tests of a worker: each cleans what it uses
    restoreMocks: true,
    testTimeout: 120_000,
    setupFiles: ["src/testing/setup.ts"],
  },
});
