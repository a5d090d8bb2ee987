// Diagram: the free energies along the path of a reaction on several sites, at a potential.

const MOST_COMPARED = 10;

// levels at a potential (V), zero at the reduced end, as the figures have it
function levels(potential, voltage, isReduction) {
  const { free, electrons, ph } = potential;
  const moved = free.map((value, place) => (typeof value === "number" ? value + (electrons?.[place] ?? 0) * voltage + (ph?.[place] ?? 0) : null));
  const zero = (isReduction ? moved.at(-1) : moved[0]) ?? moved[0] ?? 0;
  return moved.map((value) => (value === null ? null : value - zero));
}

function levelTraces(name, values, states, place) {
  const [bars, texts, dots] = [{ x: [], y: [] }, [], { x: [], y: [] }];
  values.forEach((value, at) => {
    if (value === null) return;
    bars.x.push(at - 0.32, at, at + 0.32, null);
    bars.y.push(value, value, value, null);
    const text = `<b>${plain(name)}</b><br>${plain(species(states[at]))}: ${textOf(value, 2)} eV`;
    texts.push(text, text, text, "");
    const before = values[at - 1];
    if (at && before !== null && before !== undefined) {
      dots.x.push(at - 0.68, at - 0.32, null);
      dots.y.push(before, value, null);
    }
  });
  const shared = { type: "scatter", mode: "lines", legendgroup: name, name: plain(name) };
  return [
    { ...shared, ...dots, showlegend: false, hoverinfo: "skip", line: { color: colour(place), width: 1, dash: "dot" } },
    { ...shared, ...bars, text: texts, hovertemplate: "%{text}<extra></extra>", line: { color: colour(place), width: 4 } },
  ];
}

function ticks(states) {
  return { tickmode: "array", tickvals: states.map((_, at) => at), ticktext: states.map((state) => plain(species(state)).replaceAll(" + ", "<br>+ ")), range: [-0.5, states.length - 0.5], tickfont: { size: 11 } };
}

class Slider {
  constructor(reaction, extra, ondraw) {
    const known = reaction?.equilibrium;
    const equilibrium = known ?? 0;
    const [low, high] = [Math.min(-1.5, equilibrium - 1), Math.max(1.5, equilibrium + 0.8)];
    this.value = 0;
    this.input = el("input", { type: "range", min: low.toFixed(2), max: high.toFixed(2), step: "0.01", value: "0", "aria-label": "Potential in V vs RHE", oninput: () => this.set(Number(this.input.value)) });
    this.output = el("output", {}, "");
    this.ondraw = ondraw;
    const marks = [["0 V", 0], ...(known ? [[`equilibrium ${textOf(known, 2)} V`, known]] : []), ...extra];
    this.node = el("div", { class: "slider" }, el("label", {}, el("span", {}, "U"), this.input, this.output), el("div", {}, marks.map(([text, value]) => el("button", { type: "button", onclick: () => this.set(value) }, text))));
    this.say();
  }

  say() {
    this.output.textContent = `${textOf(this.value, 2)} V vs RHE`;
  }

  set(value) {
    this.value = value;
    this.input.value = value;
    this.say();
    this.ondraw();
  }
}

class Diagram {
  constructor(report, sites) {
    Object.assign(this, { report, sites });
    this.node = el("div", { class: "plot", id: "diagram", role: "img", "aria-label": "Free-energy diagram" });
    this.note = el("p", { class: "note", role: "status" });
    this.controls = el("div", { class: "controls" });
    this.card = el("section", { class: "card", "aria-labelledby": "diagram-title" }, el("h2", { id: "diagram-title" }, "Free energies along the path"), this.controls, this.node, this.note);
  }

  chosen(reaction) {
    const { report } = this;
    if (report.compared.size) return [...report.compared].slice(0, MOST_COMPARED);
    const first = report.rows.filter((row) => row.reaction === reaction && typeof row.potential === "number").slice(0, 5);
    return [...new Set(first.map((row) => row.site))];
  }

  async draw() {
    const { report } = this;
    const { reactions } = report.data;
    const wanted = report.filter.reaction || this.wanted;
    const reaction = reactions.find((own) => own.name === wanted) ?? reactions[0];
    if (!reaction) return;
    const isChosen = Boolean(report.filter.reaction);
    if (reaction !== this.reaction || isChosen !== this.isChosen) {
      Object.assign(this, { reaction, isChosen });
      this.slider = new Slider(reaction, [], () => this.draw());
      const options = reactions.map((own) => [own.name, own.title ?? own.name]);
      const pick = isChosen ? [] : [choice("Reaction", options, reaction.name, (name) => {
        this.wanted = name;
        this.draw();
      })];
      this.controls.replaceChildren(...pick, this.slider.node);
    }
    const sites = await this.sites;
    const known = this.chosen(reaction.name).map((name) => [name, sites[name]?.potentials?.[reaction.name]]).filter(([, own]) => own?.free?.some((value) => typeof value === "number"));
    const paths = groups(known, ([, own]) => own.states.join(" → "));
    const [first, ...others] = [...paths.values()].sort((a, b) => b.length - a.length);
    const states = first?.[0][1].states ?? reaction.states.map(textOf);
    const traces = (first ?? []).flatMap(([name, own], place) => levelTraces(name, levels(own, this.slider.value, reaction.is_reduction), states, place));
    const base = layout("", "ΔG (eV)", { hovermode: "closest", uirevision: reaction.name });
    base.xaxis = { ...base.xaxis, ...ticks(states), showgrid: false, zeroline: false };
    await plot(this.node, traces, base, `free-energies-${reaction.name}`);
    const compared = report.compared.size > MOST_COMPARED ? `${MOST_COMPARED} of ${report.compared.size} chosen sites` : report.compared.size ? "The sites chosen in the table" : "The first of the table (tick others there to compare them)";
    const rest = others.flat().map(([name]) => name);
    const fixedOnes = known.filter(([, own]) => !own.electrons).length;
    this.note.textContent = [
      `${compared}, ${reaction.title ?? reaction.name}.`,
      rest.length ? `On another path, and not drawn: ${rest.join(", ")}.` : "",
      fixedOnes ? "The electrons of some steps are not known: their levels stay at 0 V." : "",
    ].join(" ");
  }
}

function groups(entries, key) {
  const found = new Map();
  for (const entry of entries) found.set(key(entry), [...(found.get(key(entry)) ?? []), entry]);
  return found;
}
