// A trial's log, followed while it runs.
const MOST = 2_000_000; // letters that are kept
const codes = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f]/g;

export function watchLog() {
  const place = document.querySelector("[data-log]");
  if (!place) return;
  const keeps = document.querySelector("[data-log-follow]"), attempt = document.querySelector("[data-log-attempt]");
  const text = document.createTextNode("");
  let source;
  const begin = () => {
    source?.close();
    text.data = "";
    place.replaceChildren(text);
    source = new EventSource(`${place.dataset.log}?tail=262144${attempt?.value ? `&attempt=${attempt.value}` : ""}`);
    source.addEventListener("log", (event) => {
      text.data = (text.data + JSON.parse(event.data).text.replace(codes, "").replace(/[^\n]*\r(?!\n)/g, "")).slice(-MOST);
      if (!keeps || keeps.checked) place.scrollTop = place.scrollHeight;
    });
    const end = () => { source.close(); if (!text.data) place.textContent = "It printed nothing."; };
    source.addEventListener("end", end);
    source.addEventListener("problem", end);
  };
  attempt?.addEventListener("change", begin);
  begin();
  addEventListener("pagehide", () => source.close());
}
