/** The trade-off plots of the overview, drawn anew for what is asked: who fits, which is shipped. */

const KINDS = ["outside your limits", "fits", "Pareto-optimal", "recommended"];
const OF_POINTS = ["x", "y", "customdata", "hovertext"];
const OF_BARS = ["array", "arrayminus"];

/** A figure's points, each with what belongs to it alone, whatever kind it was drawn as. */
function pointsOf(data) {
  return data.filter((trace) => KINDS.includes(trace.name)).flatMap((trace) =>
    (trace.x ?? []).map((_, i) => ({
      ...Object.fromEntries(OF_POINTS.map((key) => [key, trace[key][i]])),
      bars: ["error_x", "error_y"].map((bar) => OF_BARS.map((key) => trace[bar][key][i])),
    })));
}

/** Mark the points of which none is cheaper and as accurate, or as cheap and more accurate. */
function optimal(points, lower) {
  const good = (point) => [lower ? -point.x : point.x, point.y];
  return points.filter((point) => {
    const [cost, accuracy] = good(point);
    return !points.some((other) => {
      const [c, a] = good(other);
      return c >= cost && a >= accuracy && (c > cost || a > accuracy);
    });
  });
}

/** Traces with the points that are shown, by kind, and the Pareto line of those that fit. */
function tradeoffTraces(data, state, lower) {
  const points = pointsOf(data).filter((point) => state.shown.has(point.customdata));
  const fitting = points.filter((point) => !state.outside.has(point.customdata));
  const best = optimal(fitting, lower);
  const kind = (point) => {
    if (state.outside.has(point.customdata)) return KINDS[0];
    if (point.customdata === state.chosen) return KINDS[3];
    return best.includes(point) ? KINDS[2] : KINDS[1];
  };
  const corners = [...best].sort((a, b) => a.x - b.x || a.y - b.y);
  return data.map((trace) => {
    if (trace.name === "Pareto line") {
      return { ...trace, x: corners.map((p) => p.x), y: corners.map((p) => p.y) };
    }
    if (!KINDS.includes(trace.name)) return trace;
    const own = points.filter((point) => kind(point) === trace.name);
    const found = { ...trace, showlegend: own.length > 0 };
    for (const key of OF_POINTS) found[key] = own.map((point) => point[key]);
    ["error_x", "error_y"].forEach((bar, at) => {
      found[bar] = { ...trace[bar] };
      OF_BARS.forEach((key, i) => { found[bar][key] = own.map((point) => point.bars[at][i]); });
    });
    return found;
  });
}

/** The limit of the plot's axis as a line, what lies beyond shaded; a note points to one far away. */
function limitMarks(limit, lower, layout, unit) {
  const [left, right] = layout.xaxis.range;
  const at = Math.log10(limit);
  const inside = left < at && at < right;
  const edge = 10 ** Math.min(Math.max(at, left), right);
  const far = 10 ** (lower ? right : left);
  const muted = layout.template.layout.xaxis.tickfont.color;
  const common = { yref: "paper", y0: 0, y1: 1, layer: "below" };
  const words = `your limit ${Number(limit.toPrecision(4)).toLocaleString("en")} ${unit}`.trim();
  const share = (at - left) / (right - left);
  return {
    shapes: [
      ...(edge === far ? [] : [{ ...common, type: "rect", x0: Math.min(edge, far),
        x1: Math.max(edge, far), fillcolor: muted, opacity: 0.13, line: { width: 0 } }]),
      ...(inside ? [{ ...common, type: "line", x0: limit, x1: limit,
        line: { dash: "dot", width: 2, color: layout.template.layout.colorway[1] } }] : []),
    ],
    note: { xref: "paper", yref: "paper", x: Math.min(Math.max(share, 0), 1), y: 1, yanchor: "top",
      xanchor: share > 0.5 ? "right" : "left", xshift: share > 0.5 ? -4 : 4, showarrow: false,
      font: { size: 12 },
      text: share < 0 ? `← ${words}` : share > 1 ? `${words} →` : words },
  };
}
