// Site: all that is known of one site: structures, limiting potentials, terms, stability, where it comes from.

class SitePage {
  constructor(report, sites) {
    Object.assign(this, { report, sites });
    this.viewer = new Viewer();
    this.node = el("article", { class: "site", id: "site" });
  }

  async show(label) {
    const sites = await this.sites;
    const site = Object.hasOwn(sites, label) ? sites[label] : null;
    if (!site) {
      this.node.replaceChildren(el("p", { class: "notice" }, `This report has no site ${label}. `, el("a", { href: "#ranking" }, "To the ranking")));
      return;
    }
    this.label = label;
    for (const old of this.node.querySelectorAll(".js-plotly-plot")) Plotly.purge(old);
    const rows = this.report.all.filter((row) => row.site === label);
    this.node.replaceChildren(
      this.head(label, site),
      ...rejections(rows),
      el("div", { class: "columns" }, this.structures(label, site), this.potentials(site, rows)),
      ...terms(site),
      ...this.others(site),
    );
    await this.redraw();
  }

  // what libraries draw comes after the page is there
  async redraw() {
    await Promise.all([this.pick(this.state, true), this.drawDiagram?.()]);
  }

  head(label, site) {
    const order = [...new Set(this.report.rows.map((row) => row.site))];
    const at = order.indexOf(label);
    const step = (to, text, name) => (order[to] === undefined || at < 0 ? el("span", { class: "button off", "aria-hidden": "true" }, text) : el("a", { class: "button", href: siteHash(order[to]), "aria-label": `${name}: ${order[to]}`, title: order[to] }, text));
    const chosen = el("button", { type: "button", "aria-pressed": String(this.report.compared.has(label)), onclick: () => {
      this.report.compare(label);
      chosen.setAttribute("aria-pressed", String(this.report.compared.has(label)));
    } }, "Compare");
    const link = copyButton(location.href.split("#")[0] + siteHash(label), "the link to this site", "Copy link");
    const told = [["family", site.family], ["metals", textOf(listOf(site.metals))], ["formula", species(textOf(site.formula))], ["key", site.key]].filter(([, value]) => value);
    return el(
      "header",
      {},
      el("div", { class: "bar" }, el("a", { class: "button", href: "#ranking" }, "← Ranking"), step(at - 1, "‹", "Previous site"), step(at + 1, "›", "Next site"), chosen, link),
      el("h2", { id: "site-title", tabindex: "-1" }, label),
      el("p", { class: "told" }, told.map(([name, value]) => el("span", {}, `${name} `, name === "key" ? el("code", { title: value }, String(value).slice(0, 12)) : el("b", {}, value)))),
    );
  }

  structures(label, site) {
    this.states = new Map(site.structure ? [["clean", site.structure]] : []);
    for (const [name, own] of Object.entries(site.adsorbates ?? {})) if (own.structure) this.states.set(`${name}*`, unfolded(own.structure, site.structure));
    [this.state] = this.states.keys();
    this.buttons = el("div", { class: "states", role: "group", "aria-label": "Structure shown" });
    for (const name of this.states.keys()) this.buttons.append(el("button", { type: "button", "aria-pressed": "false", "data-state": name, onclick: () => this.pick(name) }, species(name)));
    const empty = this.states.size ? null : el("p", { class: "note" }, "No structure is kept of this site.");
    return el("section", { class: "card", "aria-labelledby": "structure-title" }, el("h3", { id: "structure-title" }, "Structure"), this.buttons, empty ?? this.viewer.node);
  }

  async pick(name, isNewSite = false) {
    if (!name) return;
    this.state = name;
    for (const button of this.buttons.children) button.setAttribute("aria-pressed", String(button.dataset.state === name));
    await this.viewer.show(this.states.get(name), name === "clean" ? this.label : `${this.label} ${name}`, isNewSite);
  }

