"use strict";

/** Read a packed block of the file: gzip in base 64. */
async function unpack(id) {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
let drawings = null;

/** Plotly and the figures are unpacked once, when the first figure comes into sight. */
function ready() {
  drawings ??= Promise.all([unpack("library"), unpack("figures")]).then(([library, figures]) => {
    const script = document.createElement("script");
    script.textContent = library;
    document.head.append(script);
    return JSON.parse(figures);
  });
  return drawings;
}

/** The same figure, or a part of it, in the colours of a dark page. */
function recoloured(node, colours, key = "") {
  if (Array.isArray(node)) return node.map((one) => recoloured(one, colours, key));
  if (node !== null && typeof node === "object") {
    return Object.fromEntries(
      Object.entries(node).map(([name, one]) => [name, recoloured(one, colours, name)]));
  }
  if (typeof node !== "string" || !key.toLowerCase().includes("color")) return node;
  const [, red, green, blue, opacity] = /^rgba\((\d+),(\d+),(\d+),(.+)\)$/.exec(node) ?? [];
  if (opacity === undefined) return colours[node] ?? node;
  const hex = (part) => Number(part).toString(16).padStart(2, "0").toUpperCase();
  const other = colours[`#${hex(red)}${hex(green)}${hex(blue)}`];
  if (other === undefined) return node;
  const parts = [1, 3, 5].map((at) => parseInt(other.slice(at, at + 2), 16));
  return `rgba(${parts.join(",")},${opacity})`;
}

async function draw(place) {
  const { figures, templates, dark: colours } = await ready();
  const found = figures[place.dataset.figure];
  const { data, layout } = dark.matches ? recoloured(found, colours) : found;
  const template = templates[dark.matches ? "dark" : "light"];
  await Plotly.react(place, data, { ...layout, template, autosize: true },
    { displayModeBar: false, responsive: true });
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "400px" });

for (const place of document.querySelectorAll(".figure")) {
  place.style.minHeight = `${place.dataset.height}px`;
  seen.observe(place);
}

dark.addEventListener("change", () => {
  for (const place of document.querySelectorAll(".figure.js-plotly-plot")) draw(place);
});

/** Show the page that the address names; its part before a `?` is the page. */
const pages = [...document.querySelectorAll("main > section.page")];

function route() {
  const wanted = decodeURIComponent(location.hash.slice(1)).split("?")[0];
  const shown = pages.find((page) => page.id === wanted) ?? pages[0];
  for (const page of pages) page.hidden = page !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (wanted && wanted !== "main") window.scrollTo(0, 0);
}

window.addEventListener("hashchange", route);
route();

