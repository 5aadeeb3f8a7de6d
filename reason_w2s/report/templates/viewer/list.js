/* The list of traces: a page of it at a time. */

const PAGE = { traces: 100, pairs: 20 };

function traceRow(place, state, wanted) {
  const trace = traces[place];
  const problem = problemOf(trace);
  const flags = [...(trace.finish === "stop" ? [] : [trace.finish]),
    ...trace.flags.filter((flag) => flag !== "truncated" || trace.finish !== "length")];
  return make("li", null, make("a",
    { class: "row", href: address(state, { problem: problem.link, trace: trace.key }) },
    make("span", { class: "verdicts" }, ...badges(trace), ...given(trace, problem)),
    make("span", { class: "texts" },
      make("bdi", { class: "question" }, ...snippet(problem.question, wanted, 160)),
      make("bdi", { class: "response" }, ...snippet(trace.text, wanted, 320))),
    make("span", { class: "facts" },
      make("span", null, ...origin(trace)),
      make("span", null, make("code", null, visible(problem.id)),
        problem.level === null ? null : ` · level ${problem.level}`),
      make("span", { class: "flags" }, `${length(trace)} `, ...flags.map((flag) =>
        make("span", { class: "flag" }, flag))))));
}

/* The answer that was read from a trace and, where that is not it, the gold one. */
function given(trace, problem) {
  const answer = (text) => make("bdi", { class: "given" }, shorten(text, 80));
  const right = trace.verdicts.some((place) => data.verdicts[place][1] === "correct");
  return [
    trace.answer === null ? null : make("span", { class: "answer" }, answer(trace.answer)),
    right || problem.gold === null ? null
      : make("span", { class: "answer" }, "gold ", answer(problem.gold.join(" or "))),
  ];
}

function showListing(state) {
  const found = matching(state);
  const size = PAGE[state.view];
  const pages = Math.max(1, Math.ceil(found.length / size));
  const page = Math.min(pages, Math.max(1, parseInt(state.page, 10) || 1));
  const shown = found.slice((page - 1) * size, page * size);
  const wanted = terms(state.q);
  const rows = document.getElementById("rows");
  rows.className = state.view;
  rows.start = (page - 1) * size + 1;
  const row = state.view === "pairs" ? pairRow : traceRow;
  rows.replaceChildren(...shown.map((place) => row(place, state, wanted)));
  document.getElementById("count").textContent = counted(state, found);
  for (const pager of document.querySelectorAll(".pager")) {
    pager.replaceChildren(...(pages > 1 ? pagerParts(state, page, pages) : []));
  }
  showFilters(state);
}

function counted(state, found) {
  if (state.view === "pairs") {
    const of = new Set(found.map((place) => traces[pairs[place].chosen].problem));
    return found.length ? `${many(found.length, "pair")} of ${many(of.size, "problem")}` : "No pairs.";
  }
  const of = new Set(found.map((place) => traces[place].problem));
  return found.length ? `${many(found.length, "trace")} of ${many(of.size, "problem")}` : "No traces.";
}

function pagerParts(state, page, pages) {
  const to = (number, words, label) => number < 1 || number > pages
    ? make("span", { class: "muted" }, words)
    : make("a", { href: address(state, { page: number > 1 ? String(number) : "" }), "aria-label": label }, words);
  return [to(page - 1, "← before", "Page before"), ` page ${page.toLocaleString("en")} of ${
    pages.toLocaleString("en")} `, to(page + 1, "after →", "Page after")];
}

/* The values of a filter, with how many traces or pairs have each. */
function options(view, facet) {
  const counts = new Map();
  for (const one of view === "pairs" ? pairs : traces) {
    for (const value of new Set(facet.values(one))) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const found = [...counts];
  if (facet.group) {
    const order = [...new Set(data.fates.map(([step]) => step))];
    return found.sort(([a], [b]) => order.indexOf(facet.group(a)) - order.indexOf(facet.group(b)));
  }
  const numbers = found.every(([value]) => value === UNKNOWN || !Number.isNaN(Number(value)));
  return numbers ? found.sort(([a], [b]) => (Number(a) || Infinity) - (Number(b) || Infinity)) : found;
}

const offered = { traces: null, pairs: null };

function showFilters(state) {
  offered[state.view] ??= FACETS[state.view].map((facet) => [facet, options(state.view, facet)]);
  const holder = document.getElementById("facets");
  if (holder.dataset.view !== state.view) {
    holder.replaceChildren(...offered[state.view].filter(([, found]) => found.length > 1).map(filter));
    holder.dataset.view = state.view;
    const orders = ORDERS[state.view].map(([value, label]) => make("option", { value }, label));
    document.getElementById("order").replaceChildren(...orders);
  }
  for (const select of holder.querySelectorAll("select")) choose(select, state[select.name]);
  document.getElementById("order").value = state.order;
  const search = document.getElementById("search");
  if (search !== document.activeElement) search.value = state.q;
  const chosen = FACETS[state.view].filter((facet) => state[facet.name]).length;
  document.querySelector("#more summary").textContent = chosen ? `Filters (${chosen})` : "Filters";
  document.getElementById("clear").hidden = !chosen && !state.q;
}

/* A value that an address names and nothing has is shown all the same: it explains the empty list. */
function choose(select, value) {
  select.value = value;
  if (select.value !== value) select.append(make("option", { value }, `${value} (0)`));
  select.value = value;
  select.classList.toggle("set", value !== "");
}

function filter([facet, found]) {
  const select = make("select", { name: facet.name, id: `filter-${facet.name}` },
    make("option", { value: "" }, "any"));
  const groups = new Map();
  for (const [value, count] of found) {
    const label = facet.text ? facet.text(value) : value;
    const option = make("option", { value }, `${visible(label)} (${count.toLocaleString("en")})`);
    if (!facet.group) select.append(option);
    else {
      const name = facet.group(value);
      if (!groups.has(name)) {
        groups.set(name, make("optgroup", { label: name }));
        select.append(groups.get(name));
      }
      groups.get(name).append(option);
    }
  }
  return make("label", null, facet.label, select);
}
