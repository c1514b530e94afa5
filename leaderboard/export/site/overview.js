/** The overview: presets with answers judged beforehand, typed limits, search, sorting, ticks. */
const MOST_TICKED = 4;

async function overview() {
  const table = document.querySelector("#overview .ranked table");
  if (!table) return;
  const data = JSON.parse(await unpack("data"));
  const rows = new Map([...table.querySelectorAll("tbody tr")].map((row) =>
    [row.dataset.digest, row]));
  const heads = [...table.tHead.rows[0].cells];
  const boxes = new Map(
    [...document.querySelectorAll("input[data-limit]")].map((box) => [box.dataset.limit, box]));
  const filters = [...document.querySelectorAll("select[data-filter]")];
  const search = document.getElementById("search");
  const answer = document.querySelector("#overview .answer");
  const plots = figures.filter((place) => place.dataset.figure.startsWith("overview/"));
  const state = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const known = (digest) => rows.has(digest);
  const ticked = new Set(state.getAll("tick").filter(known));
  const pinned = new Set(state.getAll("pin").filter(known));
  let sort = state.get("sort") ?? "";
  let counts = state.get("counts") in data.weighings ? state.get("counts") : null;
  counts ??= Object.keys(data.weighings)[0];
  let prefer = data.presets.any.answers[state.get("prefer")] ? state.get("prefer") : "smallest";

  const limits = () => Object.fromEntries(
    [...boxes].filter(([, box]) => box.value !== "").map(([key, box]) => [key, Number(box.value)]));

  /** What was judged for a preset, by what counts. */
  const answersOf = (name) =>
    (data.weighings[counts].answers?.[name] ?? data.presets[name].answers)[prefer];

  /** The preset whose limits are those in the boxes, if one is. */
  function preset(found) {
    const set = Object.keys(found).length;
    return Object.entries(data.presets).find(([, one]) => {
      const own = Object.entries(one.limits);
      return own.length === set && own.every(([key, limit]) => found[key] === limit);
    })?.[0];
  }

  /** Why a candidate is outside, a few words each. */
  function broken(digest, found) {
    const { values, fields } = data.candidates[digest];
    const beyond = Object.entries(found).filter(([key, limit]) => {
      const value = values[key];
      if (value === null || value === undefined) return true;
      return data.limited[key].most ? value > limit : value < limit;
    }).map(([key]) => data.limited[key].words);
    const counts = (name, value) => name === "class"
      ? fields[name].split(" ").includes(value) : fields[name] === value;
    const others = filters.filter((one) => one.value && !counts(one.dataset.filter, one.value))
      .map((one) => one.dataset.filter === "class" ? `not ${one.selectedOptions[0].text}`
        : `${one.dataset.filter} ${fields[one.dataset.filter] || "unknown"}`);
    return [...beyond, ...others];
  }

  /** Lines in their order, ties as they were, ranked anew from 1. */
  function ranked(fitting) {
    const sizes = new Map();
    for (const { rank } of fitting) sizes.set(rank, (sizes.get(rank) ?? 0) + 1);
    let rank = "";
    return fitting.map((line, place) => {
      if (!/^\d+=?$/.test(line.rank)) return line;  // not scored
      if (line.rank !== fitting[place - 1]?.rank) {
        rank = `${place + 1}${sizes.get(line.rank) > 1 ? "=" : ""}`;
      }
      return { ...line, rank };
    });
  }

  /** Without a preset: who fits by the stored numbers, in the order without a limit. */
  function byNumbers(found) {
    const judged = answersOf("any").lines.map((line) => {
      const out = broken(line.digest, found);
      if (line.rank === "excluded" || !out.length) return line;
      return { ...line, rank: "excluded", why: `outside your limits: ${out.join(", ")}` };
    });
    const fit = ranked(judged.filter((line) => line.rank !== "excluded"));
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

  /** `quant:q4 llama`: a word with a colon is looked for in that field, others in most. */
  function matches(digest) {
    const fields = data.candidates[digest].fields;
    return search.value.toLowerCase().split(/\s+/).filter(Boolean).every((word) => {
      const at = word.indexOf(":");
      const field = at < 0 ? "" : word.slice(0, at);
      if (field in fields) return fields[field].toLowerCase().includes(word.slice(at + 1));
      const texts = Object.entries(fields).filter(([name]) => !data.asked_for.includes(name));
      return texts.map(([, text]) => text).join(" ").toLowerCase().includes(word);
    });
  }

  const headOf = (key) => heads.findIndex((head) =>
    head.querySelector("button")?.dataset.value === key);

  function ordered(shown) {
    const at = headOf(sort.replace("-", ""));
    if (!sort || at < 0) return shown;
    const value = (line) => {
      const text = rows.get(line.digest).cells[at].dataset.value;
      return text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
    };
    const there = shown.filter((line) => value(line) !== null);
    there.sort((a, b) => (value(a) > value(b)) - (value(a) < value(b)));
    if (sort.startsWith("-")) there.reverse();
    return [...there, ...shown.filter((line) => value(line) === null)];
  }

  /** The order after a click on a head: the best first, the worst first, by rank again. */
  function next(button) {
    const { value, first } = button.dataset;
    if (!value) return "";
    const best = first + value;
    const worst = first ? value : `-${value}`;
    return sort === best ? worst : sort === worst ? "" : best;
  }

  /** Rows in bodies: the pinned ones, then a body a rank, or one in another order. */
  function bodies(lines) {
    const groups = [];
    const top = lines.filter((line) => pinned.has(line.digest));
    if (top.length) groups.push({ name: "pinned", lines: top });
    let last;
    for (const line of ordered(lines.filter((one) => !pinned.has(one.digest)))) {
      const group = sort ? "sorted" : line.rank;
      if (group !== last) groups.push({ name: "", lines: [] });
      last = group;
      groups.at(-1).lines.push(line);
    }
    return groups.map(({ name, lines: own }) => {
      const body = document.createElement("tbody");
      body.className = name;
      body.append(...own.map((line) => rows.get(line.digest)));
      return body;
    });
  }

  /** Numbers of a candidate that depend on what counts. */
  function weigh(row, cells) {
    for (const [key, { text, spread, hint, value }] of Object.entries(cells)) {
      const cell = row.cells[headOf(key)];
      if (!cell) continue;
      cell.textContent = text;
      cell.title = hint;
      cell.dataset.value = value;
      if (!spread) continue;
      const half = document.createElement("span");
      half.className = "pm";
      half.textContent = ` ± ${spread}`;
      cell.append(half);
    }
  }

  function fill(line, chosen) {
    const row = rows.get(line.digest);
    row.querySelector(".rank").textContent = line.rank;
    row.querySelector(".why").textContent = line.why;
    row.className = line.digest === chosen ? "chosen" : line.rank === "excluded" ? "outside" : "";
    const box = row.querySelector("input");
    box.checked = ticked.has(line.digest);
    box.disabled = !box.checked && ticked.size >= MOST_TICKED;
    row.querySelector(".pin").setAttribute("aria-pressed", String(pinned.has(line.digest)));
  }

  function show() {
    const found = limits();
    const filtered = filters.some((one) => one.value);
    const name = filtered ? undefined : preset(found);
    const judged = name ? answersOf(name) : byNumbers(found);
    say(judged);
    const shown = judged.lines.filter((line) => matches(line.digest));
    for (const line of judged.lines) {
      fill(line, judged.chosen);
      weigh(rows.get(line.digest), data.weighings[counts].cells[line.digest]);
    }
    const kept = judged.lines.filter((line) => shown.includes(line) || pinned.has(line.digest));
    const focus = document.activeElement;
    for (const body of [...table.tBodies]) body.remove();
    table.append(...bodies(kept));
    if (table.contains(focus)) focus.focus({ preventScroll: true });
    table.caption.textContent = `${shown.length} of ${judged.lines.length} candidates`;
    for (const head of heads) {
      const key = head.querySelector("button")?.dataset.value;
      if (key === undefined) continue;
      head.ariaSort = key !== sort.replace("-", "") ? "none"
        : sort.startsWith("-") ? "descending" : "ascending";
    }
    for (const button of document.querySelectorAll("button[data-preset]")) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === name));
    }
    for (const button of document.querySelectorAll("button[data-counts]")) {
      button.setAttribute("aria-pressed", String(button.dataset.counts === counts));
    }
    const counted = document.getElementById("counted");
    if (counted) counted.textContent = data.weighings[counts].words;
    for (const button of document.querySelectorAll("button[data-prefer]")) {
      button.setAttribute("aria-pressed", String(button.dataset.prefer === prefer));
    }
    for (const plot of plots) mark(plot, found, judged, shown);
    compare(judged.lines);
    remember(found);
  }

  /** The comparison of two ticked candidates, where the file has it. */
  function compare(lines) {
    const place = document.getElementById("compare");
    const [a, b] = lines.map((line) => line.digest).filter((digest) => ticked.has(digest));
    const page = [`compare-${a}-${b}`, `compare-${b}-${a}`].find((id) =>
      ticked.size === 2 && document.getElementById(id));
    const link = document.createElement("a");
    link.className = "button";
    link.textContent = "Compare 2 ticked";
    link.href = `#${page}`;
    const most = "The file compares two; the board (weighin board) up to four.";
    const words = { 0: "", 1: "Tick a second row to compare." }[ticked.size]
      ?? (ticked.size === 2 ? "This file does not compare these two; the board does." : most);
    place.replaceChildren(page ? link : words);
  }

  function mark(plot, found, judged, shown) {
    const key = axisOf(plot);
    const asked = {
      chosen: judged.chosen,
      outside: new Set(judged.lines.filter((line) => line.rank === "excluded")
        .map((line) => line.digest)),
      shown: new Set(shown.map((line) => line.digest)),
    };
    const lower = data.axes[key].lower;
    prepare.set(plot.dataset.figure, (traces, layout) => {
      const marks = key in found && found[key] > 0
        ? limitMarks(found[key], lower, layout, data.axes[key].unit) : null;
      return {
        data: tradeoffTraces(traces, asked, lower),
        layout: marks ? {
          ...layout,
          shapes: [...(layout.shapes ?? []), ...marks.shapes],
          annotations: [...(layout.annotations ?? []), marks.note],
        } : layout,
      };
    });
    if (!plot.hidden && plot.classList.contains("js-plotly-plot")) draw(plot);
  }

  function remember(found) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(found)) query.set(key, value);
    for (const one of filters) if (one.value) query.set(one.dataset.filter, one.value);
    if (search.value) query.set("search", search.value);
    if (counts !== Object.keys(data.weighings)[0]) query.set("counts", counts);
    if (prefer !== "smallest") query.set("prefer", prefer);
    if (sort) query.set("sort", sort);
    if (shownAxis !== axes[0]) query.set("x", shownAxis);
    for (const digest of pinned) query.append("pin", digest);
    for (const digest of ticked) query.append("tick", digest);
    if (pages[0].hidden) return;
    const text = query.toString();
    history.replaceState(null, "", text ? `#overview?${text}` : "#overview");
  }

  const axisOf = (plot) => plot.dataset.figure.split("/")[1].split("@")[0];
  const axes = [...new Set(plots.map(axisOf))];
  let shownAxis = axes.includes(state.get("x")) ? state.get("x") : axes[0];

  /** Show one of the plots: by its axis, and by what counts. */
  function axis(name) {
    shownAxis = name;
    for (const plot of plots) {
      const wanted = `overview/${name}${data.weighings[counts].suffix}`;
      plot.hidden = plot.dataset.figure !== wanted;
      if (!plot.hidden && plot.classList.contains("js-plotly-plot")) draw(plot);
    }
    for (const button of document.querySelectorAll("button[data-axis]")) {
      button.setAttribute("aria-pressed", String(button.dataset.axis === name));
    }
  }

  const toggle = (set, value) => set.delete(value) || set.add(value);
  for (const [key, box] of boxes) {
    if (state.has(key)) box.value = state.get(key);
    box.addEventListener("input", show);
  }
  for (const one of filters) {
    one.value = state.get(one.dataset.filter) ?? "";
    if (one.selectedIndex < 0) one.value = "";
    one.addEventListener("change", show);
  }
  search.value = state.get("search") ?? "";
  search.addEventListener("input", show);
  document.getElementById("overview").addEventListener("click", (event) => {
    const button = event.target.closest("button, input[data-act]");
    if (!button || button.matches(".tell")) return;
    const { preset: wanted, prefer: kind, axis: name, counts: by, act, value } = button.dataset;
    if (wanted) {
      for (const box of boxes.values()) box.value = "";
      for (const [key, limit] of Object.entries(data.presets[wanted].limits)) {
        boxes.get(key).value = limit;
      }
    }
    if (kind) prefer = kind;
    if (by) counts = by;
    if (name || by) axis(name ?? shownAxis);
    if (act === "sort") sort = next(button);
    if (act === "tick") toggle(ticked, value);
    if (act === "pin") toggle(pinned, value);
    show();
  });
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
  // A link to the page alone takes the view out of the address.
  window.addEventListener("hashchange", () => remember(limits()));
  axis(shownAxis);
  show();
}

overview();
