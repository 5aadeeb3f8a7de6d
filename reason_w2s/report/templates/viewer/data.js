/* The run's data, what can be asked of it, and the view that the address names. */

const holder = document.getElementById("data");
const data = JSON.parse(holder.textContent);
holder.remove();

const UNKNOWN = "not known";
const KEY_LETTERS = 8; // fewer would be found in many keys by chance
const problems = data.problems;
const traces = data.traces;
const pairs = data.pairs;
const byLink = new Map(problems.map((problem, place) => [problem.link, place]));
const ofProblem = problems.map(() => ({ traces: [], pairs: [] }));
traces.forEach((trace, place) => {
  trace.looked = trace.flags !== null;
  trace.flags ??= [];
  ofProblem[trace.problem].traces.push(place);
});
pairs.forEach((pair, place) => ofProblem[traces[pair.chosen].problem].pairs.push(place));

const problemOf = (trace) => problems[trace.problem];
const inWords = (trace) => trace.steps.some((step) => data.words.includes(data.steps[step]));
const longer = (pair) => traces[pair.chosen].tokens - traces[pair.rejected].tokens;

/* Kept or dropped: a value for each outcome of each choosing step, and one for any drop. */
const fateValues = data.fates.map(([step, kept, words]) =>
  kept ? [`${step}: ${words}`] : [`${step}: dropped`, `${step}: dropped: ${words}`]);
const fateStep = new Map(data.fates.flatMap(([step], place) =>
  fateValues[place].map((value) => [value, step])));

function fateLabel(value) {
  const words = value.slice(fateStep.get(value).length + 2);
  return words === "dropped" ? "dropped, for any reason" : words.replace(/^dropped: /, "· ");
}

/* A filter: `values` are those a trace (or a pair) has. `group`, `label`: of a value, for reading. */
const FACETS = {
  traces: [
    { name: "verdict", label: "Verdict", values: (one) => one.verdicts.length
      ? one.verdicts.map((place) => data.verdicts[place][1]) : ["not graded"] },
    { name: "model", label: "Model", values: (one) => [one.model] },
    { name: "step", label: "Drawn by", values: (one) => one.steps.map((place) => data.steps[place]) },
    { name: "fate", label: "Kept or dropped", values: (one) =>
      one.fates.flatMap((place) => fateValues[place]),
      group: (value) => fateStep.get(value), text: fateLabel },
    { name: "level", label: "Level", values: (one) => [level(problemOf(one))] },
    { name: "subject", label: "Subject", values: (one) => [problemOf(one).subject ?? UNKNOWN] },
    { name: "finish", label: "Finish", values: (one) => [one.finish] },
    { name: "flag", label: "Step check", values: (one) => one.flags.length
      ? one.flags : [one.looked ? "no flags" : "not checked"] },
  ],
  pairs: [
    { name: "step", label: "Pair step", values: (one) => [one.step] },
    { name: "rule", label: "Rule", values: (one) => [`${one.step}: rule ${one.rule}`] },
    { name: "longer", label: "Longer side", values: (one) =>
      [longer(one) > 0 ? "chosen" : longer(one) < 0 ? "rejected" : "neither"] },
    { name: "model", label: "Model", values: (one) =>
      [...new Set([traces[one.chosen].model, traces[one.rejected].model])] },
    { name: "level", label: "Level", values: (one) => [level(problemOf(traces[one.chosen]))] },
    { name: "subject", label: "Subject", values: (one) =>
      [problemOf(traces[one.chosen]).subject ?? UNKNOWN] },
  ],
};

const ORDERS = {
  traces: [["", "as in the run"], ["longest", "longest first"], ["shortest", "shortest first"]],
  pairs: [["", "as in the run"], ["chosen", "chosen longer first"], ["rejected", "rejected longer first"]],
};

const SORTS = {
  longest: (a, b) => b.tokens - a.tokens,
  shortest: (a, b) => a.tokens - b.tokens,
  chosen: (a, b) => longer(b) - longer(a),
  rejected: (a, b) => longer(a) - longer(b),
};

function level(problem) {
  return problem.level === null ? UNKNOWN : String(problem.level);
}

/* Lower-case copies of what is searched, made at the first search. */
const lower = { problems: [], traces: [] };

function searched(trace) {
  if (!lower.problems.length) {
    lower.problems = problems.map((one) => [one.id, one.question, ...(one.gold ?? [])]
      .join("\n").toLowerCase());
    lower.traces = traces.map((one) => `${one.answer ?? ""}\n${one.text}`.toLowerCase());
  }
  const { key, problem } = traces[trace];
  return (term) => lower.traces[trace].includes(term) || lower.problems[problem].includes(term)
    || (term.length >= KEY_LETTERS && key.startsWith(term));
}

/* Words of a search; what stands in quotes is one. */
function terms(query) {
  return [...query.toLowerCase().matchAll(/"([^"]+)"?|([^\s"]+)/g)].map((found) => found[1] ?? found[2]);
}

function holds(view, place, wanted) {
  if (view === "traces") return wanted.every(searched(place));
  const sides = [searched(pairs[place].chosen), searched(pairs[place].rejected)];
  return wanted.every((term) => sides.some((side) => side(term)));
}

/* The places of the traces or pairs that a state's search and filters leave, in its order. */
function matching(state) {
  const all = state.view === "pairs" ? pairs : traces;
  const asked = FACETS[state.view].filter((facet) => state[facet.name]);
  const wanted = terms(state.q);
  const found = [];
  all.forEach((one, place) => {
    if (asked.every((facet) => facet.values(one).includes(state[facet.name]))
      && (!wanted.length || holds(state.view, place, wanted))) found.push(place);
  });
  const sort = SORTS[state.order];
  return sort ? found.sort((a, b) => sort(all[a], all[b])) : found;
}

/* The address: everything about a view, so that it can be shared. */
function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const view = given.get("view") === "pairs" ? "pairs" : "traces";
  const state = { view, q: "", order: "", page: "", problem: "", trace: "" };
  for (const facet of FACETS[view]) state[facet.name] = "";
  for (const [name, value] of given) if (name in state && name !== "view") state[name] = value;
  if (!ORDERS[view].some(([order]) => order === state.order)) state.order = "";
  return state;
}

function address(state, changes = {}) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...state, ...changes })) {
    if (value && !(name === "view" && value === "traces")) params.set(name, value);
  }
  return `#${params}`;
}
