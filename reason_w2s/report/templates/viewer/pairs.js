/* Pairs: what was chosen beside what was rejected. */

function pairRow(place, state) {
  const pair = pairs[place];
  const problem = problemOf(traces[pair.chosen]);
  const link = address(state, { problem: problem.link, trace: "" });
  return make("li", null, make("article", { class: "pair", "aria-label": `Pair of ${problem.id}` },
    make("h2", null, make("a", { class: "row", href: link }, visible(problem.id))),
    make("div", { class: "question" }, plain(problem.question, SHORT)),
    ...pairBody(pair, state)));
}

function pairBody(pair, state) {
  const rule = data.rules[pair.step]?.[pair.rule];
  return [
    make("p", { class: "about" }, make("strong", null, pair.step), ` · ${apart(pair)} · rule ${pair.rule}`,
      rule ? `: ${visible(rule)}` : null),
    make("div", { class: "sides" }, side(pair.chosen, "chosen", state), side(pair.rejected, "rejected", state)),
  ];
}

/* A pair in one line, that opens: on a problem's page its texts are there already. */
function pairDetails(pair, state) {
  return make("details", { class: "pair" }, make("summary", null, ...origin(traces[pair.chosen]),
    " over ", ...origin(traces[pair.rejected]), ` · ${apart(pair)}`), ...pairBody(pair, state));
}

function apart(pair) {
  const difference = longer(pair);
  const noun = inWords(traces[pair.chosen]) ? "word" : "token";
  if (!difference) return `both of ${length(traces[pair.chosen])}`;
  return `chosen ${many(Math.abs(difference), noun)} ${difference > 0 ? "longer" : "shorter"}`;
}

function side(place, name, state) {
  const trace = traces[place];
  const link = address(state, { problem: problemOf(trace).link, trace: trace.key });
  return make("section", { class: `side ${name}`, "aria-label": name },
    make("h3", null, name, " ", ...badges(trace)),
    make("p", { class: "about" }, make("a", { href: link }, ...origin(trace)), ` · ${length(trace)}`),
    steps(trace, SHORT));
}
