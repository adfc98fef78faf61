// Parallel coordinates on a canvas: fast with 10,000 lines, brushed with mouse, touch or keys, and without `eval`.
const KINDS = { f4: Float32Array, f8: Float64Array, i1: Int8Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array };

export function unpacked(column) {
  if (!column || !column.bdata) return column || [];
  const bytes = Uint8Array.from(atob(column.bdata), (letter) => letter.charCodeAt(0));
  return new KINDS[column.dtype](bytes.buffer);
}

export const plain = (html) => new DOMParser().parseFromString(html.replace(/<br>/g, " "), "text/html").body.textContent;

function colour(scale, at) {
  const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const high = Math.max(1, scale.findIndex(([place]) => place >= at));
  const [[low, first], [top, second]] = [scale[high - 1], scale[high] || scale[scale.length - 1]];
  const part = top > low ? Math.min(1, Math.max(0, (at - low) / (top - low))) : 0;
  const [a, b] = [rgb(first), rgb(second)];
  return `rgb(${a.map((one, i) => Math.round(one + (b[i] - one) * part)).join(",")})`;
}

// A brush as bounds: one at the end of an axis has none there, for the values on it are rounded to seven digits.
const open = ([from, to], { range }) => [from <= range[0] ? -Infinity : from, to >= range[1] ? Infinity : to];

// A brush in the words of an address, as `params.C:0.1..10`: places of the axis become values again.
function range(brush, axis, { field, log, listed, numbers, inactive = null }) {
  if (!field) return null;
  const [low, high] = open(brush, axis);
  const missing = inactive !== null && low <= inactive && inactive <= high ? "?" : "";
  if (listed) {
    const inside = listed.filter((_, place) => low <= place && place <= high);
    if (!numbers) return `${field}:${inside.length ? JSON.stringify(inside) : ""}${missing}`;
    return inside.length ? `${field}:${inside[0]}..${inside[inside.length - 1]}${missing}` : `${field}:?`;
  }
  const bound = (at) => (Number.isFinite(at) ? String(log ? 10 ** at : at) : "");
  const bounds = `${bound(low)}..${bound(high)}`;
  return `${field}:${inactive !== null && high < axis.range[0] + (axis.range[1] - axis.range[0]) * .1 ? "" : bounds}${missing}`;
}

// On paper a canvas is dark on white, whatever it was on the screen.
const PAPER = { "--text": "#000", "--soft": "#333", "--card": "#fff", "--accent": "#1b65a6" };
let printing = false;
for (const moment of ["beforeprint", "afterprint"])
  addEventListener(moment, () => {
    printing = moment === "beforeprint";
    for (const place of document.querySelectorAll("[data-figure]")) place.paint?.();
  });

