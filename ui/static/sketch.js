// A first look at lines and points, at once: Plotly's script alone takes a browser a second, and comes when somebody
// points at the chart. Reads of Plotly's figures what ours have: `scatter` traces over one x axis, and y axes over it.
import { plain, unpacked } from "./parallel.js";

const SVG = "http://www.w3.org/2000/svg";
const PAD = { left: 64, right: 24, bottom: 52 };
const LETTER = 7.2; // pixels, at most, of a digit
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
    const size = Math.max(Math.abs(low), Math.abs(high)), flat = high - low <= size * 1e-12; // what arithmetic left, or nothing
    const room = flat ? size * .1 || 1 : (high - low) * padded;
    [low, high] = [low - room, high + room];
  }
  const at = (value) => from + (place(value) - low) / (high - low) * (to - from);
  return { at, ticks: axis.tickvals ? axis.tickvals.map((value, i) => [value, axis.ticktext[i]]) : ticks(low, high, log, axis.tickformat) };
}

const power = (value) => Math.floor(Math.log10(Math.abs(value)) + 1e-9);

function ticks(low, high, log, format) {
  const found = [];
  if (log && high - low >= .7) {
    const parts = high - low < 1.6 ? [1, 2, 5] : [1], every = Math.ceil((high - low) / 8);
    for (let decade = Math.floor(low); decade <= high; decade += every)
      for (const part of parts) found.push([part * 10 ** decade, 10 ** decade]);
    return found.filter(([value]) => Math.log10(value) >= low && Math.log10(value) <= high).map(([value, step]) => [value, number(value, step)]);
  }
  const [first, last] = log ? [10 ** low, 10 ** high] : [low, high], rough = (last - first) / 7;
  const part = STEPS.find((one) => one * 10 ** power(rough) >= rough * (1 - 1e-9)), step = part * 10 ** power(rough);
  const least = Math.ceil(first / step), count = Math.min(Math.floor(last / step) - least + 1, 20);
  for (let i = 0; i < count; i += 1) {
    const value = (least + i) * step;
    found.push([value, format ? `${Math.round(value * 100)}%` : number(value, step, part === 2.5)]);
  }
  return found;
}

// A number with as many digits as tell it from those a step away, and one more after a step of 2.5.
function number(value, step, more = false) {
  const size = Math.abs(value);
  if (size < step / 2) return "0";
  const far = size < 1e-4 || size >= 1e7;
  const digits = Math.min(Math.max((far ? power(value) : 0) - power(step) + more, 0), 20);
  const text = far ? value.toExponential(digits).replace(/\.?0*e\+?/, "e") : String(Number(value.toFixed(digits)));
  return text.replaceAll("-", "−");
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
    made.push(element("path", { d: marks(marker, xs, ys, x, y), fill: hollow ? "none" : colour, stroke: hollow ? colour : marker.line?.color, "stroke-width": hollow ? 1.3 : marker.line?.width, opacity: (opacity ?? 1) * (marker.opacity ?? 1) }));
  }
  return made;
}

function axes(layout, x, ys, size) {
  const made = [], { left } = size, right = size.wide - PAD.right;
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
  return (ys.y ? layout.shapes || [] : []).map(({ line: stroke, label, yref, x0, y0 }) => {
    const across = yref === "y", at = across ? ys.y.at(y0) : x.at(x0), { low, high } = ys.y;
    const way = across ? `M${size.left} ${at}H${size.wide - PAD.right}` : `M${at} ${low}V${high}`;
    const text = element("text", { x: across ? size.left + 4 : at + 4, y: across ? at - 4 : low - 4, class: "small" }, label.text);
    return element("g", {}, element("path", { d: way, stroke: stroke.color, "stroke-dasharray": DASHES[stroke.dash] }), text);
  });
}

function legend(figure) {
  const box = document.createElement("ul");
  box.className = "sketch-legend";
  const shown = figure.data.filter((trace) => trace.showlegend !== false);
  if (figure.layout.showlegend === false || (shown.length < 2 && !shown[0]?.showlegend)) return box;
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
  const { layout } = figure, points = figure.data.some((trace) => trace.mode !== "lines");
  const goal = (axis) => (layout.shapes || []).flatMap((shape) => shape[`${axis[0]}ref`] === axis ? [shape[`${axis[0]}0`]] : []);
  const columns = (traces, axis) => [...traces.map((trace) => numbers(trace[axis[0]])), goal(axis)];
  let painted = "";

  const paint = () => {
    const size = { wide: place.clientWidth, high: place.clientHeight };
    if (painted === `${size.wide} ${size.high}`) return; // an observer speaks up at once
    painted = `${size.wide} ${size.high}`;
    const names = legend(figure);
    place.replaceChildren(names);
    const floor = size.high - PAD.bottom, room = floor - Math.max(40, names.offsetHeight + 14), ys = {};
    for (const name of new Set(figure.data.map(axisOf))) {
      const axis = layout[`yaxis${name.slice(1)}`], [first, last] = axis.domain || [0, 1];
      const [low, high] = [floor - first * room, floor - last * room];
      const traces = figure.data.filter((trace) => axisOf(trace) === name);
      ys[name] = { ...scale(axis, columns(traces, name), low, high, .06), low, high };
    }
    const longest = Math.max(...Object.values(ys).flatMap(({ ticks: all }) => all.map(([, text]) => text.length)), 0);
    size.left = Math.max(PAD.left, longest * LETTER + 28);
    const x = scale(layout.xaxis, columns(figure.data, "x"), size.left, size.wide - PAD.right, points ? .03 : 0);
    const traces = figure.data.flatMap((trace) => drawn(trace, x.at, ys[axisOf(trace)].at));
    const name = place.getAttribute("aria-label") || "";
    place.append(element("svg", { class: "sketch", width: size.wide, height: size.high, viewBox: `0 0 ${size.wide} ${size.high}`, role: "img", "aria-label": name }, ...axes(layout, x, ys, size), ...goals(layout, x, ys, size), ...traces));
  };
  place.classList.remove("tall");
  place.style.height = "";
  place.watcher?.disconnect();
  paint();
  place.watcher = new ResizeObserver(paint);
  place.watcher.observe(place);
}
