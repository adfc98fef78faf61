// A new study: the form writes the document, the document fills the form, and whoever will run it says what is wrong.
import { change, toast } from "./steer.js";
import { calmly } from "./live.js";

const LISTED = ["discrete", "categorical"];

export function start(place) {
  const api = place.dataset.new;
  const form = place.querySelector("[data-form]"), list = form.querySelector("[data-parameters]");
  const text = place.querySelector("[data-document]"), gutter = place.querySelector(".gutter");
  const mistakes = place.querySelector("#mistakes"), submit = place.querySelector("[data-submit]"), checked = place.querySelector("[data-checked]");
  let bad = new Set(), turn = 0;

  const numbers = () => {
    const count = text.value.split("\n").length;
    gutter.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const line = document.createElement("span");
      line.textContent = i + 1;
      if (bad.has(i + 1)) line.className = "bad";
      return line;
    }));
    gutter.scrollTop = text.scrollTop;
  };

  const kind = (row) => row.classList.toggle("is-listed", LISTED.includes(row.querySelector("[name=type]").value));

  function row(values) {
    const one = document.getElementById("parameter").content.firstElementChild.cloneNode(true);
    for (const field of one.querySelectorAll("[name]")) put(field, values[field.name]);
    kind(one);
    one.querySelector("[data-remove]").addEventListener("click", () => { one.remove(); fromForm(); });
    return one;
  }

  function put(field, value) {
    const shown = value === null || value === undefined ? "" : String(value);
    if (field.tagName === "SELECT" && ![...field.options].some((one) => one.value === shown)) field.add(new Option(shown, shown));
    if (field.value !== shown) field.value = shown;
  }

  const boxes = { algorithm: form.querySelector("[data-settings=algorithm]"), rule: form.querySelector("[data-settings=rule]") };
  const kept = { algorithm: "settings", rule: "ruleSettings" };

  // The fields of whatever is chosen, as it describes its settings itself.
  function offer(kind) {
    const box = boxes[kind], name = form.elements[kind].value;
    if (box.dataset.of === name) return;
    box.dataset.of = name;
    const fields = [...document.querySelectorAll("template[data-fields]")].find((one) => one.dataset.fields === `${kind} ${name}`);
    box.replaceChildren(...(fields ? [fields.content.cloneNode(true)] : []));
    box.closest("details").hidden = !box.querySelector("[data-setting]");
  }

  function fillSettings(values) {
    for (const kind of Object.keys(boxes)) {
      offer(kind);
      for (const field of boxes[kind].querySelectorAll("[data-setting]"))
        if (field !== document.activeElement) put(field, values[kept[kind]]?.[field.dataset.setting]);
    }
  }

  function fill(values) {
    for (const field of form.elements) if (field.name && !field.closest(".parameter")) put(field, values[field.name]);
    const rows = [...list.children];
    const same = rows.length === values.parameters.length;
    if (same) values.parameters.forEach((one, i) => { for (const field of rows[i].querySelectorAll("[name]")) if (field !== document.activeElement) put(field, one[field.name]); kind(rows[i]); });
    else list.replaceChildren(...values.parameters.map(row));
    fillSettings(values);
    about();
  }

  function about() {
    for (const name of ["algorithm", "rule"])
      form.querySelector(`[data-about-${name}]`).textContent = form.elements[name].selectedOptions[0]?.dataset.about || "";
  }

  function told() {
    const values = {};
    for (const field of form.elements) if (field.name && !field.closest(".parameter")) values[field.name] = field.value;
    for (const kind of Object.keys(boxes))
      values[kept[kind]] = Object.fromEntries([...boxes[kind].querySelectorAll("[data-setting]")].map((field) => [field.dataset.setting, field.value]));
    values.parameters = [...list.children].map((one) => Object.fromEntries([...one.querySelectorAll("[name]")].map((field) => [field.name, field.value])));
    return values;
  }

  const check = calmly(150, async () => {
    const mine = ++turn;
    checked.textContent = "Checking…";
    let found;
    try { found = await change("POST", `${api}/documents/validate`, { document: text.value }); } catch (error) {
      checked.textContent = error.message;
      submit.disabled = true;
      return;
    }
    if (mine !== turn) return;
    bad = new Set(found.mistakes.map((one) => one.line).filter(Boolean));
    text.setAttribute("aria-invalid", String(found.mistakes.length > 0));
    submit.disabled = found.mistakes.length > 0;
    checked.textContent = found.mistakes.length ? `${found.mistakes.length} mistake${found.mistakes.length > 1 ? "s" : ""}` : "No mistakes";
    const items = [...found.mistakes.map((one) => [one, "bad"]), ...found.warnings.map((one) => [{ message: `Note: ${one}` }, "muted"])];
    const items_list = document.createElement("ul");
    items_list.append(...items.map(([one, look]) => item(one, look)));
    mistakes.replaceChildren(...(items.length ? [items_list] : []));
    numbers();
  });

  function item(one, look) {
    const entry = document.createElement("li"), words = document.createElement("span");
    entry.className = look;
    words.textContent = one.path ? `${one.path}: ${one.message}` : one.message;
    if (one.line) {
      const to = document.createElement("button");
      to.type = "button";
      to.className = "quiet";
      to.textContent = `line ${one.line}`;
      to.addEventListener("click", () => go(one.line, one.column || 1));
      entry.append(to);
    }
    entry.append(words);
    return entry;
  }

  function go(line, column) {
    const lines = text.value.split("\n");
    const at = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus();
    text.setSelectionRange(at + column - 1, at + (lines[line - 1]?.length || 0));
    text.scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle(text).lineHeight));
  }

  const fromDocument = calmly(250, async () => {
    numbers();
    check();
    try { fill(await change("POST", `${api}/documents/form`, { document: text.value })); } catch { /* the check says what is wrong */ }
    form.querySelector("[data-until-filled]").disabled = false; // what was typed before would have been written over
  });

  const fromForm = calmly(250, async () => {
    try {
      const made = await change("POST", `${api}/documents/from-form`, { document: text.value, form: told() });
      text.value = made.document;
    } catch (error) { toast(error.message); }
    numbers();
    check();
  });

  text.addEventListener("input", fromDocument);
  text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey || event.ctrlKey) return;
    if (text.dataset.leave) return; // Escape first, then Tab leaves the editor
    event.preventDefault();
    text.setRangeText("  ", text.selectionStart, text.selectionEnd, "end");
    fromDocument();
  });
  text.addEventListener("keyup", (event) => { if (event.key === "Escape") text.dataset.leave = "1"; else if (event.key !== "Tab") delete text.dataset.leave; });
  form.addEventListener("input", (event) => { const one = event.target.closest(".parameter"); if (one) kind(one); for (const which of Object.keys(boxes)) offer(which); about(); fromForm(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-add]").addEventListener("click", () => {
    list.append(row({ type: "double", distribution: "" }));
    list.lastElementChild.querySelector("input").focus();
  });
  submit.addEventListener("click", async () => {
    submit.disabled = true;
    try {
      const { study } = await change("POST", `${api}/studies`, { document: text.value });
      location.assign(`${place.dataset.studies}/${encodeURIComponent(study.namespace)}/${encodeURIComponent(study.name)}`);
    } catch (error) {
      toast(error.message);
      check();
    }
  });
  fromDocument();
}
