// The trials that run through what is brushed, listed below the lines, as the table of trials lists them.
import { chooseColumns } from "./columns.js";
import { calmly } from "./live.js";

export function listBrushed(place) {
  const chart = place.closest("section").querySelector("[data-figure]");
  const list = place.querySelector("[data-list]"), title = place.querySelector("h3"), link = place.querySelector("a");
  let wish = null;

  const address = () => {
    const query = new URLSearchParams([["sort", "value"], ["order", place.dataset.order], ["state", "Succeeded"], ["range", "value:.."]]);
    for (const range of wish.ranges) query.append("range", range);
    return `${place.dataset.brushed}?${query}`;
  };

  const show = calmly(150, async () => {
    if (!wish?.ranges || !wish.count) return;
    const mine = wish;
    const answer = await fetch(`${address()}&bare=1`, { headers: { accept: "text/html" } });
    if (!answer.ok || mine !== wish) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    list.replaceChildren(...page.body.childNodes);
    list.dispatchEvent(new Event("part", { bubbles: true }));
    chooseColumns();
  });

  chart.addEventListener("brushed", (event) => {
    wish = event.detail.ranges?.length === 0 ? null : event.detail;
    place.hidden = !wish;
    if (!wish) { list.replaceChildren(); return; }
    title.textContent = wish.count ? "Trials that run through" : "No trial runs through";
    link.hidden = !wish.ranges || !wish.count;
    if (!link.hidden) link.href = address();
    else list.replaceChildren();
    show();
  });
  place.querySelector("[data-clear]").addEventListener("click", () => chart.querySelector(".brush-reset").click());
}
