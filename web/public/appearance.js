// Before the first paint: the appearance that was chosen here, if one was. See src/theme/appearance.ts.
try {
  const chosen = localStorage.getItem("appearance");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.appearance = chosen;
} catch {}
