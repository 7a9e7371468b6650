// Search, the two ends of a path, states, arrangement, theme, and the keys for them.

const control = (id) => document.getElementById(id);

function makeControls() {
  control("title").textContent = model.title;
  control("summary").textContent = [
    counted(model.categories.length, "category", "categories"),
    counted(model.tasks.length, "task", "tasks"),
    counted(model.edges.length, "edge", "edges"),
    counted(model.networks.length, "network", "networks"),
  ].join(" · ");
  makeSelect("category", model.categories);
  makeSelect("task", model.tasks);
  makeStates();
  makeArrangement();
  makeTheme();
  control("words").addEventListener("input", (event) => search(event.target.value));
  control("words").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const first = model.edges.find(matches) ?? allItems.find(matches);
    if (first) reveal(first);
  });
  control("clear").addEventListener("click", clear);
  control("closer").addEventListener("click", () => zoom(1.3));
  control("farther").addEventListener("click", () => zoom(1 / 1.3));
  control("whole").addEventListener("click", () => showWhole());
  document.addEventListener("keydown", pressed);
}

const counted = (number, one, many) => `${number} ${number === 1 ? one : many}`;

function reveal(item) {
  chooseItem(item);
  show(item);
}

function clear() {
  control("words").value = "";
  filter.words = [];
  choose(nothing);
}

function makeSelect(kind, items) {
  const select = control(kind);
  select.append(element("option", { value: "" }, "any"));
  items.forEach((item, number) => select.append(element("option", { value: number }, item.name)));
  select.addEventListener("change", () => {
    const name = items[select.value]?.name ?? null;
    choose({ category: choice.category, task: choice.task, [kind]: name });
    const edge = edgeOf(choice.category, choice.task);
    if (edge) show(edge);
  });
  watch(() => {
    const number = items.findIndex((item) => item.name === choice[kind]);
    select.value = number < 0 ? "" : String(number);
  });
}

function makeStates() {
  for (const state of Object.keys(model.states)) {
    const number = model.edges.filter((edge) => edge.state === state).length;
    if (number === 0) continue;
    const button = element("button", {
      type: "button",
      class: `state-${state}`,
      onclick: () => showState(state, filter.hidden.has(state)),
    }, element("span", { "aria-hidden": "true" }, stateSign(state)), ` ${stateName(state)} `,
    element("span", { class: "count" }, String(number)));
    control("states").append(button);
    watch(() => button.setAttribute("aria-pressed", String(!filter.hidden.has(state))));
  }
}

function makeArrangement() {
  const buttons = ["columns", "matrix"].map((kind) => element("button", {
    type: "button",
    onclick: () => { arrange(kind); },
  }, kind === "columns" ? "Columns" : "Matrix"));
  control("arrangement").append(...buttons);
  function arrange(kind) {
    draw(kind);
    buttons.forEach((button, number) =>
      button.setAttribute("aria-pressed", String(number === (kind === "columns" ? 0 : 1))));
    showWhole({ readable: true });
  }
  arrange(model.edges.length > manyEdges ? "matrix" : "columns");
}

function makeTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const name = () => { control("theme").textContent = isDark() ? "Light" : "Dark"; };
  control("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  name();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, select");
  if (event.key === "Escape") return clear();
  if (typing) return undefined;
  const steps = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] };
  const action = {
    "/": () => control("words").focus(),
    "+": () => zoom(1.3),
    "=": () => zoom(1.3),
    "-": () => zoom(1 / 1.3),
    0: () => showWhole(),
  }[event.key] ?? (event.shiftKey && event.key in steps ? () => move(...steps[event.key]) : null);
  if (action) {
    event.preventDefault();
    action();
  }
  return undefined;
}

/** One line that says what is seen, for eyes and screen readers. */
function showStatus() {
  control("status").textContent = statusText();
  control("clear").disabled = !isAnyChosen() && filter.words.length === 0;
}

function statusText() {
  const { category, task, network } = choice;
  if (network !== null) return `Network ${network}`;
  if (category !== null && task !== null) {
    const edge = edgeOf(category, task);
    if (edge === null) return `No path: no adapter joins ${category} and ${task}.`;
    return `${edge.title}: ${edge.quality ? `${stateName(edge.state)}, ${progressOf(edge)}` : edge.message}`;
  }
  if (category !== null) return `Category ${category}: choose a task.`;
  if (task !== null) return `Task ${task}: choose a category.`;
  if (isFiltered()) return `${counted(allItems.filter(matches).length, "match", "matches")}`;
  return "Choose a category and a task, and the path between them lights up.";
}
