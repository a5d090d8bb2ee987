// Base: elements, numbers and names as text, packed data, files to save. Text only ever becomes a text node or an
// attribute, never markup, so that no name in the data can be more than a name.

const UNKNOWN = "–";

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return node;
}

function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

function textOf(value, decimals) {
  if (value === null || value === undefined || value === "") return UNKNOWN;
  if (typeof value === "number") return decimals === null || decimals === undefined ? String(value) : fixed(value, decimals);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((entry) => textOf(entry)).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([name, entry]) => `${name}: ${textOf(entry)}`).join("; ");
  return String(value);
}

const listOf = (value) => (value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]);
const count = (number) => number.toLocaleString("en");
const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

// `NO2* + H2O` with subscripts, `NO3-` with its charge
function species(text) {
  return String(text)
    .split(" ")
    .map((word) => {
      if (word === "->") return "→";
      if (/^\d+$/.test(word) || word === "+") return word;
      const [, bare, signs] = word.match(/^(.*?)([+-]*)$/);
      const low = bare.replace(/(?<=[A-Za-z)])\d+/g, (digits) => [...digits].map((d) => "₀₁₂₃₄₅₆₇₈₉"[d]).join(""));
      if (!bare || !signs) return low + signs;
      const many = signs.length > 1 ? "⁰¹²³⁴⁵⁶⁷⁸⁹"[signs.length] : "";
      return low + many + (signs[0] === "+" ? "⁺" : "⁻");
    })
    .join(" ");
}

// `U_L` with its index
function symbols(text) {
  return String(text).split(/_(\w+)/).map((part, place) => (place % 2 ? el("sub", {}, part) : part));
}

// text with its DOIs as links; a link is followed by a person, never by the page
function linked(text) {
  const parts = textOf(text).split(/((?:https?:\/\/doi\.org\/|doi:?\s*)?\b10\.\d{4,9}\/[^\s"<>,;]+)/i);
  return parts.map((part, place) => {
    if (place % 2 === 0) return part;
    const [, doi, after] = part.match(/(10\.\d{4,9}\/.*?)([.)\]]*)$/);
    const href = `https://doi.org/${encodeURI(doi)}`;
    return [el("a", { href, rel: "noopener noreferrer", target: "_blank" }, part.slice(0, part.length - after.length)), after];
  });
}

const KEY = /^[0-9a-f]{64}$/;

// what a campaign says about a thing: nested names and values; of a key the letters by which it is found
function facts(value) {
  if (typeof value === "string" && KEY.test(value)) return el("code", { title: value }, value.slice(0, 12));
  if (value === null || typeof value !== "object") return el("span", {}, linked(value));
  if (Array.isArray(value)) {
    if (value.every((entry) => entry === null || typeof entry !== "object")) return el("span", {}, linked(value));
    return el("ul", { class: "facts" }, value.map((entry) => el("li", {}, facts(entry))));
  }
  const pairs = Object.entries(value).map(([name, entry]) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, facts(entry))]);
  return pairs.length ? el("dl", { class: "facts" }, pairs) : el("span", {}, UNKNOWN);
}

async function unpack(id) {
  const holder = document.getElementById(id);
  const binary = atob(holder.textContent);
  holder.remove();
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place++) bytes[place] = binary.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const libraries = new Map();

// a library runs when it is first needed; the page's policy knows its hash
function library(name) {
  if (!libraries.has(name)) {
    const loading = unpack(`library-${name}`).then((text) => {
      const script = document.createElement("script");
      script.textContent = text;
      document.head.append(script);
    });
    libraries.set(name, loading);
  }
  return libraries.get(name);
}

function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function fileName(text, suffix) {
  return `${String(text).replace(/[^\w.@+-]+/g, "_").slice(0, 80) || "atomsieve"}${suffix}`;
}

function copyButton(text, what, label = "Copy") {
  const button = el("button", { type: "button", onclick: copy, "aria-label": `Copy ${what}` }, label);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // where the page may not write to the clipboard, a selected text area may
      const area = el("textarea", { class: "offscreen" }, text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  }
  return button;
}

function choice(label, options, value, onpick) {
  const select = el("select", { onchange: () => onpick(select.value) });
  for (const [key, text] of options) select.append(el("option", { value: key, selected: key === value }, text));
  return el("label", { class: "field" }, el("span", {}, label), select);
}

const isDark = matchMedia("(prefers-color-scheme: dark)");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
