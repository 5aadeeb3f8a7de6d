/* A problem: its gold, all its traces side by side, its pairs. */

function showProblem(state) {
  const place = byLink.get(state.problem);
  const holder = document.getElementById("problem");
  if (place === undefined) {
    const sampled = traces.length < data.n_traces ? " It may be one of those left out by sampling." : "";
    holder.replaceChildren(back(state), make("h2", { tabindex: -1 }, "No such problem"),
      make("p", null, `'${visible(state.problem)}' is not among the problems shown here.${sampled}`));
    return;
  }
  const problem = problems[place];
  const found = ofProblem[place];
  holder.replaceChildren(
    make("nav", { class: "bar", "aria-label": "Problems" }, back(state), ...neighbours(state, place)),
    make("h2", { tabindex: -1 }, make("bdi", null, visible(problem.id))),
    make("p", { class: "muted" }, aboutProblem(problem, found)),
    ...question(problem),
    make("div", { class: "traces" }, ...found.traces.map((one) => traceCard(traces[one], state))),
    ...(found.pairs.length ? [make("h2", null, many(found.pairs.length, "pair"))] : []),
    ...found.pairs.map((one) => pairDetails(pairs[one], state)));
}

const back = (state) =>
  make("a", { id: "back", href: address(state, { problem: "", trace: "" }) }, "← back to the list");

/* Links to the problems before and after, among those that the filters leave. */
function neighbours(state, place) {
  const left = matching(state).map((one) =>
    state.view === "pairs" ? traces[pairs[one].chosen].problem : traces[one].problem);
  const listed = [...new Set(left)];
  const at = listed.indexOf(place);
  const to = (other, words, id) => other === undefined ? make("span", { class: "muted" }, words)
    : make("a", { id, href: address(state, { problem: problems[other].link, trace: "" }) }, words);
  const where = at < 0 ? "not in the list" : `problem ${at + 1} of ${listed.length}`;
  return [to(listed[at < 0 ? -1 : at - 1], "problem before", "before"), make("span", null, where),
    to(listed[at < 0 ? 0 : at + 1], "problem after", "after")];
}

function aboutProblem(problem, found) {
  const words = new Map();
  for (const place of found.traces) {
    for (const word of new Set(traces[place].verdicts.map((one) => data.verdicts[one][1]))) {
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  const verdicts = [...words].map(([word, count]) => `${count} ${word}`).join(", ");
  return [problem.level === null ? null : `level ${problem.level}`, problem.subject,
    `${many(found.traces.length, "trace")}${verdicts ? `: ${verdicts}` : ""}`].filter(Boolean).join(" · ");
}

function question(problem) {
  const gold = problem.gold === null ? make("span", { class: "muted" }, "none (no label)")
    : make("bdi", { class: "gold" }, visible(problem.gold.join(" or ")));
  const letters = (problem.options ?? []).map((option, place) =>
    make("li", null, make("bdi", null, visible(option))));
  return [
    make("div", { class: "question" }, plain(problem.question, LONG)),
    letters.length ? make("ol", { class: "options", type: "A" }, ...letters) : "",
    make("p", null, "Gold answer: ", gold),
    problem.solution === null ? "" : make("details", null, make("summary", null, "Gold solution"),
      plain(problem.solution, LONG)),
  ];
}

function traceCard(trace, state) {
  const flags = trace.flags.map((flag) => make("span", { class: "flag" }, flag));
  const finish = make("span", { class: trace.finish === "stop" ? null : "flag" }, trace.finish);
  const name = `${trace.model} #${trace.index}`;
  const current = trace.key === state.trace;
  return make("article", { class: current ? "trace current" : "trace", tabindex: -1,
    "data-key": trace.key, "aria-label": `Trace ${name}` },
    make("h3", null, ...badges(trace), " ", ...origin(trace)),
    make("p", { class: "about" },
      ...(trace.answer === null ? []
        : ["answer ", make("bdi", { class: "given" }, shorten(trace.answer, 200)), " · "]),
      `${length(trace)} · `, finish, flags.length ? " · " : null, ...flags),
    steps(trace, LONG),
    ...scores(trace),
    trace.fates.length ? make("ul", { class: "fates" }, ...trace.fates.map(fate)) : null,
    make("details", null, make("summary", null, "Columns"), columns(trace)));
}

function fate(place) {
  const [step, kept, words] = data.fates[place];
  return make("li", { class: kept ? "kept" : "dropped" }, make("strong", null, step),
    kept ? ` ${words}` : ` dropped: ${visible(words)}`);
}

function columns(trace) {
  const unit = inWords(trace) ? "words" : "tokens";
  const fixed = [["key", trace.key], [`prompt ${unit}`, trace.prompt || null], [unit, trace.tokens]];
  const named = Object.entries(trace.columns).map(([place, value]) => [data.columns[place], value]);
  const rows = [...fixed, ...named].filter(([, value]) => value !== null);
  return make("dl", null, ...rows.flatMap(([name, value]) => [make("dt", null, name),
    make("dd", null, plain(Array.isArray(value) ? value.map((one) => one ?? "-").join(", ") : String(value), CELL))]));
}
