"use strict";
/* Draws the views of a page, and links them: a design that is pointed at in one is ringed in all, and described. */
(() => {
  const byId = (id) => document.getElementById(id);
  const page = JSON.parse(byId("data").textContent);
  const views = page.views.map((_, k) => byId(`view-${k}`));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 640px)");
  const hidden = new Set(); // curves that the legend has switched off
  let pinned = null; // the design that was clicked
  let ringed = null; // the design that is shown
  let pointedIn = null; // the view where it is pointed at

  /* Where each design stands in each view: the axis and the place. */
  const places = page.views.map(({ data }) => {
    const found = new Map();
    for (const trace of data) {
      (trace.customdata || []).forEach((i, k) => {
        found.set(i, { x: trace.x[k], y: trace.y[k], onAxis: trace.yaxis === "y2", curve: trace.legendgroup });
      });
    }
    return found;
  });

  /* A copy of data in which names of colours are the colours of the page as it is: light or dark. */
  function coloured(value) {
    const style = getComputedStyle(document.documentElement);
    return JSON.parse(JSON.stringify(value), (_, text) => {
      const name = typeof text === "string" && /^var\((--\w+)\)$/.exec(text);
      return name ? style.getPropertyValue(name[1]).trim() : text;
    });
  }

  function draw() {
    const nothingSent = { showSendToCloud: false, plotlyServerURL: "" };
    const modeBarButtonsToRemove = ["select2d", "lasso2d", "autoScale2d"];
    const config = { responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtonsToRemove, ...nothingSent };
    return Promise.all(page.views.map((view, k) => {
      const { data, layout } = coloured(view);
      for (const trace of data) trace.visible = !hidden.has(trace.legendgroup);
      if (narrow.matches) layout.xaxis.nticks = 3;
      if (views[k].layout) keepZoom(views[k].layout, layout);
      return Plotly.react(views[k], data, layout, config);
    }));
  }

  function keepZoom(before, layout) {
    for (const name of ["xaxis", "yaxis"]) {
      if (before[name].autorange === false) layout[name].range = before[name].range;
    }
  }

  /* A ring around a design in every view; its name in those where it is not pointed at. */
  function ring(i, pointedAt) {
    ringed = i;
    pointedIn = pointedAt;
    views.forEach((view, k) => {
      const [circle, name] = view.parentElement.querySelectorAll(".ring, .name");
      const at = i === null ? null : pixels(view, places[k].get(page.designs[i].at));
      circle.hidden = !at;
      name.hidden = !at || k === pointedAt;
      if (!at) return;
      name.textContent = page.designs[i].label;
      name.classList.toggle("left", at.x > view.clientWidth / 2);
      for (const mark of [circle, name]) Object.assign(mark.style, { left: `${at.x}px`, top: `${at.y}px` });
    });
  }

  /* Where a place is in a view; null where it is switched off or out of sight. */
  function pixels(view, { x, y, onAxis, curve }) {
    const { xaxis, yaxis, yaxis2 } = view._fullLayout;
    const up = onAxis ? yaxis2 : yaxis;
    const [right, down] = [xaxis.d2p(x), up.d2p(y)];
    const seen = right >= 0 && right <= xaxis._length && down >= 0 && down <= up._length && !hidden.has(curve);
    return seen ? { x: xaxis._offset + right, y: up._offset + down } : null;
  }

  /* What is known of a design, and the command that analyses it. */
  function describe(i) {
    const design = i === null ? null : page.designs[i];
    byId("hint").hidden = design !== null;
    byId("about").hidden = design === null;
    if (!design) return;
    byId("spec").textContent = design.label;
    byId("facts").replaceChildren(...design.facts.map(([label, value, more]) => {
      const fact = element("div", "");
      fact.append(element("dt", label), element("dd", value));
      fact.lastChild.append(element("small", more));
      return fact;
    }));
    byId("code").textContent = design.command;
    byId("copied").textContent = "";
  }

  function element(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  }

  function show(i, pointedAt) {
    if (i === ringed && pointedAt === null) return;
    describe(i);
    ring(i, pointedAt);
    for (const row of byId("rows").rows) row.classList.toggle("shown", Number(row.dataset.design) === i);
  }

  /* A click keeps a design in sight, and copies its command where the browser lets a page do that. */
  function pin(i) {
    pinned = i;
    show(i, null);
    copy();
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(byId("code").textContent);
      byId("copied").textContent = "copied";
    } catch {
      getSelection().selectAllChildren(byId("code"));
      byId("copied").textContent = "selected: copy it with the keyboard";
    }
  }

  /* Numbers at points stand where they cover no mark and no other number; there is more room when zoomed in. */
  function thin(view) {
    const boxes = (query) => [...view.querySelectorAll(query)].map((node) => [node, node.getBoundingClientRect()]);
    const apart = (a, b) => a.right <= b.left + 2 || b.right <= a.left + 2 || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
    const taken = boxes(".scatterlayer .point").map(([, box]) => box);
    for (const [node, box] of boxes(".scatterlayer .textpoint text")) {
      const free = taken.every((other) => apart(box, other));
      node.style.visibility = free ? "" : "hidden";
      if (free && box.width > 0) taken.push(box);
    }
  }

  /* What follows a drawing, after a zoom or in another size. */
  function settle(view) {
    thin(view);
    ring(ringed ?? pinned, pointedIn);
  }

  function legend() {
    for (const button of document.querySelectorAll("#legend button")) {
      button.addEventListener("click", () => {
        const curve = button.dataset.curve;
        if (!hidden.delete(curve)) hidden.add(curve);
        button.setAttribute("aria-pressed", String(!hidden.has(curve)));
        draw();
      });
    }
  }

  function table() {
    byId("rows").replaceChildren(...page.designs.map((design, i) => {
      const row = element("tr", "");
      row.dataset.design = i;
      row.append(element("td", design.label), ...design.facts.map(([, value]) => element("td", value)));
      row.addEventListener("click", () => pin(i));
      row.addEventListener("mouseenter", () => show(i, null));
      row.addEventListener("mouseleave", () => show(pinned, null));
      return row;
    }));
  }

  draw().then(() => {
    views.forEach((view, k) => {
      const pointed = (event) => event.points.find((point) => point.customdata !== undefined)?.customdata;
      view.on("plotly_hover", (event) => pointed(event) !== undefined && show(pointed(event), k));
      view.on("plotly_unhover", () => show(pinned, null));
      view.on("plotly_click", (event) => pointed(event) !== undefined && pin(pointed(event)));
      view.on("plotly_relayouting", () => ring(null, null));
      view.on("plotly_afterplot", () => settle(view));
      thin(view);
    });
    for (const query of [dark, narrow]) query.addEventListener("change", draw);
    legend();
    table();
    byId("copy").addEventListener("click", copy);
    document.documentElement.dataset.ready = "yes";
  });
})();
