import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no root");
createRoot(root).render(
  <StrictMode>
    <main className="p-8 text-title1 text-ink">What do you need done?</main>
  </StrictMode>,
);