export function parallel(place, figure, css) {
  const trace = figure.data[0];
  const axes = trace.dimensions.map((one) => ({ ...one, title: plain(one.label), values: unpacked(one.values), texts: one.ticktext.map(plain) }));
  const goodness = unpacked(trace.line.color), numbers = unpacked(trace.customdata);
  const [low, high] = [trace.line.cmin ?? Math.min(...goodness), trace.line.cmax ?? Math.max(...goodness)];
  const scale = Array.isArray(trace.line.colorscale) ? trace.line.colorscale : [[0, "#9aa1ab"], [1, "#dd6b12"]];
  const brushes = place.brushes && place.brushes.length === axes.length ? place.brushes : (place.brushes = axes.map(() => null));
  const canvas = document.createElement("canvas"), say = document.createElement("p");
  const reset = document.createElement("button");
  say.className = "sr";
  say.setAttribute("role", "status");
  reset.type = "button";
  reset.className = "quiet brush-reset";
  reset.textContent = "Show all lines";
  place.replaceChildren(canvas, say, reset);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  const pen = canvas.getContext("2d");
  const pad = { left: 54, right: 54, top: 56, bottom: 26 };
  let size = {}, current = 0;

  const x = (i) => pad.left + (axes.length > 1 ? i * (size.wide - pad.left - pad.right) / (axes.length - 1) : 0);
  const y = (axis, value) => {
    const [from, to] = axis.range;
    return size.high - pad.bottom - (value - from) / (to - from || 1) * (size.high - pad.top - pad.bottom);
  };
  const back = (axis, at) => {
    const [from, to] = axis.range;
    return from + (size.high - pad.bottom - at) / (size.high - pad.top - pad.bottom) * (to - from);
  };
  const kept = (row, bounds) => bounds.every((bound, i) => !bound || axes[i].values[row] >= bound[0] && axes[i].values[row] <= bound[1]);

  function lines(rows, style, wide) {
    pen.lineWidth = wide;
    for (const row of rows) {
      pen.strokeStyle = style(row);
      pen.beginPath();
      axes.forEach((axis, i) => {
        const [px, py] = [x(i), y(axis, axis.values[row])];
        if (!i) { pen.moveTo(px, py); return; }
        const [qx, qy] = [x(i - 1), y(axes[i - 1], axes[i - 1].values[row])];
        const middle = (px + qx) / 2;
        pen.bezierCurveTo(middle, qy, middle, py, px, py);
      });
      pen.stroke();
    }
  }

  function paint() {
    const ratio = devicePixelRatio || 1;
    size = { wide: place.clientWidth, high: place.clientHeight };
    canvas.width = size.wide * ratio;
    canvas.height = size.high * ratio;
    canvas.style.width = `${size.wide}px`;
    canvas.style.height = `${size.high}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const bounds = brushes.map((brush, i) => brush && open(brush, axes[i]));
    const all = [...goodness.keys()], chosen = all.filter((row) => kept(row, bounds)), brushed = brushes.some(Boolean);
    if (brushed) { pen.globalAlpha = Math.max(.03, Math.min(.18, 60 / all.length)); lines(all, () => "#808890", 1); }
    pen.globalAlpha = Math.max(.12, Math.min(.85, 160 / Math.max(chosen.length, 1)));
    lines(chosen, (row) => colour(scale, (goodness[row] - low) / (high - low || 1)), 1.4);
    pen.globalAlpha = 1;
    const [text, soft, card, accent] = ["--text", "--soft", "--card", "--accent"].map((name) => printing ? PAPER[name] : css(name));
    const font = getComputedStyle(document.body).fontFamily;
    axes.forEach((axis, i) => {
      const at = x(i), last = i === axes.length - 1;
      pen.strokeStyle = soft;
      pen.lineWidth = 1;
      pen.beginPath(); pen.moveTo(at, pad.top); pen.lineTo(at, size.high - pad.bottom); pen.stroke();
      pen.font = `12px ${font}`;
      axis.tickvals.forEach((value, k) => {
        const py = y(axis, value), label = axis.texts[k].slice(0, 18), wide = pen.measureText(label).width;
        pen.textAlign = last ? "right" : "left";
        pen.fillStyle = card; pen.globalAlpha = .78;
        pen.fillRect(last ? at - 9 - wide : at + 5, py - 8, wide + 4, 16);
        pen.globalAlpha = 1; pen.fillStyle = text;
        pen.fillText(label, last ? at - 7 : at + 7, py + 4);
        pen.beginPath(); pen.moveTo(at - 4, py); pen.lineTo(at + 4, py); pen.stroke();
      });
      pen.textAlign = i === 0 ? "left" : last ? "right" : "center";
      pen.font = `${last ? 700 : 600} 12.5px ${font}`;
      const room = (size.wide - pad.left - pad.right) / Math.max(axes.length - 1, 1) - 8;
      let title = axis.title;
      while (title.length > 3 && pen.measureText(title).width > Math.max(room, 40)) title = `${title.slice(0, -2)}…`;
      pen.fillText(title, i === 0 ? 6 : last ? size.wide - 6 : at, i % 2 && axes.length > 8 ? 38 : 22);
      if (brushes[i]) {
        const [top, bottom] = [y(axis, brushes[i][1]), y(axis, brushes[i][0])];
        pen.fillStyle = accent; pen.globalAlpha = .35;
        pen.fillRect(at - 8, top, 16, bottom - top);
        pen.globalAlpha = 1; pen.strokeStyle = accent; pen.lineWidth = i === current ? 2 : 1.2;
        pen.strokeRect(at - 8, top, 16, bottom - top);
      }
    });
    say.textContent = brushed ? `${chosen.length} of ${all.length} trials` : "";
    reset.hidden = !brushed;
    reset.textContent = `${chosen.length} of ${all.length} trials; show all`;
    canvas.setAttribute("aria-label", `Parallel coordinates of ${axes.map((axis) => axis.title).join(", ")}. Left and right choose an axis, up and down move a range along it, Escape shows all.`);
    place.chosen = chosen.map((row) => numbers[row]);
    tell();
  }

  // What is brushed, as the list of trials is asked for it; null: it has no words for that.
  function tell() {
    const fields = figure.layout.meta?.fields || [];
    const ranges = brushes.map((brush, i) => brush && range(brush, axes[i], fields[i] || {})).filter((one, i) => brushes[i]);
    const detail = { ranges: ranges.includes(null) ? null : ranges, count: place.chosen.length, of: goodness.length };
    const now = JSON.stringify(detail);
    if (now === place.told || (!place.told && !ranges.length)) return;
    place.told = now;
    place.dispatchEvent(new CustomEvent("brushed", { bubbles: true, detail }));
  }

  const nearest = (at) => axes.reduce((best, _, i) => Math.abs(x(i) - at) < Math.abs(x(best) - at) ? i : best, 0);
  let start = null;
  canvas.addEventListener("pointerdown", (event) => {
    current = nearest(event.offsetX);
    if (Math.abs(x(current) - event.offsetX) > 40) return;
    start = event.offsetY;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const ends = [back(axes[current], start), back(axes[current], event.offsetY)].sort((a, b) => a - b);
    brushes[current] = Math.abs(event.offsetY - start) > 3 ? ends : null;
    requestAnimationFrame(paint);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (start !== null && Math.abs(event.offsetY - start) <= 3) { brushes[current] = null; paint(); }
    start = null;
  });
  canvas.addEventListener("keydown", (event) => {
    const axis = axes[current], part = (axis.range[1] - axis.range[0]) / 10;
    if (event.key === "Escape") brushes.fill(null);
    else if (event.key === "ArrowLeft") current = Math.max(0, current - 1);
    else if (event.key === "ArrowRight") current = Math.min(axes.length - 1, current + 1);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const way = event.key === "ArrowUp" ? part : -part;
      const [from, to] = brushes[current] || [axis.range[0] - part, axis.range[0] + 2 * part];
      brushes[current] = event.shiftKey ? [from, to + way] : [from + way, to + way];
    } else return;
    event.preventDefault();
    say.textContent = axis.title;
    paint();
  });
  reset.addEventListener("click", () => { brushes.fill(null); paint(); canvas.focus(); });
  place.watcher?.disconnect();
  place.watcher = new ResizeObserver(paint);
  place.watcher.observe(place);
  place.paint = paint;
  paint();
}
