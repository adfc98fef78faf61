// Every page: times in the viewer's zone, theme, forms that send themselves, and what a page has of the rest.
import { draw } from "./charts.js";
import { follow } from "./live.js";
import { watchLog } from "./log.js";
import { chooseColumns } from "./columns.js";
import { steer, toast, change, root } from "./steer.js";
import { keepTime } from "./times.js";

keepTime(document);
addEventListener("part", (event) => { keepTime(event.target); chooseColumns(); });
steer();
follow(draw());
watchLog();
chooseColumns();
const brushed = document.querySelector("[data-brushed]");
if (brushed) import("./brushed.js").then((made) => made.listBrushed(brushed));
const maker = document.querySelector("[data-new]");
if (maker) import("./new.js").then((made) => made.start(maker));

const toggle = document.querySelector("[data-theme-toggle]");
const steps = [null, "dark", "light"];
const say = () => {
  const choice = window.tunesmithTheme.choice();
  toggle.setAttribute("aria-label", `Theme: ${choice || "as the system has it"}`);
  toggle.textContent = { dark: "☾", light: "☀" }[choice] || "◐";
};
if (toggle) {
  say();
  toggle.addEventListener("click", () => {
    window.tunesmithTheme.set(steps[(steps.indexOf(window.tunesmithTheme.choice()) + 1) % steps.length]);
    say();
  });
}

for (const form of document.querySelectorAll("form[data-auto]")) {
  let waiting = 0;
  form.addEventListener("change", () => { waiting = setTimeout(() => form.requestSubmit(), 60); });
  form.addEventListener("submit", () => {
    clearTimeout(waiting); // Enter changes the field and sends the form
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
}

document.querySelector("[data-sign-out]")?.addEventListener("click", async () => {
  await change("POST", `${root}/logout`);
  location.assign(`${root}/login`);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.querySelector(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    getSelection().selectAllChildren(document.querySelector(button.dataset.copy));
    toast("Press Ctrl+C: the browser allows copying only over HTTPS");
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
