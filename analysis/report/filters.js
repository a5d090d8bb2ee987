// Filters: which rows are shown, in which order, and the controls that say so. Table and plots show the same rows.

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const FIRST_COLUMNS = ["site", "family", "metals", "reaction", "limiting_potential", "overpotential", "error_bar", "pds", "verdict", "stability", "rejected", "undetermined"];

class Report {
  constructor(data) {
    this.data = data;
    this.columns = data.columns.map((column, place) => ({ ...column, place }));
    this.byName = new Map(this.columns.map((column) => [column.name, column]));
    this.all = data.rows.map((values) => this.row(values));
    this.listeners = [];
    this.compared = new Set();
    this.lead = data.reactions.length > 1 ? data.reactions[0].name : "";
    this.isNarrow = matchMedia("(max-width: 600px)").matches;
    const filled = (column) => this.all.some((row) => textOf(row.values[column.place]) !== UNKNOWN);
    const usual = (column) => column.shown ?? (FIRST_COLUMNS.includes(column.name) && (column.place < 8 || filled(column)));
    const wanted = this.columns.filter((column) => (this.isNarrow ? NARROW.includes(column.name) : usual(column)));
    this.shown = new Set(wanted.map((column) => column.name));
    this.clear();
    this.apply();
  }

  row(values) {
    const value = (name) => values[this.byName.get(name).place];
    const metals = listOf(value("metals")).flatMap((text) => String(text).match(/[A-Z][a-z]?/g) ?? []);
    const text = values.map((entry) => (typeof entry === "number" ? "" : textOf(entry))).join("\n").toLowerCase();
    const { byName } = this;
    return {
      values, metals, text,
      site: String(value("site")), family: textOf(value("family")), reaction: value("reaction"), verdict: textOf(value("verdict")),
      overpotential: value("overpotential"), potential: value("limiting_potential"), rejected: value("rejected"),
      get: (name) => values[byName.get(name).place],
    };
  }

  clear() {
    this.filter = { text: "", reaction: this.lead, family: "", metal: "", verdict: "", standing: "", least: null, most: null };
    this.sort = { column: null, falling: false };
  }

  reset() {
    this.clear();
    this.apply();
    this.controls?.replaceWith(this.bar());
  }

  // a site without any limiting potential belongs to every reaction
  apply() {
    const { filter } = this;
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    this.rows = this.all.filter(
      (row) =>
        (!filter.reaction || row.reaction === filter.reaction || !row.reaction) &&
        (!filter.family || row.family === filter.family) &&
        (!filter.metal || row.metals.includes(filter.metal)) &&
        (!filter.verdict || row.verdict === filter.verdict) &&
        (!filter.standing || (filter.standing === "rejected") === Boolean(row.rejected)) &&
        (filter.least === null || (row.overpotential !== null && row.overpotential >= filter.least)) &&
        (filter.most === null || (row.overpotential !== null && row.overpotential <= filter.most)) &&
        words.every((word) => row.text.includes(word)),
    );
    this.order();
    this.version = (this.version ?? 0) + 1;
    for (const listener of this.listeners) listener();
  }

  order() {
    const { column, falling } = this.sort;
    const place = this.byName.get(column ?? "overpotential").place;
    const side = falling ? -1 : 1;
    const keys = new Map(this.rows.map((row) => [row, row.values[place]]));
    if (this.byName.get(column)?.kind === "text") {
      // collating once and comparing places is much faster than collating at each comparison
      const texts = [...new Set([...keys.values()].map((value) => textOf(value)))].sort(collator.compare);
      const places = new Map(texts.map((text, at) => [text, at]));
      for (const [row, value] of keys) keys.set(row, textOf(value) === UNKNOWN ? null : places.get(textOf(value)));
    }
    const known = (value) => value !== null && value !== undefined;
    this.rows.sort((a, b) => {
      if (column === null && Boolean(a.rejected) !== Boolean(b.rejected)) return a.rejected ? 1 : -1;
      const [x, y] = [keys.get(a), keys.get(b)];
      if (known(x) !== known(y)) return known(x) ? -1 : 1;
      return known(x) && x !== y ? (x < y ? -side : side) : 0;
    });
  }

