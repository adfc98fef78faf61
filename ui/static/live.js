// Server-sent events: a part of the page is fetched anew when its stream says that something changed.
const sign = document.getElementById("live");
const words = { on: "Live", lost: "The manager is away", ended: "Ended" };

function tell(state) {
  if (!sign) return;
  sign.hidden = false;
  sign.className = `live is-${state}`;
  if (sign.textContent !== words[state]) sign.textContent = words[state];
}

// At most one call each `gap` ms; the last wish is never lost.
export function calmly(gap, work) {
  let busy = false, again = false;
  const run = async () => {
    if (busy) { again = true; return; }
    busy = true;
    do {
      again = false;
      try { await work(); } catch { /* the next change tries again */ }
      await new Promise((done) => setTimeout(done, gap));
    } while (again);
    busy = false;
  };
  return run;
}

async function refresh(place) {
  const url = new URL(place.dataset.part, location);
  if (place.id === "studies") for (const [name, value] of new URLSearchParams(location.search)) url.searchParams.append(name, value);
  url.searchParams.set("part", "1");
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  if (answer.redirected || answer.status === 401) { location.reload(); return; }
  if (!answer.ok) return;
  const html = await answer.text();
  if (document.querySelector("dialog[open]")) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  const ticked = [...place.querySelectorAll("input:checked")].map((box) => box.value);
  const open = [...place.querySelectorAll("details[open]")].map((one) => one.id);
  const page = new DOMParser().parseFromString(html, "text/html");
  place.replaceChildren(...page.body.childNodes);
  for (const box of place.querySelectorAll("input[type=checkbox]")) if (ticked.includes(box.value)) box.checked = true;
  for (const one of open) if (one) document.getElementById(one)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus();
  place.dispatchEvent(new Event("part", { bubbles: true }));
}

async function refreshTab() {
  const tab = document.querySelector(".tab");
  if (!tab || tab.querySelector(".chart, details[open]") || tab.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
  const url = new URL(location);
  url.searchParams.set("part", "1");
  const answer = await fetch(url, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const scrolled = tab.querySelector(".scroll")?.scrollLeft || 0;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  tab.replaceChildren(...page.body.childNodes);
  const scroller = tab.querySelector(".scroll");
  if (scroller) scroller.scrollLeft = scrolled;
  tab.dispatchEvent(new Event("part", { bubbles: true }));
}

export function follow(redraw) {
  const place = document.querySelector("[data-stream][data-part]");
  if (!place) return;
  const header = calmly(700, () => refresh(place));
  const tab = calmly(3000, refreshTab);
  const charts = calmly(3000, () => redraw());
  let first = true, source;
  const begin = () => {
    source = new EventSource(place.dataset.stream);
    source.addEventListener("open", () => tell("on"));
    source.addEventListener("error", () => { if (source.readyState !== EventSource.CLOSED) tell("lost"); else setTimeout(begin, 5000); });
    source.addEventListener("lost", () => tell("lost"));
    source.addEventListener("problem", () => { tell("lost"); source.close(); });
    source.addEventListener("end", () => { tell("ended"); source.close(); header(); });
    source.addEventListener(place.dataset.on, () => {
      tell("on");
      if (first) { first = false; return; } // it is what the page shows already
      header(); tab(); charts();
    });
  };
  begin();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { begin(); header(); } });
  addEventListener("changed-study", () => { if (source.readyState === EventSource.CLOSED) { first = false; begin(); } header(); tab(); });
}
