// The panel beside the picture: what is chosen, with its certificate and its loss curve.

const panel = document.getElementById("panel");

const linkTo = (kind, name, text = name) => {
  const next = kind === "network" ? { network: name } : { [kind]: name };
  return element("a", {
    href: addressOf({ ...nothing, ...next }),
    onclick: (event) => { event.preventDefault(); choose(next); },
  }, nameOf(text));
};

const linkToEdge = (edge) => element("a", {
  href: addressOf({ ...nothing, category: edge.category, task: edge.task }),
  onclick: (event) => { event.preventDefault(); chooseItem(edge); },
}, nameOf(edge.category), " → ", nameOf(edge.task));

const badge = (state) => element("span", { class: `badge state-${state}` },
  element("span", { "aria-hidden": "true" }, stateSign(state)), ` ${stateName(state)}`);

function showPanel() {
  const { category, task, network } = choice;
  let content;
  if (network !== null) content = networkDetails(networks.get(network));
  else if (category !== null && task !== null) content = pathDetails(category, task);
  else if (category !== null) content = moduleDetails(categories.get(category));
  else if (task !== null) content = moduleDetails(tasks.get(task));
  else content = overview();
  panel.replaceChildren(...content);
  panel.scrollTop = 0;
}

function head(kind, title, state) {
  return element("div", { class: "head" },
    element("button", { type: "button", class: "back", onclick: () => choose(nothing) }, "← All modules"),
    element("p", { class: "kind" }, kind),
    element("h2", {}, ...title),
    state ? badge(state) : null);
}

function pathDetails(category, task) {
  const edge = edgeOf(category, task);
  const title = [nameOf(category), " → ", nameOf(task)];
  if (edge === null) {
    return [
      head("No path", title, null),
      element("p", {}, whyNoPath(category, task)),
      element("p", { class: "soft" }, "Edges of ", linkTo("category", category), " and of ",
        linkTo("task", task), " that there are:"),
      edgeTable(model.edges.filter((each) => each.category === category || each.task === task)),
    ];
  }
  const paths = model.paths.filter((path) => path.category === category && path.task === task);
  return [
    head("Adapter", title, edge.state),
    element("p", { class: "soft" }, "From category ", linkTo("category", category), " to task ",
      linkTo("task", task), paths.length ? ", the path " : "",
      ...paths.flatMap((path, number) => [number ? ", " : "", element("b", {}, nameOf(path.name))]),
      edge.size ? `; ${edge.size}` : ""),
    ...failureOf(edge),
    ...warningsOf(edge),
    ["learning", "failed"].includes(edge.state) && edge.failure.length === 0
      ? element("p", { class: "note" }, edge.message)
      : null,
    edge.reason ? element("p", { class: "note" }, `To be built: ${edge.reason}.`) : null,
    metricsTable(edge),
    ...lossSection(edge, `Loss of ${edge.title}`),
    ...statementOf(edge),
    ...sectionsOf(edge),
  ].filter(Boolean);
}

function networkDetails(network) {
  const giving = [
    ...model.categories.filter((item) => item.network === network.name),
    ...model.tasks.filter((item) => item.network === network.name),
  ];
  const taught = model.edges.filter((edge) => edge.teacher === network.name);
  return [
    head("Network", [nameOf(network.name)], network.state),
    ...warningsOf(network),
    network.reason ? element("p", { class: "note" }, `To be built: ${network.reason}.`) : null,
    giving.length
      ? element("p", { class: "soft" }, "Gives ", ...giving.flatMap((item, number) =>
        [number ? ", " : "", `${item.kind} `, linkTo(item.kind, item.name)]))
      : null,
    network.size ? element("p", { class: "soft" }, network.size) : null,
    metricsTable(network),
    ...lossSection(network, `Loss of ${network.name}`),
    ...statementOf(network),
    ...sectionsOf(network),
    ...(taught.length ? [element("h3", {}, "Teacher of"), edgeTable(taught)] : []),
  ].filter(Boolean);
}

function moduleDetails(item) {
  const own = model.edges.filter((edge) => edge[item.kind] === item.name);
  const other = item.kind === "category" ? "task" : "category";
  return [
    head(`${item.kind} module`, [nameOf(item.name)], null),
    element("p", { class: "soft" }, linkTo("network", item.network), ` ${item.cut}`,
      ...[item.goal, item.size].filter(Boolean).map((text) => `, ${text}`)),
    element("p", {}, `Choose a ${other} too, and the path lights up.`),
    element("h3", {}, "Adapters"),
    edgeTable(own),
    ...statementOf(item),
  ];
}

function whyNoPath(category, task) {
  return `No adapter joins ${category} and ${task}. Add “adapter ${category} -> ${task} { }” to `
    + "the spec, and legonet build learns it.";
}

const warningsOf = (item) => item.warnings.map((text) =>
  element("p", { class: "warning", role: "note" }, element("b", {}, "Warning: "), text));

const failureOf = (edge) => edge.failure.slice(0, 1).map((text) =>
  element("div", { class: "failure", role: "note" },
    element("p", {}, element("b", {}, "Failed: "), text),
    ...edge.failure.slice(1).map((advice) => element("p", {}, advice))));

function figure(value, metric) {
  if (value === null) return "";
  return metric.is_share ? percent(value) : String(Number(value.toPrecision(3)));
}

function ownFigure(metric) {
  const own = figure(metric.own, metric);
  if (metric.low === null || metric.high === null) return own;
  const limits = [metric.low, metric.high].map((limit) => (100 * limit).toFixed(1));
  return [own, element("span", { class: "interval" }, `${limits.join(" to ")}`)];
}

function metricsTable(item) {
  if (item.metrics.length === 0) return null;
  const others = [["teacher", "teacher"], ["donor", "donor alone"]]
    .filter(([role]) => item.metrics.some((metric) => metric[role] !== null));
  return element("table", { class: "metrics" },
    element("thead", {}, element("tr", {}, element("td"),
      element("th", { scope: "col" }, item.kind === "edge" ? "this path" : "network"),
      ...others.map(([, heading]) => element("th", { scope: "col" }, heading)))),
    element("tbody", {}, ...item.metrics.map((metric) => element("tr", {},
      element("th", { scope: "row" }, metric.name),
      element("td", {}, ...[ownFigure(metric)].flat()),
      ...others.map(([role]) => element("td", {}, figure(metric[role], metric)))))));
}

function lossSection(item, title) {
  return [
    element("h3", {}, item.kind === "network" ? "Training" : "Loss"),
    item.curve ? chartOf(item.curve, title) : element("p", { class: "soft" }, item.no_curve),
  ];
}

const sectionsOf = (item) => item.sections.map((section) => element("details", { open: !section.deep },
  element("summary", {}, section.title),
  element("dl", { class: "facts" }, ...section.facts.flatMap(([label, value, target]) => [
    element("dt", {}, label),
    element("dd", {}, target ? linkTo("network", value) : nameOf(value)),
  ]))));

function statementOf(item) {
  if (item.place === null) return [];
  return [
    element("h3", {}, "In the spec"),
    element("p", { class: "place" }, nameOf(item.place)),
    ...item.trace.map((step) => element("p", { class: "place" }, nameOf(step))),
    element("pre", { tabindex: 0 }, element("code", { dir: "ltr" }, model.texts[item.text])),
  ];
}
