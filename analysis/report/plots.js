// Plots: two columns against each other, with the fit and the volcano, drawn by plotly when first seen.

// the "muted" scheme of P. Tol (SRON/EPS/TN/09-002), as in the figures; the first and last have a lighter twin for the dark
const COLOURS = ["#332288", "#CC6677", "#117733", "#88CCEE", "#882255", "#DDCC77", "#44AA99", "#AA4499", "#999933", "#777777"];
const DARK_COLOURS = ["#8F7FE8", "#E08A98", "#4FB56B", "#88CCEE", "#D0639A", "#DDCC77", "#44AA99", "#D27ED2", "#B9B94F", "#AAAAAA"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "cross", "triangle-down", "star", "hexagon", "pentagon"];

const colour = (place) => (isDark.matches ? DARK_COLOURS : COLOURS)[place % 10];
const symbol = (place) => SYMBOLS[Math.floor(place / 10 + place) % 10];
// plotly reads a few tags in its texts
const plain = (text) => textOf(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function layout(x, y, more = {}) {
  const axis = (title) => ({ title: { text: title ? plain(title).replace(/_(\w+)/g, "<sub>$1</sub>") : "", standoff: 8 }, gridcolor: ink("line"), zerolinecolor: ink("faint"), linecolor: ink("line"), automargin: true });
  return {
    margin: { l: 56, r: 12, t: 12, b: 48 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: ink("font"), size: 13, color: ink("text") },
    hoverlabel: { bgcolor: ink("card"), bordercolor: ink("line"), font: { color: ink("text") }, align: "left" },
    xaxis: axis(x),
    yaxis: axis(y),
    legend: { orientation: "h", y: -0.2, yanchor: "top", font: { size: 11 } },
    ...more,
  };
}

async function plot(node, traces, layout, name) {
  await library("plotly");
  const options = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg", filename: fileName(name, "") },
  };
  await Plotly.react(node, traces, layout, options);
}

// ordinary least squares
function fit(points) {
  const n = points.length;
  if (n < 3) return null;
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / n;
  const [x, y] = [mean((p) => p.x), mean((p) => p.y)];
  const sxx = points.reduce((sum, p) => sum + (p.x - x) ** 2, 0);
  const syy = points.reduce((sum, p) => sum + (p.y - y) ** 2, 0);
  const sxy = points.reduce((sum, p) => sum + (p.x - x) * (p.y - y), 0);
  if (sxx < 1e-12) return null;
  const slope = sxy / sxx;
  const intercept = y - slope * x;
  return { n, slope, intercept, r2: syy > 0 ? sxy ** 2 / (sxx * syy) : 1, mae: mean((p) => Math.abs(p.y - intercept - slope * p.x)) };
}

class Scatter {
  constructor(report) {
    this.report = report;
    this.numbers = report.columns.filter((column) => column.kind === "number" && report.all.some((row) => typeof row.values[column.place] === "number"));
    const named = (name) => this.numbers.find((column) => column.name === name)?.name;
    const { descriptor } = this.volcano() ?? {};
    this.x = named(descriptor) ?? named("free_OH") ?? this.numbers.find((column) => column.name.startsWith("free_"))?.name ?? named("limiting_potential") ?? this.numbers[0]?.name;
    this.y = named("limiting_potential") ?? this.numbers[0]?.name;
    this.by = "family";
    this.isFitted = false;
    this.node = el("div", { class: "plot", id: "scatter", role: "img", "aria-label": "Scatter plot of two columns" });
    this.note = el("p", { class: "note", role: "status" });
    const options = this.numbers.map((column) => [column.name, column.header]);
    const set = (name) => (value) => {
      this[name] = value;
      this.draw();
    };
    const line = el("input", { type: "checkbox", id: "fit", onchange: () => set("isFitted")(line.checked) });
    this.card = el(
      "section",
      { class: "card", "aria-labelledby": "scatter-title" },
      el("h2", { id: "scatter-title" }, "Two quantities"),
      el(
        "div",
        { class: "controls" },
        choice("Horizontal", options, this.x, set("x")),
        choice("Vertical", options, this.y, set("y")),
        choice("Colour", [["family", "family"], ["metal", "metal"], ["reaction", "reaction"], ["verdict", "verdict"]], this.by, set("by")),
        el("label", { class: "tick" }, line, "linear fit"),
      ),
      this.node,
      this.note,
    );
  }

  volcano() {
    return this.report.data.plots?.volcanoes?.[this.report.filter.reaction || this.report.data.reactions[0]?.name];
  }

