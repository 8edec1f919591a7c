"use strict";
/* Links the views of a figure: a design that is pointed at in one is ringed in both, and described. */
const figure = document.getElementById("{plot_id}");
const byId = (id) => document.getElementById(id);
const { designs, colours } = figure.layout.meta;
const dark = matchMedia("(prefers-color-scheme: dark)"), narrow = matchMedia("(max-width: 700px)");
const rows = [...document.querySelectorAll("tbody tr")];
let pinned = null; // the design that was clicked
let shown = null; // the design that is pointed at, or else that one
let pointedIn = null; // the axis of the view where it is pointed at

/* An arrow at the design that is shown, with its name, in a view; none where the legend has switched it off. */
function arrow(name) {
  const at = designs[shown]?.at;
  const here = (one) => one.xaxis === name && one.visible !== "legendonly" && one.customdata?.includes(at);
  const trace = figure.data.find(here);
  if (!trace || name === pointedIn) return [];
  const k = trace.customdata.indexOf(at), text = designs[shown].name;
  const axes = { x: figure.layout[name.replace("x", "xaxis")], y: figure.layout[trace.yaxis.replace("y", "yaxis")] };
  const [x, y] = ["x", "y"].map((key) => (axes[key].type === "log" ? Math.log10(trace[key][k]) : trace[key][k]));
  const left = x > (axes.x.range[0] + axes.x.range[1]) / 2;
  return [{ x, y, text, xref: name, yref: trace.yaxis, ax: left ? -30 : 30, ay: -30, xanchor: left ? "right" : "left" }];
}

const mark = () => Plotly.relayout(figure, { annotations: ["x", "x2"].flatMap(arrow) });

function show(i, axis = null) {
  [shown, pointedIn] = [i, axis];
  byId("hint").hidden = i !== null;
  byId("about").hidden = i === null;
  byId("copied").textContent = "";
  if (i !== null) {
    byId("spec").textContent = designs[i].label;
    byId("facts").textContent = designs[i].facts.map(([label, value, more]) => `${label} ${value}${more && ` (${more})`}`).join("\n");
    byId("code").textContent = designs[i].command;
  }
  rows.forEach((row, k) => row.classList.toggle("shown", k === i));
  mark();
}

/* A click keeps a design in sight, and copies its command where the browser lets a page do that. */
async function pin(i) {
  show((pinned = i));
  try {
    await navigator.clipboard.writeText(designs[i].command);
    byId("copied").textContent = "copied";
  } catch {
    getSelection().selectAllChildren(byId("code"));
    byId("copied").textContent = "selected: copy it with the keyboard";
  }
}

/* Numbers at points stand where they cover no mark and no other number; there is more room when zoomed in. */
function thin() {
  const boxes = (query) => [...figure.querySelectorAll(query)].map((node) => [node, node.getBoundingClientRect()]);
  const apart = (a, b) => a.right <= b.left + 2 || b.right <= a.left + 2 || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
  const taken = boxes(".scatterlayer .point").map(([, box]) => box);
  for (const [node, box] of boxes(".scatterlayer .textpoint text")) {
    const free = taken.every((other) => apart(box, other));
    node.style.visibility = free ? "" : "hidden";
    if (free && box.width > 0) taken.push(box);
  }
}

/* The page grows by the legend, so that the views keep their height. */
function fit() {
  const legend = `${Math.ceil(figure.querySelector(".legend .bg")?.getBoundingClientRect().height ?? 0)}px`;
  if (byId("views").style.getPropertyValue("--legend") === legend) return;
  byId("views").style.setProperty("--legend", legend);
  Plotly.Plots.resize(figure);
}

/* The colours of a dark or a light page, and the views side by side or one below the other. */
function adapt() {
  const swaps = new Map(colours.map(([light, night]) => (dark.matches ? [light, night] : [night, light])));
  const swapped = JSON.stringify([figure.data, figure.layout]);
  const [data, layout] = JSON.parse(swapped, (_, value) => swaps.get(value) ?? value);
  layout.grid.subplots = narrow.matches ? [["xy"], ["x2y3"]] : [["xy", "x2y3"]];
  for (const axis of [layout.xaxis, layout.xaxis2]) axis.nticks = narrow.matches ? 3 : 6;
  return Plotly.react(figure, data, layout);
}

figure.on("plotly_hover", ({ points: [{ customdata, xaxis }] }) => customdata === undefined || show(customdata, xaxis._id));
figure.on("plotly_unhover", () => show(pinned));
figure.on("plotly_click", ({ points: [{ customdata }] }) => customdata === undefined || pin(customdata));
figure.on("plotly_legendclick", (event) => event.data[event.curveNumber].legendgroup !== undefined);
figure.on("plotly_restyle", mark);
figure.on("plotly_afterplot", () => {
  fit();
  thin();
});
rows.forEach((row, i) => {
  row.addEventListener("click", () => pin(i));
  row.addEventListener("mouseenter", () => show(i));
  row.addEventListener("mouseleave", () => show(pinned));
});
for (const query of [dark, narrow]) query.addEventListener("change", adapt);
fit();
(dark.matches || narrow.matches ? adapt() : Promise.resolve()).then(() => {
  show(null);
  document.documentElement.dataset.ready = "yes";
});
