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
    const { inside, across } = bondsOf(structure);
    const near = structure.numbers.map(() => []);
    for (const [i, j] of inside) {
      near[i].push(j);
      near[j].push(i);
    }
    const atoms = structure.numbers.map((number, at) => {
      const [x, y, z] = structure.positions[at];
      return { elem: ELEMENTS[number - 1] ?? "X", x, y, z, serial: at, index: at, bonds: near[at], bondOrder: near[at].map(() => 1) };
    });
    const model = view.addModel();
    model.addAtoms(atoms);
    view.setStyle({}, { stick: { radius: 0.11, colorscheme: "Jmol" }, sphere: { scale: 0.26, colorscheme: "Jmol" } });
    for (const [from, to] of across) view.addCylinder({ start: point(from), end: point(to), radius: 0.08, color: ink("faint"), dashed: true });
    if (structure.cell && this.hasCell) for (const [start, end] of edges(structure.cell)) view.addLine({ start: point(start), end: point(end), color: ink("faint") });
    if (this.hasNames) for (const atom of atoms) view.addLabel(atom.elem, { position: atom, fontSize: 11, fontColor: ink("text"), backgroundColor: ink("card"), backgroundOpacity: 0.7, inFront: true, alignment: "center" });
    view.render();
    this.note.textContent = `${plural(atoms.length, "atom")}${structure.cell ? "; dashed bonds reach into the next cell" : ""}. Drag to turn, scroll to zoom.`;
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
    const lattice = cell ? `Lattice="${cell.flat().join(" ")}" pbc="T T T" ` : "";
    const lines = numbers.map((number, at) => [ELEMENTS[number - 1] ?? "X", ...positions[at].map((value) => value.toFixed(3))].join(" "));
    save(fileName(this.name, ".xyz"), `${numbers.length}\n${lattice}Properties=species:S:1:pos:R:3\n${lines.join("\n")}\n`, "chemical/x-xyz");
  }
}

const point = ([x, y, z]) => ({ x, y, z });
const plus = (a, b, factor = 1) => a.map((value, at) => value + factor * b[at]);
const length = (vector) => Math.hypot(...vector);

// bonds within the cell as pairs, and those to another image as two halves each
function bondsOf({ positions, cell, bonds }) {
  const [inside, across] = [[], []];
  for (const [i, j, image] of bonds ?? []) {
    const step = plus(positions[j], positions[i], -1);
    const shift = cell ? shiftOf(step, cell, image) : null;
    if (!shift) inside.push([i, j]);
    else {
      const whole = plus(step, shift);
      across.push([positions[i], plus(positions[i], whole, 0.5)], [positions[j], plus(positions[j], whole, -0.5)]);
    }
  }
  return { inside, across };
}

// the lattice vector that brings the bonded image near, or null where the atom itself is the near one
function shiftOf(step, cell, image) {
  const places = image ? [image] : [-1, 0, 1].flatMap((a) => [-1, 0, 1].flatMap((b) => [-1, 0, 1].map((c) => [a, b, c])));
  let [best, least] = [null, image ? Infinity : length(step) - 0.05];
  for (const [a, b, c] of places) {
    const shift = plus(plus(plus([0, 0, 0], cell[0], a), cell[1], b), cell[2], c);
    const far = length(plus(step, shift));
    if (far < least) [best, least] = [shift, far];
  }
  return best && length(best) > 1e-6 ? best : null;
}

function edges(cell) {
  const corner = (a, b, c) => plus(plus(plus([0, 0, 0], cell[0], a), cell[1], b), cell[2], c);
  const ends = [0, 1].flatMap((u) => [0, 1].flatMap((v) => [[[0, u, v], [1, u, v]], [[u, 0, v], [u, 1, v]], [[u, v, 0], [u, v, 1]]]));
  return ends.map(([from, to]) => [corner(...from), corner(...to)]);
}
