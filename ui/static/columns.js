// Which columns of the trials are shown: kept for each study.
export function chooseColumns() {
  const menu = document.querySelector("[data-columns]"), table = document.getElementById("trials");
  if (!menu || !table) return;
  const name = `tunesmith-columns-${menu.dataset.columns}`;
  let hidden = [];
  try { hidden = JSON.parse(localStorage.getItem(name) || "[]"); } catch { /* all are shown */ }
  const apply = () => { for (const cell of table.querySelectorAll("[data-col]")) cell.hidden = hidden.includes(cell.dataset.col); };
  apply();
  if (menu.childElementCount) return;
  for (const head of table.querySelectorAll("thead [data-col]")) {
    const key = head.dataset.col;
    if (key === "number") continue;
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = !hidden.includes(key);
    label.append(box, ` ${head.textContent.replace(/ [↓↑]$/, "")}`);
    box.addEventListener("change", () => {
      hidden = box.checked ? hidden.filter((one) => one !== key) : [...hidden, key];
      try { localStorage.setItem(name, JSON.stringify(hidden)); } catch { /* it holds for this page */ }
      apply();
    });
    menu.append(label);
  }
}
