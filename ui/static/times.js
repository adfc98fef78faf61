// Times in the viewer's zone and words; what is relative stays right, and on paper nothing is.
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [minutes, hours, days] = [Math.floor(whole / 60), Math.floor(whole / 3600), Math.floor(whole / 86400)];
  if (!minutes) return `${whole}s`;
  const two = (number) => String(number).padStart(2, "0");
  if (!hours) return `${minutes}m ${two(whole % 60)}s`;
  return days ? `${days}d ${two(hours % 24)}h` : `${hours}h ${two(minutes % 60)}m`;
}

let printing = false;

function text(moment, as) {
  const seconds = (moment - Date.now()) / 1000;
  if (as === "full") return full.format(moment);
  if (as === "since") return span(-seconds);
  if (printing) return short.format(moment);
  if (Math.abs(seconds) > 6 * 86400) return full.format(moment);
  const [unit, size] = units.find(([, one]) => Math.abs(seconds) >= one) || ["second", 1];
  return ago.format(Math.round(seconds / size), unit);
}

function show(element) {
  const moment = new Date(element.dateTime);
  if (isNaN(moment)) return;
  const now = text(moment, element.dataset.as);
  if (element.textContent !== now) element.textContent = now;
  if (!element.title) element.title = exact.format(moment);
}

export function keepTime(within) {
  for (const element of within.querySelectorAll("time[datetime]")) show(element);
}

setInterval(() => keepTime(document), 5000);
for (const moment of ["beforeprint", "afterprint"])
  addEventListener(moment, () => { printing = moment === "beforeprint"; keepTime(document); });
