// The panel while nothing is chosen: what the graph has, or what a search found.

function overview() {
  const found = (items) => items.filter(matches);
  const sections = [
    ["Edges", "edge", found(model.edges), edgeTable],
    ["Categories", "category", found(model.categories), moduleTable],
    ["Tasks", "task", found(model.tasks), moduleTable],
    ["Networks", "network", found(model.networks), networkTable],
  ].filter(([, , items]) => items.length > 0);
  const head = isFiltered() ? "Found" : "All modules";
  return [
    element("h2", {}, head),
    ...(filter.words.length ? [] : applications()),
    sections.length ? null : element("p", {}, "Nothing in this graph is called so."),
    ...sections.flatMap(([title, kind, items, table]) => [
      element("h3", {}, `${title} `, element("span", { class: "count" }, countOf(items, kinds[kind]))),
      table(items),
    ]),
    filter.words.length ? null : legend(),
  ].filter(Boolean);
}

const countOf = (some, all) => some.length === all.length ? `${all.length}` : `${some.length} of ${all.length}`;

/** What a path leads from: a category, or those that it joins. */
const categoriesOf = ({ category, categories: several }) => category ?? `[${several.join(", ")}]`;

/** How good a joint path is, and which answers it gives for what. */
function jointFigures(path) {
  if (!path.categories || path.metrics.length === 0) return [];
  return [
    ...warningsOf(path),
    element("details", {},
      element("summary", {}, `${path.metrics[0].name} ${figure(path.metrics[0].own, path.metrics[0])}`),
      metricsTable({ ...path, kind: "edge" }),
      path.labels.length <= mostLabels ? confusionTable(path) : null),
  ];
}

const mostLabels = 16;

const confusionTable = ({ labels, confusion }) => element("table", { class: "list confusion" },
  element("caption", {}, "Answers (columns) for what is shown (rows)"),
  element("thead", {}, element("tr", {}, element("td"),
    ...labels.map((label) => element("th", { scope: "col" }, nameOf(label))))),
  element("tbody", {}, ...confusion.map((row, number) => element("tr", {},
    element("th", { scope: "row" }, nameOf(labels[number])),
    ...row.map((count) => element("td", { class: "number" }, String(count)))))));

function applications() {
  if (model.paths.length === 0) return [];
  return [
    element("h3", {}, "Paths"),
    element("ul", { class: "paths" }, ...model.paths.map((path) => element("li", {},
      element("a", {
        href: addressOf({ ...nothing, category: path.category, task: path.task }),
        onclick: (event) => {
          event.preventDefault();
          choose({ category: path.category, task: path.task });
        },
      }, nameOf(path.name)),
      element("span", { class: "soft" }, " ", nameOf(categoriesOf(path)), " → ", nameOf(path.task)),
      ...jointFigures(path)))),
  ];
}

const tableOf = (heads, rows) => element("table", { class: "list" },
  element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
  element("tbody", {}, ...rows));

const edgeTable = (items) => tableOf(["Edge", "Error", "Teacher’s"], items.map((edge) =>
  element("tr", {},
    element("td", {}, linkToEdge(edge)),
    element("td", { class: `number state-${edge.state}` },
      element("span", { class: "sign", "aria-hidden": "true" }, signOf(edge)), ` ${errorOf(edge)}`),
    element("td", { class: "number" }, teacherOf(edge)))));

const moduleTable = (items) => tableOf(["Name", "Module"], items.map((item) => element("tr", {},
  element("td", {}, linkTo(item.kind, item.name)),
  element("td", {}, nameOf(item.network), ` ${item.cut}`))));

const networkTable = (items) => tableOf(["Name", "State", "Model"], items.map((item) => element("tr", {},
  element("td", {}, linkTo("network", item.name)),
  element("td", { class: `state-${item.state}` },
    element("span", { "aria-hidden": "true" }, stateSign(item.state)), ` ${stateName(item.state)}`),
  element("td", {}, nameOf(item.model)))));

function legend() {
  const looks = Object.entries(model.looks)
    .filter(([name]) => model.edges.some((edge) => edge.look === name));
  if (looks.length === 0) return null;
  const line = (name) => shape("svg", { class: "sample", viewBox: "0 0 30 8", "aria-hidden": "true" },
    shape("path", { class: `way look-${name}`, d: "M1,4H29" }));
  return element("section", { class: "legend" },
    element("h3", {}, "Signs"),
    element("ul", {}, ...looks.map(([name, { sign, meaning }]) =>
      element("li", {}, line(name), element("span", { class: "sign" }, sign || "○"), meaning))));
}
