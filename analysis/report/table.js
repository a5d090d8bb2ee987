// Table: the ranking, of which only the rows in sight are elements.

const ROW_HEIGHT = 36;
const SPARE_ROWS = 12;
const PRINTED_ROWS = 500;
const NARROW = ["site", "limiting_potential", "overpotential", "verdict", "rejected"];

class Ranking {
  constructor(report) {
    this.report = report;
    this.active = 0;
    this.head = el("tr");
    this.group = el("colgroup");
    this.body = el("tbody");
    this.table = el("table", { class: "ranking", role: "grid", "aria-label": "Ranking" }, this.group, el("thead", {}, this.head), this.body);
    this.box = el("div", { class: "scroll", id: "scroll" }, this.table);
    this.empty = el("p", { class: "empty", hidden: true }, "No row passes the filters. ", el("button", { type: "button", onclick: () => report.reset() }, "Reset filters"));
    this.printed = el("p", { class: "printed" });
    this.node = el("div", {}, this.box, this.empty, this.printed);
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(this.box);
    addEventListener("beforeprint", () => this.draw(PRINTED_ROWS));
    addEventListener("afterprint", () => this.draw());
    this.columns();
  }

  scrolled() {
    if (this.box.isConnected) this.top = this.box.scrollTop;
    this.draw();
  }

  // a box that was taken out of the page has forgotten how far it was scrolled
  comeBack() {
    this.box.scrollTop = this.top ?? 0;
  }

  toTop() {
    this.active = this.top = this.box.scrollTop = 0;
  }

  // heads and widths; again when other columns are chosen
  columns() {
    const { report } = this;
    this.shown = report.columns.filter((column) => report.shown.has(column.name));
    const widths = this.shown.map((column) => report.width(column));
    this.group.replaceChildren(el("col", { style: "width:2.6rem" }), el("col", { style: "width:3.2rem" }), ...widths.map((width) => el("col", { style: `width:${width}ch` })));
    this.table.style.width = `calc(6rem + ${widths.reduce((sum, width) => sum + width, 0)}ch)`;
    this.head.replaceChildren(
      el("th", { scope: "col", class: "pick" }, el("span", { class: "offscreen" }, "Compare")),
      el("th", { scope: "col", class: "number" }, el("abbr", { title: "Place in the order shown" }, "#")),
      ...this.shown.map((column) => this.heading(column)),
    );
    this.table.setAttribute("aria-colcount", this.shown.length + 2);
    this.draw();
  }

  heading(column) {
    const { report } = this;
    const button = el("button", { type: "button", title: column.title ?? column.header, onclick: () => report.sortBy(column.name) }, el("span", {}, symbols(column.header)), el("i", { "aria-hidden": "true" }));
    return el("th", { scope: "col", class: column.kind, "data-column": column.name }, button);
  }

  draw(printed = 0) {
    const { report } = this;
    const rows = report.rows;
    const first = printed ? 0 : Math.max(0, Math.floor(this.box.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const seen = Math.ceil((this.box.clientHeight || 600) / ROW_HEIGHT) + 2 * SPARE_ROWS;
    const last = Math.min(rows.length, printed || first + seen);
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const lines = [];
    if (first > 0) lines.push(el("tr", { class: "gap", "aria-hidden": "true", style: `height:${first * ROW_HEIGHT}px` }));
    for (let place = first; place < last; place++) lines.push(this.line(rows[place], place));
    if (last < rows.length) lines.push(el("tr", { class: "gap", "aria-hidden": "true", style: `height:${(rows.length - last) * ROW_HEIGHT}px` }));
    this.body.replaceChildren(...lines);
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.empty.hidden = rows.length > 0;
    this.printed.textContent = printed && last < rows.length ? `Printed: the first ${count(last)} rows; filter, or save the table as CSV, for others.` : "";
    if (focused && document.activeElement !== focused) this.focus(focused.tagName === "INPUT" ? "input" : null, false);
    for (const head of this.head.querySelectorAll("[data-column]")) {
      const own = report.sort.column === head.dataset.column;
      head.setAttribute("aria-sort", own ? (report.sort.falling ? "descending" : "ascending") : "none");
    }
  }

  line(row, place) {
    const { report } = this;
    const picked = report.compared.has(row.site);
    const box = el("input", { type: "checkbox", tabindex: "-1", checked: picked, "aria-label": `Compare ${row.site}` });
    const line = el(
      "tr",
      { "aria-rowindex": place + 2, "data-place": place, tabindex: place === this.active ? "0" : "-1", class: row.rejected ? "rejected" : null, "aria-selected": String(picked) },
      el("td", { class: "pick" }, box),
      el("td", { class: "number place" }, count(place + 1)),
    );
    for (const column of this.shown) line.append(this.cell(row, column));
    return line;
  }

  cell(row, column) {
    const value = row.values[column.place];
    const text = textOf(value, column.decimals);
    if (column.name === "site") {
      return el("th", { scope: "row", class: "text site" }, el("a", { href: siteHash(row.site), tabindex: "-1", title: text }, text));
    }
    if (column.name === "verdict" && text !== UNKNOWN) return el("td", { class: "text" }, badge(text));
    const written = column.name === "pds" ? species(text) : text;
    return el("td", { class: column.kind, title: text.length > 14 ? text : null }, written);
  }

  click(event) {
    const line = event.target.closest("tr[data-place]");
    if (!line) return;
    const row = this.report.rows[Number(line.dataset.place)];
    this.active = Number(line.dataset.place);
    if (event.target.closest(".pick")) {
      if (event.target.tagName !== "INPUT") event.preventDefault();
      this.report.compare(row.site);
    } else if (!event.target.closest("a") && !getSelection().toString()) location.hash = siteHash(row.site);
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_HEIGHT) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const row = this.report.rows[this.active];
    if (event.key in moves) {
      const top = this.report.rows.length - 1;
      this.active = Math.max(0, Math.min(top, this.active + moves[event.key]));
      this.show();
    } else if (event.key === "Enter" && row) location.hash = siteHash(row.site);
    else if (event.key === " " && row) this.report.compare(row.site);
    else return;
    event.preventDefault();
  }

  show() {
    const top = this.active * ROW_HEIGHT;
    const height = this.box.clientHeight - 2 * ROW_HEIGHT;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top > this.box.scrollTop + height) this.box.scrollTop = top - height;
    this.draw();
    this.focus();
  }

  focus(inside, moves = true) {
    const line = this.body.querySelector(`[data-place="${this.active}"]`);
    (inside ? line?.querySelector(inside) : line)?.focus({ preventScroll: !moves });
  }
}

const siteHash = (site) => `#site=${encodeURIComponent(site)}`;

const BAD = /\b(un\w+|not?|dis\w+|des\w+|det\w+|reject\w*|fail\w*|migrat\w*|incomplete|below|above)\b/i;
const GOOD = /\b(bound|stable|passed|kept|complete|yes)\b/i;

function badge(text) {
  const tone = BAD.test(text) ? "bad" : GOOD.test(text) ? "good" : "plain";
  return el("span", { class: `badge ${tone}`, title: text }, text);
}
