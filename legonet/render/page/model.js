// The data of the page, and what can be asked of them.

const model = JSON.parse(document.getElementById("document").textContent);

const byName = (items) => new Map(items.map((item) => [item.name, item]));
const networks = byName(model.networks);
const categories = byName(model.categories);
const tasks = byName(model.tasks);

const endsOf = (category, task) => JSON.stringify([category, task]);
const edges = new Map(model.edges.map((edge) => [endsOf(edge.category, edge.task), edge]));
const edgeOf = (category, task) => edges.get(endsOf(category, task)) ?? null;

const stateName = (state) => model.states[state].name;
const stateSign = (state) => model.states[state].sign || "○";

const kinds = {
  network: model.networks,
  category: model.categories,
  task: model.tasks,
  edge: model.edges,
};
for (const [kind, items] of Object.entries(kinds)) {
  for (const item of items) {
    item.kind = kind;
    item.title = kind === "edge" ? `${item.category} → ${item.task}` : item.name;
    item.searched = searchedWords(item).join(" ").toLowerCase();
  }
}
const allItems = Object.values(kinds).flat();

function searchedWords(item) {
  const shared = [item.title, item.kind];
  switch (item.kind) {
    case "edge":
      return [...shared, "adapter", item.method, item.pictures, item.teacher ?? "",
        stateName(item.state), model.looks[item.look].meaning];
    case "network":
      return [...shared, item.model, item.init ?? ""];
    default:
      return [...shared, "module", item.network, item.goal ?? ""];
  }
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** A teacher's error; empty where it is not known. */
function teacherOf(edge) {
  if (edge.quality === null) return "";
  const { teacher, shown } = edge.quality;
  if (shown) return shown.teacher;
  return teacher === null ? "" : percent(teacher);
}

/** The share of wrong answers of an edge with half of its 95 % interval; how far it has come where that is not known. */
function errorOf(edge) {
  if (edge.quality === null) return stateName(edge.state);
  const { of, own, half, shown } = edge.quality;
  if (shown) return shown.own;
  const noise = half === null ? "" : ` ± ${(100 * half).toFixed(1)}`;
  return `${(100 * own).toFixed(1)}${noise} %${of === "pixels" ? " px" : ""}`;
}

/** How good an edge is beside its teacher, in a few words. */
function progressOf(edge) {
  if (edge.quality === null) return edge.message;
  const { teacher, shown } = edge.quality;
  if (shown) return `${shown.own}${shown.teacher && `, teacher ${shown.teacher}`}`;
  return `error ${errorOf(edge)}${teacher === null ? "" : `, teacher ${percent(teacher)}`}`;
}

/** A sign for the state of an edge, so that the colours are not needed. */
const signOf = (edge) => model.looks[edge.look].sign || "○";