  potentials(site, rows) {
    const entries = Object.entries(site.potentials ?? {});
    const header = (name) => this.report.byName.get(name)?.header ?? name;
    const decimals = (name) => this.report.byName.get(name)?.decimals ?? 2;
    const lines = entries.map(([name, own]) => {
      const row = rows.find((other) => other.reaction === name);
      const over = own.overpotential ?? row?.overpotential;
      const why = own.undetermined ? el("span", { class: "note" }, textOf(own.undetermined)) : species(textOf(listOf(own.pds)));
      const error = typeof own.error_bar === "number" ? ` ± ${textOf(own.error_bar, 2)}` : "";
      return el("tr", {}, el("th", { scope: "row" }, name, this.report.title(name) === name ? null : el("small", {}, this.report.title(name))), el("td", { class: "number" }, textOf(own.limiting_potential, decimals("limiting_potential")) + error), el("td", { class: "number" }, textOf(over, decimals("overpotential"))), el("td", {}, why));
    });
    const heads = [["Reaction"], [header("limiting_potential"), "number"], [header("overpotential"), "number"], [header("pds")]];
    const card = el("section", { class: "card", "aria-labelledby": "potentials-title" }, el("h3", { id: "potentials-title" }, "Limiting potentials"), entries.length ? table(heads, lines) : el("p", { class: "note" }, "No limiting potential is known of this site."));
    const drawn = entries.filter(([, own]) => own.free?.some((value) => typeof value === "number"));
    this.drawDiagram = null;
    if (drawn.length) card.append(...this.diagram(drawn));
    return card;
  }

  diagram(entries) {
    const wanted = this.report.filter.reaction;
    let [name, own] = entries.find(([key]) => key === wanted) ?? entries[0];
    let slider;
    const node = el("div", { class: "plot small", role: "img", "aria-label": "Free-energy diagram of this site" });
    const steps = el("div");
    const controls = el("div", { class: "controls" });
    const reaction = () => this.report.data.reactions.find((other) => other.name === name);
    const draw = async () => {
      const values = levels(own, slider.value, reaction()?.is_reduction ?? true);
      steps.replaceChildren(stepTable(own, values, slider.value), otherPaths(own));
      const base = layout("", "ΔG (eV)", { showlegend: false, hovermode: "closest", uirevision: name });
      base.xaxis = { ...base.xaxis, ...ticks(own.states), showgrid: false, zeroline: false };
      await plot(node, levelTraces(this.label, values, own.states, 0), base, `${this.label}-${name}`);
    };
    const pick = (key) => {
      [name, own] = entries.find(([other]) => other === key);
      const limit = own.limiting_potential;
      slider = new Slider(reaction(), typeof limit === "number" ? [[`U_L ${textOf(limit, 2)} V`, limit]] : [], draw);
      const choices = entries.length > 1 ? [choice("Reaction", entries.map(([key]) => [key, this.report.title(key)]), name, (key) => {
        pick(key);
        draw();
      })] : [];
      controls.replaceChildren(...choices, slider.node);
    };
    pick(name);
    this.drawDiagram = draw;
    return [controls, node, steps];
  }

  others(site) {
    const card = (name, title, content) => el("section", { class: "card", "aria-labelledby": `${name}-title` }, el("h3", { id: `${name}-title` }, title), content);
    const cards = [];
    if (site.stability && Object.keys(site.stability).length) cards.push(card("stability", "Stability", stability(site.stability)));
    if (site.fingerprint) cards.push(card("fingerprint", "Fingerprint of adsorbed CO", facts(site.fingerprint)));
    if (site.resting) cards.push(card("resting", "Resting state", [el("ul", {}, listOf(site.resting).map((text) => el("li", {}, textOf(text)))), ...(site.not_at_rest ? [facts(site.not_at_rest)] : [])]));
    if (site.provenance) cards.push(card("provenance", "Provenance", facts(site.provenance)));
    const wide = site.descriptors?.length && this.report.data.descriptors ? [card("descriptors", "Descriptors", descriptors(this.report.data.descriptors, site.descriptors))] : [];
    return [...(cards.length ? [el("div", { class: "columns" }, cards)] : []), ...wide];
  }
}

function rejections(rows) {
  const reasons = [...new Set(rows.filter((row) => row.rejected).map((row) => textOf(row.rejected)))];
  return reasons.length ? [el("div", { class: "notice", role: "note" }, el("b", {}, "Rejected: "), reasons.join("; "))] : [];
}

function stepTable(own, values, voltage) {
  const pds = listOf(own.pds).join(" ");
  const at = values.slice(1).map((value, place) => (value === null || values[place] === null ? null : value - values[place]));
  const zero = levels(own, 0, true);
  const lines = at.map((change, place) => {
    const text = `${own.states[place]} -> ${own.states[place + 1]}`;
    const before = zero[place + 1] === null || zero[place] === null ? null : zero[place + 1] - zero[place];
    const isHardest = pds.includes(text) || pds.includes(text.replace("->", "→"));
    return el("tr", { class: isHardest ? "hardest" : null }, el("th", { scope: "row" }, species(text), isHardest ? el("span", { class: "badge plain" }, "determining") : null), el("td", { class: "number" }, textOf(before, 2)), el("td", { class: "number" }, textOf(change, 2)));
  });
  const heads = [["Step"], ["ΔG at 0 V (eV)", "number"], [`at ${textOf(voltage, 2)} V`, "number"]];
  return table(heads, lines);
}

