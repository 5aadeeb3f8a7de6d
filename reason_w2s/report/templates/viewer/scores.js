/* Scores of a trace's steps and tokens, each coloured from low to high, its value where one points. */

const LEVELS = 9;
const said = (value) => (value === null ? "-" : String(value));

/* Which colour a value has between the ends of its scale; null: none. */
function colour(value, [low, high]) {
  if (value === null || low === null) return null;
  if (high === low) return (LEVELS - 1) / 2;
  const place = Math.floor((value - low) / (high - low) * LEVELS);
  return Math.min(Math.max(place, 0), LEVELS - 1);
}

function coloured(text, value, scale, name) {
  const level = colour(value, scale);
  return make("span", { class: level === null ? null : `level${level}`, title: `${name} ${said(value)}` },
    visible(text));
}

/* One closed part for each score step, made when it is opened. */
function scores(trace) {
  return trace.scores.map((one) => {
    const told = data.scored[one.score];
    const part = make("details", { class: "scores" },
      make("summary", null, `${told.step} (${told.kind}): ${said(one.value)}`));
    part.addEventListener("toggle", () => {
      if (part.open && part.children.length === 1) part.append(legend(one, told), scoredSteps(trace, one, told));
    });
    return part;
  });
}

function legend(one, told) {
  const [low, high] = one.tokens === null ? told.steps : told.tokens;
  return make("p", { class: "muted" }, one.tokens === null
    ? "scores of steps; those of tokens are not in this page (reason-w2s show has them): "
    : "scores of tokens, at each step its own: ",
  make("span", { class: "level0" }, `${said(low)} or less`), " to ",
  make("span", { class: `level${LEVELS - 1}` }, `${said(high)} or more`));
}

function scoredSteps(trace, one, told) {
  const list = make("ol", { class: "steps" });
  let from = 0;
  let token = 0;
  one.cuts.forEach((cut, place) => {
    const value = one.steps[place];
    const item = make("li", null, make("strong", { class: "value" }, coloured(said(value), value, told.steps, "step")), " ");
    const text = make("span", { class: "text" });
    if (one.tokens === null) text.append(visible(trace.text.slice(from, cut)));
    for (let start = from; one.tokens !== null && token < one.tokens.length; token += 1) {
      const last = place === one.cuts.length - 1;
      if (one.ends[token] > cut && !last) {
        // a token of two steps is shown in both
        if (start < cut) text.append(coloured(trace.text.slice(start, cut), one.tokens[token], told.tokens, "token"));
        break;
      }
      const end = one.ends[token] === start && last ? "⏎" : trace.text.slice(start, one.ends[token]);
      text.append(coloured(end, one.tokens[token], told.tokens, "token"));
      start = Math.max(start, one.ends[token]);
    }
    from = cut;
    item.append(text);
    list.append(item);
  });
  return list;
}