/** The overview: presets with answers judged beforehand, typed limits, search and sorting. */
async function overview() {
  const lines = document.getElementById("lines");
  if (!lines) return;
  const data = JSON.parse(await unpack("data"));
  const rows = new Map([...lines.rows].map((row) => [row.dataset.digest, row]));
  const boxes = new Map(
    [...document.querySelectorAll("input[data-limit]")].map((box) => [box.dataset.limit, box]));
  const search = document.getElementById("search");
  const answer = document.querySelector("#overview .answer");
  const plots = [...document.querySelectorAll("#overview .figure")];
  const state = new URLSearchParams(location.hash.split("?")[1] ?? "");
  let sort = null;
  let prefer = state.get("prefer") ?? "smallest";

  const limits = () => Object.fromEntries(
    [...boxes].filter(([, box]) => box.value !== "").map(([key, box]) => [key, Number(box.value)]));

  /** The preset whose limits are those in the boxes, if one is. */
  function preset(found) {
    const keys = Object.keys(found);
    return Object.entries(data.presets).find(([, one]) =>
      one.memory === null ? keys.length === 0
        : keys.length === 1 && found.memory === one.memory)?.[0];
  }

  function broken(values, found) {
    return Object.entries(found).filter(([key, limit]) => {
      const value = values[key];
      if (value === null || value === undefined) return true;
      return data.limited[key] === "most" ? value > limit : value < limit;
    }).map(([key]) => key);
  }

  /** Without a preset: who fits by the stored numbers, in the order without a limit. */
  function byNumbers(found) {
    const judged = data.presets.any.answers[prefer].lines.map((line) => {
      const out = broken(data.candidates[line.digest].values, found);
      return out.length ? { ...line, rank: "excluded", why: `outside your limit: ${out.join(", ")}` }
        : line;
    });
    const fit = judged.filter((line) => line.rank !== "excluded");
    const best = fit.filter((line) => line.rank === fit[0]?.rank);
    const value = (line, key, missing) => data.candidates[line.digest].values[key] ?? missing;
    const cost = {
      smallest: (line) => value(line, "memory", Infinity),
      fastest: (line) => -value(line, "decode", -Infinity),
      accurate: () => 0,  // they are in the order of their accuracy
    }[prefer];
    const least = Math.min(...best.map(cost));
    const first = best.find((line) => cost(line) <= least + 0.005 * Math.abs(least));
    return {
      claim: first ? `Ship ${data.candidates[first.digest].name}` : "Nothing fits these limits",
      certainty: `${fit.length} of ${judged.length} fit.` + (first
        ? ` The ${prefer === "accurate" ? "most accurate" : prefer} of those that lead in accuracy.` : " Raise a limit."),
      basis: "By the measured means. Certainty is computed for the presets alone; the board "
        + "(weighin board) computes it for any limit.",
      chosen: first?.digest ?? "",
      lines: [...fit, ...judged.filter((line) => line.rank === "excluded")],
    };
  }

  function say(found) {
    const line = (kind, name, text) => {
      const made = document.createElement(kind);
      made.className = name;
      made.textContent = text;
      return made;
    };
    const nexts = document.createElement("ul");
    nexts.className = "nexts";
    nexts.append(...(found.nexts ?? []).map((text) => line("li", "", text)));
    const links = [];
    const link = (page, text) => {
      if (!document.getElementById(page)) return;
      const made = line("a", "", text);
      made.href = `#${page}`;
      links.push(made);
    };
    link(`candidate-${found.chosen}`, "In depth");
    link(found.comparison, `Why? Against ${found.other}`);
    const beyond = line("p", "beyond", "");
    beyond.append(...links);
    answer.replaceChildren(line("p", "claim", found.claim), line("p", "certainty", found.certainty),
      ...(nexts.childElementCount ? [nexts] : []), ...(links.length ? [beyond] : []),
      line("p", "basis", found.basis));
  }

  /** `quant:q4 llama`: a word with a colon is looked for in that field, others in all. */
  function matches(digest) {
    const fields = data.candidates[digest].fields;
    return search.value.toLowerCase().split(/\s+/).filter(Boolean).every((word) => {
      const at = word.indexOf(":");
      const field = at < 0 ? "" : word.slice(0, at);
      if (field in fields) return fields[field].toLowerCase().includes(word.slice(at + 1));
      const texts = Object.entries(fields).filter(([name]) => name !== "note");
      return texts.map(([, text]) => text).join(" ").toLowerCase().includes(word);
    });
  }

  function ordered(shown) {
    if (sort === null || sort.key === "rank") return sort?.down ? [...shown].reverse() : shown;
    const value = (line) => {
      const text = rows.get(line.digest).cells[sort.key + 2].dataset.value;
      return text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
    };
    const known = shown.filter((line) => value(line) !== null);
    known.sort((a, b) => (value(a) > value(b)) - (value(a) < value(b)));
    if (sort.down) known.reverse();
    return [...known, ...shown.filter((line) => value(line) === null)];
  }

  function show() {
    const found = limits();
    const name = preset(found);
    const judged = name ? data.presets[name].answers[prefer] : byNumbers(found);
    say(judged);
    const shown = judged.lines.filter((line) => matches(line.digest));
    lines.replaceChildren(...ordered(shown).map((line) => {
      const row = rows.get(line.digest);
      row.cells[0].textContent = line.rank;
      row.querySelector(".why").textContent = line.why;
      row.className = line.digest === judged.chosen ? "chosen"
        : line.rank === "excluded" ? "outside" : "";
      return row;
    }));
    document.querySelector("#overview caption").textContent =
      `${shown.length} of ${judged.lines.length} candidates`;
    for (const button of document.querySelectorAll("button[data-preset]")) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === name));
    }
    for (const button of document.querySelectorAll("button[data-prefer]")) {
      button.setAttribute("aria-pressed", String(button.dataset.prefer === prefer));
    }
    for (const plot of plots) mark(plot, found);
    remember(found);
  }

  /** Draw the limit of a plot's axis and shade what lies beyond. */
  async function mark(plot, found) {
    const key = plot.dataset.figure.split("/")[1];
    if (plot.hidden) return;
    const { figures } = await ready();
    const shapes = key in found ? limitShapes(found[key], data.limited[key]) : [];
    const { layout } = figures[plot.dataset.figure];
    layout.own ??= layout.shapes ?? [];  // the level of guessing
    layout.shapes = [...layout.own, ...shapes];
    if (plot.classList.contains("js-plotly-plot")) draw(plot);
  }

  function limitShapes(limit, bound) {
    const far = bound === "most" ? limit * 1e6 : limit / 1e6;
    const common = { yref: "paper", y0: 0, y1: 1, layer: "below" };
    return [
      { ...common, type: "rect", x0: limit, x1: far, fillcolor: "rgba(128,128,128,.15)",
        line: { width: 0 } },
      { ...common, type: "line", x0: limit, x1: limit, line: { dash: "dash", width: 2,
        color: "rgba(213,94,0,1)" } },
    ];
  }

  function remember(found) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(found)) query.set(key, value);
    if (search.value) query.set("search", search.value);
    if (prefer !== "smallest") query.set("prefer", prefer);
    if (pages[0].hidden) return;
    const text = query.toString();
    history.replaceState(null, "", text ? `#overview?${text}` : "#overview");
  }

  function axis(name) {
    for (const plot of plots) {
      plot.hidden = plot.dataset.figure !== `overview/${name}`;
      if (!plot.hidden) mark(plot, limits());
    }
    for (const button of document.querySelectorAll("button[data-axis]")) {
      button.setAttribute("aria-pressed", String(button.dataset.axis === name));
    }
  }

  for (const [key, box] of boxes) {
    if (state.has(key)) box.value = state.get(key);
    box.addEventListener("input", show);
  }
  search.value = state.get("search") ?? "";
  search.addEventListener("input", show);
  for (const button of document.querySelectorAll("button[data-preset]")) {
    button.addEventListener("click", () => {
      for (const box of boxes.values()) box.value = "";
      boxes.get("memory").value = data.presets[button.dataset.preset].memory ?? "";
      show();
    });
  }
  for (const button of document.querySelectorAll("button[data-prefer]")) {
    button.addEventListener("click", () => {
      prefer = button.dataset.prefer;
      show();
    });
  }
  for (const button of document.querySelectorAll("button[data-axis]")) {
    button.addEventListener("click", () => axis(button.dataset.axis));
  }
  for (const button of document.querySelectorAll("button[data-sort]")) {
    button.addEventListener("click", () => {
      const key = button.dataset.sort === "rank" ? "rank" : Number(button.dataset.sort);
      sort = { key, down: sort?.key === key ? !sort.down : false };
      for (const head of document.querySelectorAll("#overview th")) head.ariaSort = "none";
      button.closest("th").ariaSort = sort.down ? "descending" : "ascending";
      show();
    });
  }
  for (const plot of plots) {
    const opened = new MutationObserver(() => {
      if (!plot.classList.contains("js-plotly-plot") || plot.dataset.opens) return;
      plot.dataset.opens = "yes";
      plot.on("plotly_click", (event) => {
        location.hash = `candidate-${[event.points[0].customdata].flat()[0]}`;
      });
    });
    opened.observe(plot, { attributes: true, attributeFilter: ["class"] });
  }
  axis("memory");
  show();
}

overview();
