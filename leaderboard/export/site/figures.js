/** Read a packed block of the file: gzip in base 64. */
async function unpack(id) {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const PAPER_PX = 940;  // a browser shrinks a page to the width of its paper
let drawings = null;
/** Figures and templates, once they are unpacked. */
let unpacked = null;
/** Prepare a figure's data and layout before it is drawn, by its name. */
const prepare = new Map();

/** Plotly and the figures are unpacked once. */
function ready() {
  drawings ??= Promise.all([unpack("library"), unpack("figures")]).then(([library, figures]) => {
    const script = document.createElement("script");
    script.textContent = library;
    document.head.append(script);
    unpacked = JSON.parse(figures);
    return unpacked;
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
  if (typeof node !== "string") return node;
  if (key === "shadow") return node.replace(/#[0-9A-F]{6}/, (colour) => colours[colour] ?? colour);
  if (!key.toLowerCase().includes("color")) return node;
  const [, red, green, blue, opacity] = /^rgba\((\d+),(\d+),(\d+),(.+)\)$/.exec(node) ?? [];
  if (opacity === undefined) return colours[node] ?? node;
  const hex = (part) => Number(part).toString(16).padStart(2, "0").toUpperCase();
  const other = colours[`#${hex(red)}${hex(green)}${hex(blue)}`];
  if (other === undefined) return node;
  const parts = [1, 3, 5].map((at) => parseInt(other.slice(at, at + 2), 16));
  return `rgba(${parts.join(",")},${opacity})`;
}

async function draw(place) {
  await ready();
  paint(place);
}

/** Draw a figure now, as wide as its place or as given. */
function paint(place, kind = dark.matches ? "dark" : "light", width = undefined) {
  const name = place.dataset.figure;
  const found = unpacked.figures[name];
  let { data, layout } = kind === "dark" ? recoloured(found, unpacked.dark) : found;
  layout = { ...layout, template: unpacked.templates[kind], autosize: width === undefined, width };
  for (const change of [prepare.get(name), fitLabels]) {
    if (change) ({ data, layout } = change(data, layout, width ?? place.clientWidth));
  }
  const config = { displayModeBar: false, responsive: true };
  return Plotly.react(place, data, layout, config);
}

/** The class of a width: label places are the same within. */
function widthClass(sets, width) {
  const widths = Object.keys(sets).map(Number).sort((a, b) => a - b);
  return String(widths.findLast((least) => least <= width) ?? widths[0]);
}

/** Write the labels for the width at hand onto a figure that has them for several. */
function fitLabels(data, layout, width) {
  const sets = layout.meta?.labels;
  if (!sets) return { data, layout };
  const chosen = sets[widthClass(sets, width)];
  const labelled = data.map((trace) => trace.customdata === undefined ? trace : {
    ...trace,
    text: trace.customdata.map((digest) => chosen[digest]?.[0] ?? ""),
    textposition: trace.customdata.map((digest) => chosen[digest]?.[1] ?? "middle center"),
  });
  return { data: labelled, layout };
}

const figures = [...document.querySelectorAll(".figure")];

/** A figure is drawn when it comes into sight, and again where its width asks for other labels. */
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "400px" });

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const sets = unpacked?.figures[target.dataset.figure]?.layout.meta?.labels;
    if (!sets || !target.clientWidth || !target.classList.contains("js-plotly-plot")) continue;
    const now = widthClass(sets, target.clientWidth);
    if (target.dataset.width && target.dataset.width !== now) paint(target);
    target.dataset.width = now;
  }
});

for (const place of figures) {
  place.style.minHeight = `${place.dataset.height}px`;
  seen.observe(place);
  resized.observe(place);
}

dark.addEventListener("change", () => {
  for (const place of figures) if (place.classList.contains("js-plotly-plot")) draw(place);
});

/** On paper every figure of the page stands, in light, as wide as the paper. */
const inSight = () => figures.filter((place) => place.offsetParent !== null);
window.addEventListener("beforeprint", () => {
  if (unpacked) for (const place of inSight()) paint(place, "light", PAPER_PX);
});
window.addEventListener("afterprint", () => {
  for (const place of inSight()) if (unpacked) paint(place);
});
// Printing waits for nothing, so what it needs is unpacked before.
window.addEventListener("load", () => setTimeout(ready, 300));

/** Show the page that the address names, its part before a `?`; a name in a page shows that. */
const pages = [...document.querySelectorAll("main > section.page")];

/** What the address names: as it stands there, else as a browser has written it. */
function namedInAddress() {
  const [name] = location.hash.slice(1).split("?");
  if (!name || name === "main") return null;
  try {
    return document.getElementById(name) ?? document.getElementById(decodeURIComponent(name));
  } catch {
    return null;  // no text is written so
  }
}

let current = pages[0];

function route() {
  const named = namedInAddress();
  const skipped = location.hash === "#main" ? current : pages[0];  // to the page that is shown
  const shown = pages.find((page) => page.contains(named)) ?? skipped;
  current = shown;
  for (const page of pages) page.hidden = page !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!named || named === shown) {
    if (named) window.scrollTo(0, 0);
    return;
  }
  for (let one = named; one !== shown; one = one.parentElement) {
    if (one.matches("details")) one.open = true;
  }
  named.scrollIntoView({ block: "center" });
}

window.addEventListener("hashchange", route);
route();
