// Changes over the API: each asked for once more where it cannot be undone, and sent under an id of its own.
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content || "";
export const root = meta("root");

export async function change(method, url, body) {
  const headers = { "x-csrf-token": meta("csrf"), "x-request-id": crypto.randomUUID?.() || String(Math.random()).slice(2), accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 401) { location.reload(); return null; }
  const data = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(data.detail || `The server answers ${answer.status}`), { mistakes: data.mistakes || [] });
  return data;
}

export function toast(text) {
  const one = document.createElement("div");
  one.textContent = text;
  document.getElementById("toasts").append(one);
  setTimeout(() => one.remove(), 6000);
}

// Whether a person says yes; with `name` only after that was typed.
function asked(title, text, verb, name) {
  const dialog = document.getElementById("confirm");
  const yes = dialog.querySelector("[data-yes]"), field = dialog.querySelector("[data-type-name]"), input = field.querySelector("input");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("[data-text]").textContent = text;
  yes.textContent = verb;
  yes.className = "danger";
  field.hidden = !name;
  field.querySelector("span").textContent = `Type ${name} to delete it.`;
  input.value = "";
  const look = () => { yes.disabled = Boolean(name) && input.value.trim() !== name; };
  input.oninput = look;
  look();
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

async function act(button) {
  const place = button.closest("[data-api]"), what = button.dataset.do, verb = button.textContent.trim();
  const study = place.dataset.study;
  if (button.dataset.ask && !(await asked(button.dataset.ask, button.dataset.say, verb, what === "delete" ? study : ""))) return;
  button.disabled = true;
  try {
    if (what === "delete") {
      await change("DELETE", place.dataset.api);
      location.assign(place.dataset.home);
      return;
    }
    await change("POST", `${place.dataset.api}/${what}`);
    toast(`${verb}: done`);
    dispatchEvent(new Event("changed-study"));
  } catch (error) {
    toast(error.message);
    button.disabled = false;
  }
}

async function edit(form) {
  const limits = {};
  for (const field of form.elements) {
    if (!field.name || field.value.trim() === field.defaultValue.trim()) continue;
    const text = field.value.trim();
    limits[field.name] = text === "" ? null : /^-?\d+$/.test(text) ? Number(text) : text;
  }
  const wrong = form.querySelector(".wrong");
  wrong.hidden = true;
  try {
    await change("PATCH", form.dataset.edit, { limits, generation: Number(form.dataset.generation) });
    location.reload();
  } catch (error) {
    wrong.textContent = error.mistakes?.map((one) => `${one.path.replace("spec.limits.", "")}: ${one.message}`).join("; ") || error.message;
    wrong.hidden = false;
  }
}

export function steer() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.do) act(button);
    if (button?.dataset.open) document.getElementById(button.dataset.open).showModal();
    if (button && "close" in button.dataset) button.closest("dialog").close();
  });
  for (const form of document.querySelectorAll("form[data-edit]"))
    form.addEventListener("submit", (event) => { event.preventDefault(); edit(form); });
}
