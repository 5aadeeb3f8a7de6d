/* Pieces of the page. Texts of the run get into it here alone, and only as text. */

const CELL = { lines: 4, characters: 300 };
const LONG = { lines: 80, characters: 8000 };
const SHORT = { lines: 16, characters: 1200 };

/* An element. `more`: attributes; children: elements and texts. */
function make(tag, more, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(more ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const many = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/* Characters that are not seen, or that turn the order of others round: named, not drawn. */
const UNSEEN = new RegExp("[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b\\u200e\\u200f"
  + "\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufffe\\uffff]", "g");

function visible(text) {
  return text.replace(UNSEEN, (char) =>
    `[U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/* What Python takes for blank. */
const BLANK = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/;

/* Lines of a text up to a limit: [lines, whether that is all]. */
function start(text, limit) {
  const kept = text.length > limit.characters ? text.slice(0, limit.characters) : text;
  const lines = kept.split("\n");
  return [lines.slice(0, limit.lines), kept === text && lines.length <= limit.lines];
}

/* A trace's steps as a step check cut them, else its lines. */
function pieces(trace, until = Infinity) {
  const whole = trace.text.slice(0, until);
  if (trace.ends === null) return whole.split("\n").map((line) => `${line}\n`);
  return trace.ends.map((end, place) => whole.slice(trace.ends[place - 1] ?? 0, end)).filter(Boolean);
}

/* A trace's steps, the first wrong one marked; long ones are folded. */
function steps(trace, limit) {
  if (!trace.text.trim()) return make("p", { class: "muted" }, "nothing");
  const list = make("ol", { class: "steps" });
  const [lines, whole] = start(trace.text, limit);
  const shown = pieces(trace, lines.join("\n").length);
  list.append(...stepItems(shown, trace.wrong));
  const below = trace.wrong !== null && trace.wrong >= shown.length;
  return whole ? list : folded(list, trace.text, () => stepItems(pieces(trace), trace.wrong), below);
}

function stepItems(found, wrong) {
  const items = [];
  let gap = false;
  found.forEach((piece, place) => {
    const text = piece.replace(/\r\n/g, "\n").replace(/^\s*\n/, "").trimEnd();
    if (!BLANK.test(piece)) {
      const marked = place === wrong;
      items.push(make("li", { class: [marked && "wrong", gap && "gap"].filter(Boolean).join(" ") || null },
        make("span", { class: "text" }, visible(text)),
        ...(marked ? [" ", make("strong", { class: "mark" }, "first wrong step")] : [])));
    }
    gap = items.length > 0 && (BLANK.test(piece) || /\n\s*\n\s*$/.test(piece));
  });
  return items;
}

/* A text as it is; long ones are folded. */
function plain(raw, limit) {
  const text = raw.replaceAll("\r\n", "\n");
  const block = make("div", { class: "plain" });
  const [lines, whole] = start(text, limit);
  block.append(visible(lines.join("\n")));
  return whole ? block : folded(block, text, () => [visible(text)]);
}

function folded(block, text, all, below = false) {
  const size = `${many(text.split("\n").length, "line")}, ${many(text.length, "character")}${
    below ? "; the first wrong step is below" : ""}`;
  const button = make("button", { type: "button", class: "fold", onclick: () => {
    block.replaceChildren(...all());
    button.remove();
  } }, `Show all: ${size}`);
  return make("div", { class: "folded" }, block, button);
}

const badge = (word, title) =>
  make("span", { class: `badge ${word.replace(/\W/g, "-")}`, title: title ?? null }, word);

function badges(trace) {
  const several = trace.verdicts.length > 1;
  const found = trace.verdicts.map((place) => {
    const [step, word] = data.verdicts[place];
    return badge(word, several ? step : null);
  });
  return found.length ? found : [badge("not graded")];
}

function length(trace) {
  return many(trace.tokens, inWords(trace) ? "word" : "token");
}

/* Where a trace comes from: its model, the steps that drew it, and which sample it is. */
function origin(trace) {
  const drawn = trace.steps.map((place) => data.steps[place]).join(", ");
  return [make("strong", null, visible(trace.model)), ` ${drawn} #${trace.index}`];
}

const shorten = (text, size) => visible(text.length > size ? `${text.slice(0, size)} …` : text);

/* The part of a text around the first word searched for, that word marked. */
function snippet(text, wanted, size) {
  const cased = wanted.length ? text.slice(0, 200000).toLowerCase() : "";
  const [at, term] = wanted.map((one) => [cased.indexOf(one), one]).find(([place]) => place >= 0)
    ?? [-1, ""];
  const from = Math.max(0, at - Math.floor(size / 3));
  const flat = (part) => visible(part.replace(/\s*\n\s*/g, " ⏎ ").replace(/\s+/g, " "));
  if (at < 0) return [flat(text.slice(0, size))];
  return [
    (from ? "… " : "") + flat(text.slice(from, at)),
    make("mark", null, flat(text.slice(at, at + term.length))),
    flat(text.slice(at + term.length, from + size)),
  ];
}
