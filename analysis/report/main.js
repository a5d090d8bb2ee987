// Main: header, views, routes; what happens when the page is opened.

const NOT_PREDICTIVE = "pre-screening, not predictive";

function conditions(own) {
  if (!own || typeof own !== "object") return own ?? null;
  const { scale, ...written } = own;
  if (typeof own.temperature === "number") written.temperature = `${own.temperature} K`;
  if (typeof own.potential === "number") written.potential = `${own.potential} V vs ${scale ?? "RHE"}`;
  return written;
}

function header(report) {
  const { campaign, reactions } = report.data;
  const isPredictive = listOf(campaign.methods).every((method) => method.predictive !== false);
  const tile = (value, text, href) => el(href ? "a" : "div", { class: "tile", href }, el("b", {}, value), el("span", {}, text));
  const best = reactions.map((reaction) => {
    const own = report.all.filter((row) => row.reaction === reaction.name && !row.rejected && typeof row.overpotential === "number");
    const first = own.reduce((a, b) => (a && a.overpotential <= b.overpotential ? a : b), null);
    const symbol = report.byName.get("overpotential").header.replace(/\s*\(.*\)/, "");
    return first ? tile(first.site, `lowest ${symbol}, ${reaction.name}: ${textOf(first.overpotential, 2)} V`, siteHash(first.site)) : null;
  });
  const methods = listOf(campaign.methods).map((method) => el("li", {}, method.title ?? method.key, method.tier ? el("span", { class: "badge plain" }, method.tier) : null, method.predictive === false ? el("span", { class: "badge warn" }, NOT_PREDICTIVE) : null));
  return [
    el("div", { class: "title" }, el("h1", {}, campaign.title ?? campaign.name), isPredictive ? null : el("span", { class: "badge warn large", id: "remark" }, campaign.remark ?? NOT_PREDICTIVE)),
    el("p", { class: "told" }, el("span", {}, "campaign ", el("b", {}, campaign.name)), campaign.generated ? el("span", {}, "written ", el("time", { datetime: campaign.generated }, String(campaign.generated).slice(0, 16).replace("T", " "))) : null),
    el("div", { class: "tiles" }, tile(count(campaign.sites), "sites"), tile(count(campaign.complete), "complete"), typeof campaign.passed === "number" ? tile(count(campaign.passed), "passed") : null, ...best),
    el("details", { class: "about", open: !matchMedia("(max-width: 900px)").matches }, el("summary", {}, "Methods, conditions, stages"), el("div", { class: "columns" }, el("section", {}, el("h2", {}, "Methods"), el("ul", { class: "methods" }, methods)), el("section", {}, el("h2", {}, "Conditions"), facts(conditions(campaign.conditions))), funnel(campaign.stages), campaign.agreements?.length ? el("section", {}, el("h2", {}, "How far methods agree"), facts(campaign.agreements)) : null)),
  ];
}

// `[@key; @other]` cites; numbers follow the order of the references
function cited(text, references, write) {
  return text.split(/(\[@[^\]]+\])/).map((part, place) => {
    if (place % 2 === 0) return part;
    return write(part.slice(1, -1).split(/\s*;\s*/).map((key) => references.findIndex((own) => own.key === key.replace(/^@/, "")) + 1), part);
  });
}

function methodsView({ campaign, methods_text: text, bibtex, references = [] }) {
  const block = (name, title, buttons, ...nodes) => el("section", { class: "card", "aria-labelledby": `${name}-title` }, el("div", { class: "bar" }, el("h2", { id: `${name}-title` }, title), buttons), nodes);
  const numbered = cited(text, references, (numbers) => `[${numbers.join(", ")}]`).join("");
  const listed = references.map((own, at) => `[${at + 1}] ${own.text}`);
  const latex = cited(text, references, (numbers, part) => `\\cite{${part.slice(1, -1).replaceAll("@", "").replace(/\s*;\s*/g, ",")}}`).join("");
  const links = (numbers) => ["[", numbers.map((number, at) => [at ? ", " : "", number ? el("a", { href: "#methods", title: references[number - 1].text }, String(number)) : "?"]), "]"].flat(2);
  const paragraphs = text.split(/\n\s*\n/).map((own) => el("p", {}, cited(own, references, links).flatMap((part) => (typeof part === "string" ? linked(part) : part)).flat()));
  const saving = el("button", { type: "button", onclick: () => save(fileName(campaign.name, ".bib"), bibtex, "application/x-bibtex") }, "Save .bib");
  return el(
    "div",
    { class: "prose" },
    block("methods", "Methods paragraph", [copyButton([numbered, ...listed].join("\n\n"), "methods paragraph"), copyButton(latex, "methods paragraph for LaTeX", "Copy for LaTeX")], el("div", { id: "methods-text" }, paragraphs), references.length ? el("ol", { class: "references" }, references.map((own) => el("li", {}, linked(own.text)))) : null),
    block("bibtex", "BibTeX", [copyButton(bibtex, "BibTeX"), saving], el("pre", { id: "bibtex", tabindex: "0" }, bibtex)),
  );
}

