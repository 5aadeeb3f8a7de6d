/* The page: what is shown follows the address; keys and fields change the address. */

const TITLE = document.title;
let shown = null;

function render() {
  const before = shown;
  shown = read();
  const listing = document.getElementById("listing");
  const problem = document.getElementById("problem");
  listing.hidden = shown.problem !== "";
  problem.hidden = shown.problem === "";
  if (shown.problem) showProblem(shown);
  else showListing(shown);
  for (const view of ["traces", "pairs"]) {
    const current = view === shown.view && !shown.problem;
    document.getElementById(`to-${view}`).setAttribute("aria-current", current ? "page" : "false");
  }
  document.title = shown.problem ? `${shown.problem} · ${TITLE}` : TITLE;
  if (before) settle(before);
}

/* Where a reader's eye and focus go after a change of view. */
function settle(before) {
  if (shown.problem && shown.problem !== before.problem) {
    scrollTo(0, 0);
    document.querySelector("#problem h2").focus({ preventScroll: true });
    showTrace();
  } else if (shown.problem) showTrace();
  else if (before.problem) {
    const row = rowOf(before);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "center" });
  } else if (shown.page !== before.page) scrollTo(0, 0);
}

function showTrace() {
  const card = document.querySelector(".trace.current");
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}

/* The row that a problem was opened from. */
function rowOf(state) {
  const hrefs = [{ problem: state.problem, trace: state.trace }, { problem: state.problem, trace: "" }]
    .map((changes) => address(shown, changes));
  const rows = [...document.querySelectorAll("#rows .row")];
  return rows.find((row) => row.getAttribute("href") === hrefs[0])
    ?? rows.find((row) => row.getAttribute("href").startsWith(hrefs[1]));
}

function go(changes, replace = false) {
  const to = address(shown, changes);
  if (to === (location.hash || "#")) return;
  if (replace) location.replace(to);
  else location.hash = to;
}

/* Down or up (by 1 or -1): to the next row or trace; past the end of a page to the next page. */
function move(by) {
  const all = [...document.querySelectorAll(shown.problem ? "#problem .trace" : "#rows .row")];
  const at = all.findIndex((one) => one.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  if (all[next]) {
    all[next].focus({ preventScroll: true });
    all[next].scrollIntoView({ block: "nearest" });
  } else if (!shown.problem) turn(by);
}

/* To the problem, or the page of the list, before or after. */
function turn(by) {
  const words = by > 0 ? "after" : "before";
  const link = shown.problem ? document.querySelector(`a#${words}`)
    : document.querySelector(`.pager a[aria-label="Page ${words}"]`);
  link?.click();
}

function leave() {
  if (shown.problem) go({ problem: "", trace: "" });
  else if (shown.q || FACETS[shown.view].some((facet) => shown[facet.name])) clear();
}

function clear() {
  const none = Object.fromEntries(FACETS[shown.view].map((facet) => [facet.name, ""]));
  document.getElementById("search").value = "";
  go({ ...none, q: "", page: "" });
}

function search() {
  if (!shown.problem) document.getElementById("search").select();
  else {
    addEventListener("hashchange", search, { once: true });
    leave();
  }
}

const KEYS = {
  "/": search,
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  l: () => turn(1), ArrowRight: () => turn(1), h: () => turn(-1), ArrowLeft: () => turn(-1),
  Escape: leave,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest?.("input, select, textarea");
  if (field) {
    if (event.key === "Escape") field.blur();
    else if (field.id === "search" && event.key === "ArrowDown") move(1);
    else return;
  } else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
}

/* What is shown of how many, in the page's head. */
function extent() {
  if (!data.n_traces) return "This run has no traces.";
  if (traces.length === data.n_traces) {
    return `${many(traces.length, "trace")} of ${many(problems.length, "problem")}.`;
  }
  const [n, of, asked] = [traces, problems, { length: data.n_problems }].map(count);
  const paired = data.n_pairs
    ? `, with ${count(pairs)} of ${many(data.n_pairs, "pair")}` : "";
  return `${n} of ${many(data.n_traces, "trace")} shown, sampled by problem (${of} of ${asked})${paired}.`;
}

const count = (list) => list.length.toLocaleString("en");

let typing = 0;

document.getElementById("extent").textContent = extent();
document.getElementById("to-traces").textContent = `Traces (${count(traces)})`;
document.getElementById("to-pairs").textContent = `Pairs (${count(pairs)})`;
document.getElementById("more").open = matchMedia("(min-width: 48rem)").matches;
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("search").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => go({ q: event.target.value.trim(), page: "" }, true), 120);
});
document.getElementById("facets").addEventListener("change", (event) =>
  go({ [event.target.name]: event.target.value, page: "" }));
document.getElementById("order").addEventListener("change", (event) =>
  go({ order: event.target.value, page: "" }));
document.getElementById("clear").addEventListener("click", clear);
addEventListener("hashchange", render);
addEventListener("keydown", onKey);
render();
if (shown.problem) showTrace();
performance.mark("ready");
