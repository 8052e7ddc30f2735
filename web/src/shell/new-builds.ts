/** A page that was opened before a new build asks for files that are gone: it is loaded again, once. */

const KEY = "reloaded-at";
const AGAIN_MS = 20_000;

export function reloadForNewBuilds(): void {
  window.addEventListener("vite:preloadError", () => {
    const last = Number(sessionStorage.getItem(KEY) ?? 0);
    if (!navigator.onLine || Date.now() - last < AGAIN_MS) return;
    void fetch("/health/live", { cache: "no-store" }).then(
      ({ ok }) => ok && reload(),
      () => undefined, // nobody is there: what is open stays, and says that it reconnects
    );
  });
}

function reload(): void {
  sessionStorage.setItem(KEY, String(Date.now()));
  location.reload();
}