  async draw() {
    const { report } = this;
    const [x, y] = [report.byName.get(this.x), report.byName.get(this.y)];
    if (!x || !y) return;
    const points = report.rows.map((row) => ({ row, x: row.values[x.place], y: row.values[y.place] })).filter((p) => typeof p.x === "number" && typeof p.y === "number");
    const group = { family: (row) => row.family, metal: (row) => row.metals.join("–") || UNKNOWN, reaction: (row) => report.title(row.reaction), verdict: (row) => row.verdict }[this.by];
    // a group keeps its colour when others are filtered away
    const groups = [...new Set(report.all.map(group))].sort(collator.compare);
    const traces = groups.map((name, place) => this.trace(name, place, points.filter((p) => group(p.row) === name), x, y)).filter((trace) => trace.x.length);
    traces.push(...this.lines(points, x, y));
    // numbers, as the names of sites that lie close together would cover each other
    const order = [...report.compared];
    const compared = points.filter((p) => report.compared.has(p.row.site));
    if (compared.length) {
      traces.push({ type: "scatter", mode: "markers+text", x: compared.map((p) => p.x), y: compared.map((p) => p.y), text: compared.map((p) => String(order.indexOf(p.row.site) + 1)), textposition: "top center", textfont: { size: 12 }, hoverinfo: "skip", showlegend: false, marker: { size: 15, symbol: "circle-open", color: ink("text"), line: { width: 2 } } });
    }
    await plot(this.node, traces, layout(x.header, y.header, { hovermode: "closest", uirevision: `${x.name} ${y.name}` }), `${x.name}-${y.name}`);
    if (!this.isBound) {
      this.isBound = true;
      this.node.on("plotly_click", (event) => {
        const site = event.points[0]?.customdata;
        if (site) location.hash = siteHash(site);
      });
    }
  }

  trace(name, place, points, x, y) {
    return {
      type: "scatter", mode: "markers", name: plain(name),
      x: points.map((p) => p.x), y: points.map((p) => p.y),
      customdata: points.map((p) => p.row.site),
      text: points.map((p) => `<b>${plain(p.row.site)}</b><br>${plain(x.header)} ${textOf(p.x, x.decimals)}<br>${plain(y.header)} ${textOf(p.y, y.decimals)}${p.row.rejected ? `<br>rejected: ${plain(String(p.row.rejected).slice(0, 60))}` : ""}`),
      hovertemplate: "%{text}<extra></extra>",
      marker: { color: colour(place), symbol: points.map((p) => symbol(place) + (p.row.rejected ? "-open" : "")), size: points.length > 300 ? 6 : 9, opacity: 0.85, line: { width: 1, color: ink("card") } },
    };
  }

  // the volcano of the reaction, where the axes are its own, and the fit
  lines(points, x, y) {
    const lines = [];
    const volcano = this.volcano();
    const notes = [];
    if (volcano && volcano.descriptor === x.name && y.name === "limiting_potential") {
      lines.push({ type: "scatter", mode: "lines", name: "volcano", x: volcano.x, y: volcano.y, hoverinfo: "skip", line: { color: ink("text"), width: 1.5 } });
      if (typeof volcano.ideal === "number") {
        const ends = [volcano.x[0], volcano.x.at(-1)];
        lines.push({ type: "scatter", mode: "lines", name: `thermodynamic limit ${textOf(volcano.ideal, 2)}`, x: ends, y: [volcano.ideal, volcano.ideal], hoverinfo: "skip", line: { color: ink("faint"), dash: "dot", width: 1.5 } });
      }
      if (volcano.source) notes.push(`Volcano: ${volcano.source}.`);
    }
    const line = this.isFitted ? fit(points) : null;
    if (this.isFitted && !line) notes.push("Too few points for a fit.");
    if (line) {
      const xs = points.map((p) => p.x);
      const ends = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
      lines.push({ type: "scatter", mode: "lines", name: "fit", x: ends, y: ends.map((at) => line.intercept + line.slope * at), hoverinfo: "skip", line: { color: ink("accent"), dash: "dash", width: 2 } });
      notes.push(`Least squares: slope ${textOf(line.slope, 3)}, intercept ${textOf(line.intercept, 3)}, R² ${textOf(line.r2, 3)}, mean absolute error ${textOf(line.mae, 3)}, n ${line.n}.`);
    }
    const names = [...this.report.compared].map((site, at) => `${at + 1} ${site}`);
    const circled = names.length ? [`Circled: ${names.join(", ")}.`] : [];
    this.note.textContent = [`${plural(points.length, "point")}; open symbols are rejected; click one to open its site.`, ...circled, ...notes].join(" ");
    return lines;
  }
}
