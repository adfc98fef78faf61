// Before the first paint: the theme that was chosen here, else the system's.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const apply = (choice) => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
  };
  let choice = null;
  try { choice = localStorage.getItem("tunesmith-theme"); } catch { /* not allowed to keep anything */ }
  apply(choice);
  window.tunesmithTheme = {
    choice: () => choice,
    dark: () => (choice ? choice === "dark" : matchMedia("(prefers-color-scheme: dark)").matches),
    set(next) {
      choice = next;
      try {
        if (next) localStorage.setItem("tunesmith-theme", next);
        else localStorage.removeItem("tunesmith-theme");
      } catch { /* it holds for this page */ }
      apply(next);
      dispatchEvent(new Event("theme"));
    },
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("theme")));
})();