class Page {
  constructor(report, sites) {
    this.report = report;
    this.ranking = new Ranking(report);
    this.count = el("p", { class: "count", role: "status", "aria-live": "polite", id: "count" });
    this.clear = el("button", { type: "button", onclick: () => {
      report.compared.clear();
      for (const listener of report.listeners) listener();
    } });
    const toolbar = el("div", { class: "toolbar" }, this.count, this.clear, report.chooser(this.ranking), el("button", { type: "button", id: "csv", onclick: () => report.csv() }, "Save CSV"));
    this.plots = [new Scatter(report), new Diagram(report, sites), new Periodic(report)];
    this.site = new SitePage(report, sites);
    this.views = {
      ranking: el("div", { id: "view-ranking" }, this.ranking.node),
      plots: el("div", { id: "view-plots", class: "charts" }, this.plots.map((plot) => plot.card)),
      methods: methodsView(report.data),
      site: this.site.node,
    };
    this.shared = el("div", {}, report.bar(), toolbar);
    this.nav = [["ranking", "Ranking"], ["plots", "Plots"], ["methods", "Methods"]].map(([name, text]) => el("a", { href: `#${name}` }, text));
    document.getElementById("views").replaceChildren(...this.nav);
    report.listeners.push(() => this.changed());
    isDark.addEventListener("change", () => this.draw());
    addEventListener("beforeprint", () => {
      for (const closed of this.site.node.querySelectorAll("details")) closed.open = true;
    });
    addEventListener("click", (event) => {
      for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    });
    addEventListener("hashchange", () => this.route(true));
  }

  changed() {
    const { report, ranking } = this;
    if (this.version !== report.version) ranking.toTop();
    this.version = report.version;
    this.count.textContent = `${count(report.rows.length)} of ${plural(report.all.length, "row")}`;
    this.clear.hidden = !report.compared.size;
    this.clear.textContent = `Compare: ${report.compared.size} ×`;
    this.clear.setAttribute("aria-label", `${plural(report.compared.size, "site")} compared; compare none`);
    ranking.draw();
    if (this.view === "plots") this.draw();
  }

  draw() {
    if (this.view === "plots") return Promise.all(this.plots.map((plot) => plot.draw()));
    if (this.view === "site") return this.site.redraw();
    return null;
  }

  async route(moves = false) {
    const [name, label] = readHash();
    this.view = name;
    for (const link of this.nav) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const isShared = name === "ranking" || name === "plots";
    document.getElementById("main").replaceChildren(...(isShared ? [this.shared] : []), this.views[name]);
    document.body.dataset.view = name;
    if (name === "site") {
      await this.site.show(label);
      if (moves) document.getElementById("site-title")?.focus({ preventScroll: true });
      if (moves) document.getElementById("main").scrollIntoView();
    } else {
      this.ranking.comeBack();
      this.changed();
      if (moves && name === "ranking" && this.ranking.table.isConnected) this.ranking.focus(null, false);
    }
    document.title = name === "site" ? `${label} – ${this.title}` : this.title;
  }
}

function readHash() {
  const hash = location.hash.slice(1);
  if (hash.startsWith("site=")) {
    try {
      return ["site", decodeURIComponent(hash.slice(5))];
    } catch {
      return ["site", hash.slice(5)];
    }
  }
  return [["ranking", "plots", "methods"].includes(hash) ? hash : "ranking", null];
}

async function start() {
  const report = new Report(JSON.parse(await unpack("data-overview")));
  // most of the data are of single sites, and wait until the ranking stands
  const sites = new Promise((resolve) => setTimeout(resolve)).then(() => unpack("data-sites")).then(JSON.parse);
  document.getElementById("header").replaceChildren(...header(report));
  const page = new Page(report, sites);
  page.title = document.title;
  const licences = document.getElementById("licences");
  document.getElementById("footer").replaceChildren(`${["Written by atomsieve", report.data.campaign.versions?.atomsieve].filter(Boolean).join(" ")}. This file asks nothing of the network. `, el("details", {}, el("summary", {}, "Licences of the libraries in it"), el("pre", {}, licences.textContent)));
  await page.route();
  document.body.dataset.ready = Math.round(performance.now());
}

start().catch((error) => {
  const old = typeof DecompressionStream === "undefined" ? " It needs a browser of 2023 or later." : "";
  document.getElementById("main").replaceChildren(el("p", { class: "notice", role: "alert" }, `The report could not be shown.${old} ${error}`));
  throw error;
});