function otherPaths(own) {
  const lines = listOf(own.alternatives).map((one) => el("tr", {}, el("th", { scope: "row" }, one.path), el("td", { class: "number" }, textOf(one.limiting_potential, 2)), el("td", {}, species(textOf(listOf(one.pds)))), el("td", {}, species(listOf(one.states).join(" -> ")))));
  return lines.length ? table([["Competing path"], ["U_L (V)", "number"], ["Determining step"], ["States"]], lines) : "";
}

// an energy that opens into the terms of its sum
function termList(name, symbol, own) {
  const known = own.terms ?? [];
  const lines = known.map(([term, kind, value, source]) => el("tr", {}, el("th", { scope: "row" }, textOf(term)), el("td", {}, textOf(kind)), el("td", { class: "number" }, textOf(value, 3)), el("td", {}, linked(source))));
  const sum = known.reduce((total, [, , value]) => total + (value ?? 0), 0);
  const total = el("tr", { class: "hardest" }, el("th", { scope: "row" }, "Sum"), el("td"), el("td", { class: "number" }, textOf(sum, 3)), el("td"));
  const notes = [own.reason, ...listOf(own.warnings)].filter(Boolean).join("; ");
  const error = typeof own.uncertainty === "number" ? ` ± ${textOf(own.uncertainty, 2)}` : "";
  return el(
    "details",
    { class: "terms" },
    el("summary", {}, el("b", {}, name), el("span", { class: "number" }, `${symbol} ${textOf(own.free ?? own.value, 2)}${error} eV`.trim()), own.verdict ? badge(textOf(own.verdict)) : null, notes ? el("span", { class: "reason" }, notes) : null),
    lines.length ? table([["Term"], ["Kind"], ["eV", "number"], ["Source"]], [...lines, total]) : el("p", { class: "note" }, "No terms are kept."),
  );
}

function terms(site) {
  const entries = Object.entries(site.adsorbates ?? {});
  if (!entries.length) return [];
  return [el("section", { class: "card", "aria-labelledby": "terms-title" }, el("h3", { id: "terms-title" }, "Energies by term"), entries.map(([name, own]) => termList(species(`${name}*`), "ΔG", own)))];
}

function table(heads, lines) {
  const head = heads.map(([text, kind]) => el("th", { scope: "col", class: kind }, symbols(text)));
  return el("div", { class: "wide" }, el("table", { class: "plain" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines)));
}

const amount = (value, unit, decimals = 2) => [textOf(value, decimals), value === null ? "" : unit].filter(Boolean).join(" ");

function stability({ verdict, reason, missing, ...own }) {
  const entries = Object.entries(own).filter(([, one]) => one && typeof one === "object" && "value" in one);
  const passed = (one) => (typeof one.passed === "boolean" ? badge(one.passed ? "passed" : "failed") : "");
  const notes = (one) => [typeof one.limit === "number" ? `limit ${amount(one.limit, one.unit)}` : one.limit, one.reason].filter(Boolean).join("; ");
  const lines = entries.map(([name, one]) => el("tr", {}, el("th", { scope: "row" }, one.title ?? name.replaceAll("_", " ")), el("td", { class: "number" }, amount(one.value, one.unit)), el("td", {}, passed(one)), el("td", {}, notes(one) ? linked(notes(one)) : "")));
  const summed = entries.filter(([, one]) => one.terms?.length);
  return [
    verdict ? el("p", {}, badge(textOf(verdict)), " ", reason ?? "") : null,
    lines.length ? table([["Criterion"], ["Value", "number"], [""], [""]], lines) : null,
    ...summed.map(([name, one]) => termList(one.title ?? name, "", one)),
    missing && Object.keys(missing).length ? [el("p", { class: "note" }, "Not known:"), facts(missing)] : null,
  ].flat().filter(Boolean);
}

function descriptors(columns, values) {
  const known = columns.map((column, at) => [column, values[at]]).filter(([, value]) => value !== null && value !== undefined);
  const one = ([column, value]) => el("li", {}, el("span", {}, column.title, column.source ? el("small", {}, linked(column.source)) : null), el("b", {}, amount(value, column.unit, column.decimals)));
  return el("details", {}, el("summary", {}, plural(known.length, "descriptor")), el("ul", { class: "descriptors" }, known.map(one)));
}