  sortBy(column) {
    const own = this.sort.column === column;
    // a third click goes back to the ranking
    this.sort = own && this.sort.falling ? { column: null, falling: false } : { column, falling: own };
    this.apply();
  }

  compare(site) {
    if (!this.compared.delete(site)) this.compared.add(site);
    for (const listener of this.listeners) listener();
  }

  width(column) {
    const lengths = this.all.map((row) => textOf(row.values[column.place], column.decimals).length).sort((a, b) => a - b);
    const usual = lengths[Math.floor(lengths.length * 0.95)] ?? 0;
    return Math.min(Math.max(usual + 3, column.header.length + 3, 8), this.isNarrow ? 22 : 36);
  }

  title(reaction) {
    return this.data.reactions.find((own) => own.name === reaction)?.title ?? reaction ?? UNKNOWN;
  }

  values(of) {
    return [...new Set(this.all.flatMap(of))].filter((value) => value && value !== UNKNOWN).sort(collator.compare);
  }

  bar() {
    const { filter } = this;
    const set = (name, read = (value) => value) => (value) => {
      filter[name] = read(value);
      this.apply();
    };
    const pick = (label, name, options) => choice(label, [["", "all"], ...options.map((option) => (Array.isArray(option) ? option : [option, option]))], filter[name], set(name));
    const number = (value) => (value.trim() === "" || Number.isNaN(Number(value)) ? null : Number(value));
    const limit = (label, name) => el("label", { class: "field short" }, el("span", {}, label), el("input", { type: "number", step: "0.05", inputmode: "decimal", id: `filter-${name}`, value: filter[name], oninput: (event) => set(name, number)(event.target.value) }));
    const search = el("input", { type: "search", id: "filter-text", placeholder: "Site, step, reason …", value: filter.text, oninput: (event) => set("text")(event.target.value) });
    const symbol = this.byName.get("overpotential").header.replace(/\s*\(.*\)/, "");
    const reactions = this.data.reactions.map((reaction) => [reaction.name, reaction.title ? `${reaction.name}: ${reaction.title}` : reaction.name]);
    this.controls = el(
      "form",
      { class: "filters", role: "search", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() },
      el("label", { class: "field wide" }, el("span", {}, "Search"), search),
      reactions.length > 1 ? pick("Reaction", "reaction", reactions) : null,
      pick("Family", "family", this.values((row) => row.family)),
      pick("Metal", "metal", this.values((row) => row.metals)),
      pick("Verdict", "verdict", this.values((row) => row.verdict)),
      pick("Standing", "standing", [["kept", "kept"], ["rejected", "rejected"]]),
      limit(`${symbol} from`, "least"),
      limit("to", "most"),
      el("button", { type: "button", onclick: () => this.reset() }, "Reset"),
    );
    return this.controls;
  }

  chooser(ranking) {
    const boxes = this.columns.slice(1).map((column) => {
      const box = el("input", { type: "checkbox", checked: this.shown.has(column.name), onchange: () => {
        this.shown[box.checked ? "add" : "delete"](column.name);
        ranking.columns();
      } });
      return el("label", {}, box, column.title ? `${column.title} – ${column.header}` : column.header);
    });
    return el("details", { class: "menu", onkeydown: closeMenu }, el("summary", {}, "Columns"), el("div", { role: "group", "aria-label": "Columns shown" }, boxes));
  }

  csv() {
    const quoted = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
    const written = (value) => {
      if (typeof value === "number") return String(value);
      const text = textOf(value);
      // a spreadsheet must not take a name for a formula
      return text === UNKNOWN ? "" : quoted(/^[=+\-@\t]/.test(text) ? `'${text}` : text);
    };
    const lines = [this.columns.map((column) => quoted(column.header)), ...this.rows.map((row) => row.values.map(written))];
    save(fileName(this.data.campaign.name, ".csv"), `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`, "text/csv");
  }
}

function closeMenu(event) {
  if (event.key !== "Escape") return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary").focus();
}
