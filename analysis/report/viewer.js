// Viewer: one 3D view, in which structures take turns, drawn by 3Dmol.js when first seen.

class Viewer {
  constructor() {
    this.box = el("div", { class: "viewer", id: "viewer", role: "img", tabindex: "0" });
    this.note = el("p", { class: "note" });
    this.isSpinning = false;
    this.hasCell = true;
    this.hasNames = false;
    const turn = (name, text, react) => {
      const button = el("button", { type: "button", "aria-pressed": String(this[name]), onclick: () => {
        this[name] = !this[name];
        button.setAttribute("aria-pressed", String(this[name]));
        react();
      } }, text);
      return button;
    };
    this.tools = el(
      "div",
      { class: "tools" },
      turn("hasNames", "Elements", () => this.draw()),
      turn("hasCell", "Cell", () => this.draw()),
      turn("isSpinning", "Spin", () => this.view?.spin(this.isSpinning ? "y" : false)),
      el("button", { type: "button", onclick: () => this.look() }, "Centre"),
      el("button", { type: "button", onclick: () => this.save() }, "XYZ"),
    );
    this.node = el("div", {}, this.box, this.tools, this.note);
    new ResizeObserver(() => this.view?.resize()).observe(this.box);
    isDark.addEventListener("change", () => this.draw());
  }

  // the camera stays where it is when only the adsorbate changes
  async show(structure, name, isNewSite) {
    Object.assign(this, { structure, name });
    this.box.setAttribute("aria-label", `Structure of ${name}`);
    await library("viewer");
    if (!this.view) {
      try {
        this.view = window["3Dmol"].createViewer(this.box, { antialias: true });
      } catch {
        this.view = null;
      }
    }
    if (!this.view) {
      this.box.replaceChildren(el("p", {}, "This browser draws no 3D pictures (WebGL is off). The structure can still be saved as XYZ."));
      return;
    }
    this.draw();
    if (isNewSite) this.look();
  }

  draw() {
    const { view, structure } = this;
    if (!view || !structure) return;
    view.setBackgroundColor(ink("sunk"));
    view.removeAllModels();
    view.removeAllShapes();
    view.removeAllLabels();
    const places = parts(structure.positions, 3);
    const cell = structure.cell && parts(structure.cell, 3);
    const near = structure.numbers.map(() => []);
    const across = [];
    for (const [i, j] of parts(structure.bonds, 2)) {
      const shift = cell ? shiftOf(minus(places[j], places[i]), cell) : null;
      if (shift) across.push([places[i], half(places[i], plus(places[j], shift))], [places[j], half(places[j], minus(places[i], shift))]);
      else {
        near[i].push(j);
        near[j].push(i);
      }
    }
    const atoms = structure.numbers.map((number, at) => {
      const [x, y, z] = places[at];
      return { elem: ELEMENTS[number - 1] ?? "X", x, y, z, serial: at, index: at, bonds: near[at], bondOrder: near[at].map(() => 1) };
    });
    const model = view.addModel();
    model.addAtoms(atoms);
    view.setStyle({}, { stick: { radius: 0.11, colorscheme: "Jmol" }, sphere: { scale: 0.26, colorscheme: "Jmol" } });
    for (const [start, end] of across) view.addCylinder({ start: point(start), end: point(end), radius: 0.07, color: ink("faint") });
    if (cell && this.hasCell) for (const [start, end] of edges(cell)) view.addLine({ start: point(start), end: point(end), color: ink("faint") });
    if (this.hasNames) for (const atom of atoms) view.addLabel(atom.elem, { position: atom, fontSize: 11, fontColor: ink("text"), backgroundColor: ink("card"), backgroundOpacity: 0.7, inFront: true, alignment: "center" });
    view.render();
    this.note.textContent = `${plural(atoms.length, "atom")}${across.length ? "; grey stubs are bonds into neighbouring cells" : ""}. Drag to turn, scroll to zoom.`;
  }

  look() {
    if (!this.view) return;
    this.view.setView([0, 0, 0, 0, 0, 0, 0, 1]);
    this.view.rotate(-62, "x");
    this.view.rotate(12, "y");
    this.view.zoomTo({});
    this.view.zoom(1.15);
    this.view.render();
  }

  save() {
    const { numbers, positions, cell } = this.structure;
    const lattice = cell ? `Lattice="${cell.join(" ")}" ` : "";
    const places = parts(positions, 3);
    const lines = numbers.map((number, at) => [ELEMENTS[number - 1] ?? "X", ...places[at].map((value) => value.toFixed(3))].join(" "));
    save(fileName(this.name, ".xyz"), `${numbers.length}\n${lattice}Properties=species:S:1:pos:R:3\n${lines.join("\n")}\n`, "chemical/x-xyz");
  }
}

const point = ([x, y, z]) => ({ x, y, z });
const plus = (a, b) => a.map((value, at) => value + b[at]);
const minus = (a, b) => a.map((value, at) => value - b[at]);
const half = (a, b) => a.map((value, at) => (value + b[at]) / 2);

// a state that leaves out what it shares with its site
function unfolded(state, site) {
  if (!state.added) return state;
  const whole = (name) => [...site[name], ...state.added[name]];
  return { ...state, numbers: whole("numbers"), bonds: whole("bonds"), cell: site.cell };
}

// a flat list as parts of equal length
function parts(list, size) {
  return Array.from({ length: (list ?? []).length / size }, (_, at) => list.slice(at * size, (at + 1) * size));
}

// the lattice vector that brings an image of the bonded atom nearer than the atom itself, or null
function shiftOf(step, cell) {
  let [best, least] = [null, Math.hypot(...step) - 0.05];
  for (let number = 0; number < 27; number++) {
    const counts = [number % 3, Math.floor(number / 3) % 3, Math.floor(number / 9)];
    const shift = cell[0].map((_, axis) => cell.reduce((sum, vector, at) => sum + (counts[at] - 1) * vector[axis], 0));
    const far = Math.hypot(...plus(step, shift));
    if (far < least) [best, least] = [shift, far];
  }
  return best;
}

function edges(cell) {
  const corner = (...steps) => cell.reduce((sum, vector, at) => (steps[at] ? plus(sum, vector) : sum), [0, 0, 0]);
  const ends = [0, 1].flatMap((u) => [0, 1].flatMap((v) => [[[0, u, v], [1, u, v]], [[u, 0, v], [u, 1, v]], [[u, v, 0], [u, v, 1]]]));
  return ends.map(([from, to]) => [corner(...from), corner(...to)]);
}
