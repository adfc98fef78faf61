// A first look at lines and points, at once: Plotly's script alone takes a browser a second, and comes when somebody
// points at the chart. Reads of Plotly's figures what ours have: `scatter` traces over one x axis, and y axes over it.
import { plain, unpacked } from "./parallel.js";

const SVG = "http://www.w3.org/2000/svg";
const PAD = { left: 64, right: 24, bottom: 52 };
const DASHES = { dash: "8 5", dot: "2 4", dashdot: "8 4 2 4" };
const STEPS = [1, 2, 2.5, 5, 10];
const SHAPES = { // within -1 to 1; a number is the radius of a circle
  "circle": 1,
  "circle-open": 1,
  "square-open": [[-.9, -.9], [.9, -.9], [.9, .9], [-.9, .9]],
  "diamond-open": [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
  "triangle-down-open": [[-1.1, -.7], [1.1, -.7], [0, 1.2]],
  "x": [[-1, -.6], [-.6, -1], [0, -.4], [.6, -1], [1, -.6], [.4, 0], [1, .6], [.6, 1], [0, .4], [-.6, 1], [-1, .6], [-.4, 0]],
  "cross-thin-open": [[-1, 0], [1, 0], [0, 0], [0, -1], [0, 1], [0, 0]],
  "star": Array.from({ length: 10 }, (_, i) => [Math.sin(i * Math.PI / 5), -Math.cos(i * Math.PI / 5)].map((at) => at * (i % 2 ? .55 : 1.4))),
};

const axisOf = (trace) => trace.yaxis || "y";
const numbers = (column) => Array.isArray(column) ? column.map((value) => value ?? NaN) : unpacked(column);
const known = ({ type, mode, xaxis, marker }) => type === "scatter" && ["lines", "markers", "lines+markers"].includes(mode)
  && (xaxis || "x") === "x" && (mode === "lines" || (marker.symbol || "circle") in SHAPES && !Array.isArray(marker.color || ""));

export const sketchable = (figure) => figure.data.length > 0 && figure.data.every(known);

function element(name, attributes, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

// Where the values of an axis lie in pixels from `from` to `to`, and its ticks.
function scale(axis, columns, from, to, padded) {
  const log = axis.type === "log", place = log ? Math.log10 : Number;
  let [low, high] = axis.range || [Infinity, -Infinity];
  if (!axis.range) {
    for (const column of columns) for (const value of column) {
      const at = place(value);
      if (Number.isFinite(at)) { low = Math.min(low, at); high = Math.max(high, at); }
    }
    if (low > high) [low, high] = [0, 1];
    const room = (high - low) * padded || Math.abs(low) * .1 || 1;
    if (padded || low === high) { low -= room; high += room; }
  }
  const at = (value) => from + (place(value) - low) / (high - low) * (to - from);
  return { at, log, ticks: axis.tickvals ? axis.tickvals.map((value, i) => [value, axis.ticktext[i]]) : ticks(low, high, log, axis.tickformat) };
}

function ticks(low, high, log, format) {
  const found = [];
  if (log && high - low >= .7) {
    const parts = high - low < 1.6 ? [1, 2, 5] : [1], every = Math.ceil((high - low) / 8);
    for (let decade = Math.floor(low); decade <= high; decade += every)
      for (const part of parts) found.push(part * 10 ** decade);
    return found.filter((value) => Math.log10(value) >= low && Math.log10(value) <= high).map((value) => [value, number(value)]);
  }
  const [first, last] = log ? [10 ** low, 10 ** high] : [low, high];
  const power = 10 ** Math.floor(Math.log10((last - first) / 7)), step = STEPS.find((part) => part * power >= (last - first) / 7) * power;
  for (let k = Math.ceil(first / step); k * step <= last; k += 1) found.push([k * step, format ? `${Math.round(k * step * 100)}%` : number(k * step)]);
  return found;
}

function number(value) {
  const size = Math.abs(value);
  return size && (size < 1e-4 || size >= 1e7) ? value.toExponential().replace("e+", "e") : String(Number(value.toPrecision(6))).replace("-", "−");
}

function line(trace, xs, ys, x, y) {
  let path = "", open = false;
  for (let i = 0; i < xs.length; i += 1) {
    const [px, py] = [x(xs[i]), y(ys[i])];
    if (!Number.isFinite(px) || !Number.isFinite(py)) { open = false; continue; }
    path += !open ? `M${px.toFixed(1)} ${py.toFixed(1)}` : trace.line.shape === "hv" ? `H${px.toFixed(1)}V${py.toFixed(1)}` : `L${px.toFixed(1)} ${py.toFixed(1)}`;
    open = true;
  }
  return path;
}

function marks({ symbol = "circle", size }, xs, ys, x, y) {
  const shape = SHAPES[symbol], r = size / 2;
  let path = "";
  for (let i = 0; i < xs.length; i += 1) {
    const [px, py] = [x(xs[i]), y(ys[i])];
    if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
    if (shape === 1) path += `M${(px - r).toFixed(1)} ${py.toFixed(1)}a${r} ${r} 0 1 0 ${size} 0a${r} ${r} 0 1 0 ${-size} 0Z`;
    else path += `M${shape.map(([sx, sy]) => `${(px + sx * r).toFixed(1)} ${(py + sy * r).toFixed(1)}`).join("L")}Z`;
  }
  return path;
}

function drawn(trace, x, y) {
  const xs = numbers(trace.x), ys = numbers(trace.y), { mode, line: stroke = {}, marker = {}, opacity } = trace, made = [];
  if (mode !== "markers")
    made.push(element("path", { d: line(trace, xs, ys, x, y), fill: "none", stroke: stroke.color, "stroke-width": stroke.width, "stroke-dasharray": DASHES[stroke.dash], opacity }));
  if (mode !== "lines") {
    const hollow = marker.symbol?.endsWith("-open"), colour = marker.color || stroke.color;
    made.push(element("path", { d: marks(marker, xs, ys, x, y), fill: hollow ? "none" : colour, stroke: hollow ? colour : marker.line?.color, "stroke-width": hollow ? 1.3 : marker.line?.width, opacity: opacity ?? marker.opacity }));
  }
  return made;
}

function axes(layout, x, ys, size) {
  const made = [], left = PAD.left, right = size.wide - PAD.right;
  const bottom = Math.max(...Object.values(ys).map((one) => one.low));
  for (const [value, text] of x.ticks) {
    const at = x.at(value);
    if (at < left - 1 || at > right + 1) continue;
    for (const { low, high } of Object.values(ys)) made.push(element("path", { d: `M${at} ${low}V${high}`, stroke: layout.xaxis.gridcolor }));
    made.push(element("text", { x: at, y: bottom + 18, "text-anchor": "middle" }, text));
  }
  for (const [name, one] of Object.entries(ys)) {
    for (const [value, text] of one.ticks) {
      made.push(element("path", { d: `M${left} ${one.at(value)}H${right}`, stroke: layout.xaxis.gridcolor }));
      made.push(element("text", { x: left - 6, y: one.at(value) + 4, "text-anchor": "end" }, text));
    }
    made.push(element("path", { d: `M${left} ${one.high}V${one.low}H${right}`, fill: "none", stroke: layout.xaxis.linecolor }));
    const middle = (one.low + one.high) / 2, title = plain(layout[`${name[0]}axis${name.slice(1)}`].title.text);
    made.push(element("text", { transform: `translate(14 ${middle}) rotate(-90)`, "text-anchor": "middle", class: "title" }, title));
  }
  made.push(element("text", { x: (left + right) / 2, y: size.high - 12, "text-anchor": "middle", class: "title" }, plain(layout.xaxis.title.text)));
  return made;
}

// The goal: a line across one axis, and its name at its beginning.
function goals(layout, x, ys, size) {
  return (layout.shapes || []).flatMap(({ line: stroke, label, xref, yref, x0, y0 }) => {
    const across = yref === "y", at = across ? ys.y.at(y0) : x.at(x0), { low, high } = ys.y;
    if (across ? at > low || at < high : xref !== "x" || at < PAD.left || at > size.wide - PAD.right) return [];
    const way = across ? `M${PAD.left} ${at}H${size.wide - PAD.right}` : `M${at} ${low}V${high}`;
    const text = element("text", { x: across ? PAD.left + 4 : at + 4, y: across ? at - 4 : low - 4, class: "small" }, label.text);
    return [element("path", { d: way, stroke: stroke.color, "stroke-dasharray": DASHES[stroke.dash] }), text];
  });
}

function legend(figure) {
  const box = document.createElement("ul");
  box.className = "sketch-legend";
  const shown = figure.data.filter((trace) => trace.showlegend !== false);
  if (figure.layout.showlegend === false || shown.length < 2) return box;
  for (const trace of shown) {
    const entry = document.createElement("li"), sign = element("svg", { width: 26, height: 16, "aria-hidden": true });
    const at = trace.mode === "markers" ? { x: [13], y: [8] } : { x: [0, 26], y: [8, 8] };
    sign.append(...drawn({ ...trace, ...at, opacity: 1 }, Number, Number));
    entry.append(sign, plain(trace.name));
    box.append(entry);
  }
  return box;
}

export function sketch(place, figure) {
  const paint = () => {
    const size = { wide: place.clientWidth, high: place.clientHeight }, { layout } = figure, names = legend(figure);
    place.replaceChildren(names);
    const floor = size.high - PAD.bottom, room = floor - Math.max(40, names.offsetHeight + 14);
    const columns = (name, axis) => figure.data.filter((trace) => !axis || axisOf(trace) === axis).map((trace) => numbers(trace[name]));
    const points = figure.data.some((trace) => trace.mode !== "lines");
    const x = scale(layout.xaxis, columns("x"), PAD.left, size.wide - PAD.right, points ? .03 : 0);
    const ys = {};
    for (const name of new Set(figure.data.map(axisOf))) {
      const axis = layout[`yaxis${name.slice(1)}`], [first, last] = axis.domain || [0, 1];
      const [low, high] = [floor - first * room, floor - last * room];
      ys[name] = { ...scale(axis, columns("y", name), low, high, .06), low, high };
    }
    const traces = figure.data.flatMap((trace) => drawn(trace, x.at, ys[axisOf(trace)].at));
    const name = place.getAttribute("aria-label") || "";
    const svg = element("svg", { class: "sketch", width: size.wide, height: size.high, viewBox: `0 0 ${size.wide} ${size.high}`, role: "img", "aria-label": name }, ...axes(layout, x, ys, size), ...goals(layout, x, ys, size), ...traces);
    place.append(svg);
  };
  place.classList.remove("tall");
  place.style.height = "";
  place.watcher?.disconnect();
  place.watcher = new ResizeObserver(paint);
  place.watcher.observe(place);
  paint();
}
