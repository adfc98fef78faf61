// Charts: lines and points are sketched at once, and Plotly comes when somebody points at them; what cannot be sketched
// waits for it. Parallel coordinates are our own, for Plotly's need `eval`.
import { parallel } from "./parallel.js";
import { sketch, sketchable } from "./sketch.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content || "";
let loading;

function plotly() {
  loading ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = meta("plotly");
    script.onload = () => done(window.Plotly);
    script.onerror = () => { loading = undefined; failed(new Error("The charts' script could not be loaded")); };
    document.head.append(script);
  });
  return loading;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function template() {
  const [paper, text, line] = [css("--card"), css("--text"), css("--line")];
  return { layout: { paper_bgcolor: paper, plot_bgcolor: paper, font: { color: text, family: getComputedStyle(document.body).fontFamily, size: 13 }, hoverlabel: { bgcolor: paper, bordercolor: line, font: { color: text } }, colorway: ["#2b83d6", "#dd6b12", "#0f9b75", "#b565b0", "#a8842c", "#3aa0b5", "#d64545", "#868d99"] } };
}

// What was drawn before must not come back over what is shown now.
function forget(place) {
  place.watcher?.disconnect();
  place.figure = null;
  if (!place.classList.contains("js-plotly-plot")) return;
  window.Plotly.purge(place);
  place.classList.remove("js-plotly-plot");
  place.heard = false;
}

function state(place, title, text) {
  place.classList.remove("tall");
  place.style.height = "";
  const box = document.createElement("div"), head = document.createElement("h3"), body = document.createElement("p");
  box.className = "state";
  head.textContent = title;
  body.textContent = text;
  box.append(head, body);
  forget(place);
  place.replaceChildren(box);
}

function address(place) {
  const url = new URL(place.dataset.figure, location);
  for (const option of place.closest("section")?.querySelectorAll("[data-figure-option]") || [])
    if (option.value) url.searchParams.set(option.dataset.figureOption, option.value);
  return url;
}

async function fetched(place) {
  const answer = await fetch(address(place), { headers: { accept: "application/json" } });
  const data = await answer.json().catch(() => ({}));
  if (answer.ok) return data;
  const titles = { 404: "Not available", 409: "Nothing to draw yet", 422: "This cannot be drawn" };
  state(place, titles[answer.status] || "This could not be drawn", data.detail || `The server answers ${answer.status}`);
  return null;
}

async function show(place) {
  const figure = await fetched(place);
  if (!figure) return;
  place.figure = figure;
  await render(place);
}

async function render(place) {
  const figure = place.figure;
  if (figure.data[0]?.type === "parcoords") { parallel(place, figure, css); return; }
  if (!window.Plotly && sketchable(figure)) { sketch(place, figure); lookedAt(place); return; }
  const Plotly = await plotly();
  if (place.figure !== figure) return; // something else is shown by now
  place.watcher?.disconnect();
  if (!place.classList.contains("js-plotly-plot")) place.replaceChildren();
  place.classList.toggle("tall", Boolean(figure.layout.height));
  place.style.height = figure.layout.height ? `${figure.layout.height}px` : "";
  const layout = { ...figure.layout, template: template() };
  const buttons = { displaylogo: false, responsive: true, displayModeBar: false };
  await Plotly.react(place, figure.data, layout, buttons);
  if (!place.heard) { place.heard = true; hear(place); }
}

// Whoever points at a sketch wants to read it: Plotly tells what is under the pointer, and zooms. Until then its script
// is only fetched, and not run.
function lookedAt(place) {
  if (place.awaited) return;
  place.awaited = true;
  if (!document.head.querySelector("link[rel=prefetch]")) {
    const ready = document.createElement("link");
    [ready.rel, ready.href] = ["prefetch", meta("plotly")];
    document.head.append(ready);
  }
  const sketched = () => place.figure && !place.classList.contains("js-plotly-plot");
  const look = () => plotly().then(() => sketched() && render(place)).catch((error) => console.warn(error.message));
  place.addEventListener("pointerenter", look);
  if (place.matches(":hover")) look();
}

// A click on a trial opens it.
function hear(place) {
  if (!place.dataset.trials) return;
  place.on("plotly_click", (event) => {
    const number = event.points[0]?.customdata;
    const one = Array.isArray(number) ? number[0] : number;
    if (Number.isInteger(one)) location.assign(`${place.dataset.trials}/${one}`);
  });
}

export function draw() {
  const places = [...document.querySelectorAll("[data-figure]")];
  const all = () => Promise.all(places.map((place) => show(place).catch((error) => state(place, "This could not be drawn", error.message))));
  if (places.length) requestAnimationFrame(() => setTimeout(all, 0));
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-figure-option]")) return;
    for (const place of places) if (place.closest("section") === event.target.closest("section")) show(place);
  });
  addEventListener("theme", () => { for (const place of places) if (place.figure) render(place); });
  return async () => { if (document.visibilityState === "visible") await all(); };
}
