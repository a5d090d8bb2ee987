// Periodic: the periodic table coloured by a quantity, and the stages of the sieve.

// rows of the table; a dot is an empty place, the last two rows are the series
const PERIODS = [
  "H . . . . . . . . . . . . . . . . He",
  "Li Be . . . . . . . . . . B C N O F Ne",
  "Na Mg . . . . . . . . . . Al Si P S Cl Ar",
  "K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr",
  "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe",
  "Cs Ba . Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn",
  "Fr Ra . Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og",
  "",
  ". . . La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
  ". . . Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr",
].map((line) => line.split(" "));
// by atomic number; the series stand where their rows have a dot
const ELEMENTS = [
  ...PERIODS.slice(0, 5),
  ...[0, 1].map((at) => PERIODS[5 + at].toSpliced(2, 1, ...PERIODS[8 + at])),
].flat().filter((symbol) => /[A-Z]/.test(symbol));
// cividis (Nuñez 2018, doi 10.1371/journal.pone.0199239) at nine places
const SCALE = ["#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bbaf71", "#dcca60", "#fee838"];

function shade(fraction) {
  const at = Math.max(0, Math.min(1, fraction)) * (SCALE.length - 1);
  const [low, share] = [Math.min(Math.floor(at), SCALE.length - 2), at - Math.min(Math.floor(at), SCALE.length - 2)];
  const parts = [1, 3, 5].map((from) => {
    const [a, b] = [SCALE[low], SCALE[low + 1]].map((code) => parseInt(code.slice(from, from + 2), 16));
    return Math.round(a + (b - a) * share);
  });
  const isLight = parts[0] * 0.299 + parts[1] * 0.587 + parts[2] * 0.114 > 130;
  return { background: `rgb(${parts.join(",")})`, text: isLight ? "#111" : "#fff" };
}

const WAYS = {
  least: (values) => values.reduce((a, b) => Math.min(a, b)),
  most: (values) => values.reduce((a, b) => Math.max(a, b)),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  median: (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)],
};

class Periodic {
  constructor(report) {
    this.report = report;
    this.column = "overpotential";
    this.way = "least";
    const set = (name) => (value) => {
      this[name] = value;
      this.draw();
    };
    const columns = report.columns.filter((column) => column.kind === "number").map((column) => [column.name, column.header]);
    this.grid = el("div", { class: "periodic", id: "periodic", role: "group", "aria-label": "Periodic table" });
    this.key = el("div", { class: "key" });
    this.card = el(
      "section",
      { class: "card", "aria-labelledby": "periodic-title" },
      el("h2", { id: "periodic-title" }, "By metal"),
      el("div", { class: "controls" }, choice("Quantity", columns, this.column, set("column")), choice("Of several sites", Object.keys(WAYS).map((way) => [way, way]), this.way, set("way"))),
      this.grid,
      this.key,
      el("p", { class: "note" }, "Sites of several metals count for each. Click a metal to filter by it."),
    );
  }

  draw() {
    const column = this.report.byName.get(this.column);
    const found = new Map();
    for (const row of this.report.rows) {
      const value = row.values[column.place];
      if (typeof value === "number") for (const metal of new Set(row.metals)) found.set(metal, [...(found.get(metal) ?? []), value]);
    }
    const values = new Map([...found].map(([metal, own]) => [metal, WAYS[this.way](own)]));
    const [low, high] = [Math.min(...values.values()), Math.max(...values.values())];
    const present = PERIODS.filter((line) => line.some((symbol) => values.has(symbol) || this.report.all.some((row) => row.metals.includes(symbol))));
    const [first, last] = [present[0], present.at(-1)].map((line) => PERIODS.indexOf(line));
    // the transition metals always, what lies above and below them where it is needed
    const lines = PERIODS.slice(first < 0 ? 3 : Math.min(first, 3), Math.max(last, 5) + 1).filter((line, at, all) => line.length > 1 || at < all.length - 1);
    this.grid.replaceChildren(...lines.flatMap((line) => this.line(line, values, found, column, low, high)));
    const stops = SCALE.map((_, at) => shade(at / 8).background).join(",");
    this.key.replaceChildren(...(values.size ? [el("span", {}, textOf(low, column.decimals)), el("i", { style: `background:linear-gradient(90deg,${stops})` }), el("span", {}, textOf(high, column.decimals)), el("span", {}, column.header)] : ["No value among the rows shown."]));
  }

  line(line, values, found, column, low, high) {
    return Array.from({ length: 18 }, (_, at) => {
      const symbol = line[at] ?? "";
      if (!symbol || symbol === ".") return el("span", { class: "none" });
      if (!values.has(symbol)) return el("span", { class: "element" }, el("b", {}, symbol));
      const value = values.get(symbol);
      const { background, text } = shade(high > low ? (value - low) / (high - low) : 0.5);
      const title = `${symbol}: ${column.header} ${textOf(value, column.decimals)} (${this.way} of ${plural(found.get(symbol).length, "row")})`;
      return el("button", { type: "button", class: "element", style: `background:${background};color:${text}`, title, "aria-label": title, "aria-pressed": String(this.report.filter.metal === symbol), onclick: () => this.pick(symbol) }, el("b", {}, symbol), el("small", {}, textOf(value, column.decimals)));
    });
  }

  pick(metal) {
    const { filter } = this.report;
    filter.metal = filter.metal === metal ? "" : metal;
    this.report.apply();
    this.report.controls?.replaceWith(this.report.bar());
    this.grid.querySelector(`[aria-label^="${metal}:"]`)?.focus();
  }
}

function funnel(stages) {
  if (!stages?.length) return null;
  const most = Math.max(...stages.map((stage) => stage.entered), 1);
  const line = (stage) =>
    el(
      "li",
      {},
      el("span", { class: "stage" }, el("b", {}, stage.name), stage.criteria ? ` ${stage.criteria}` : null),
      el("span", { class: "bar" }, el("i", { class: "entered", style: `width:${(100 * stage.entered) / most}%` }), el("i", { class: "passed", style: `width:${(100 * stage.passed) / most}%` })),
      el("span", { class: "amount" }, `${count(stage.entered)} entered, ${count(stage.passed)} passed`, stage.rejected ? `, ${count(stage.rejected)} rejected` : null),
    );
  return el("section", { class: "card funnel", "aria-labelledby": "funnel-title" }, el("h2", { id: "funnel-title" }, "Stages"), el("ol", {}, stages.map(line)));
}
