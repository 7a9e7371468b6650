// The picture of the graph: drawn once for an arrangement, then only its classes change.

const diagram = document.getElementById("diagram");
const arrangements = { columns: columnsArrangement, matrix: matrixArrangement };
const drawing = { kind: null, boxes: [], bounds: null, nodes: new Map(), ways: [], pinned: [] };

function draw(kind) {
  const { boxes, headings, ways, routes } = arrangements[kind]();
  const layer = (name, ...children) => shape("g", { class: name }, ...children);
  const nodes = new Map(boxes.map((each) => [each.item, nodeOf(each)]));
  const drawnWays = ways.map((way) =>
    ({ way, line: shape("path", { class: wayClass(way), d: way.d }) }));
  const route = shape("path", { class: "route", d: "" });
  const bounds = boundsOf(boxes, headings);
  const pinnedNodes = (side) => boxes.filter((each) => each.pinned === side)
    .map((each) => nodes.get(each.item));
  const left = layer("pinned", stripBehind(bounds, "left", boxes), ...pinnedNodes("left"));
  const top = layer("pinned", stripBehind(bounds, "top", boxes), ...headings.map(headingOf),
    ...pinnedNodes("top"));
  diagram.replaceChildren(
    layer("ways", ...drawnWays.map(({ line }) => line), route),
    layer("nodes", ...boxes.filter((each) => !each.pinned).map((each) => nodes.get(each.item))),
    left,
    top,
  );
  if (boxes.length === 0) diagram.append(shape("text", { class: "name" }, "no modules"));
  Object.assign(drawing, { kind, boxes, bounds, nodes, ways: drawnWays, route, routes, top, left });
  putTabStop(boxes[0]?.item);
  showChoice();
}

/** What hides the rest of the picture where it passes below the names of rows and columns. */
function stripBehind({ x, y, width, height }, side, boxes) {
  const far = 100000;
  const pinned = boxes.filter((each) => each.pinned === side);
  const [right, bottom] = side === "left"
    ? [Math.max(x, ...pinned.map((each) => each.x + each.width)), y + height + far]
    : [x + width + far, Math.max(y + 44, ...pinned.map((each) => each.y + each.height))];
  return shape("rect", {
    class: "ground", x: x - far, y: y - far, width: right - x + far, height: bottom - y + far,
  });
}

const wayClass = ({ edge, to }) =>
  edge ? `way look-${edge.look}` : to ? "way descent" : "way grid";

function headingOf({ title, x, y }) {
  return shape("text", { class: "heading", x, y, "aria-hidden": "true" }, title);
}

function nodeOf({ item, x, y, width, height, lines }) {
  const texts = lines.map((line, number) => shape("text", {
    class: line.font,
    x: 12,
    y: (number + 0.5) * ((height - 8) / lines.length) + 4,
  }, line.text));
  return shape("g", {
    class: `node ${item.kind}${item.look ? ` look-${item.look}` : ""}`,
    transform: `translate(${x} ${y})`,
    role: "button",
    tabindex: -1,
    "aria-label": saidOf(item),
    onclick: () => { if (!wasDragged()) chooseItem(item); },
    onfocus: () => { putTabStop(item); show(item); },
  },
  shape("title", {}, saidOf(item)),
  shape("rect", { class: "ground", width, height, rx: 5 }),
  shape("g", { class: "content" }, shape("rect", { class: "box", width, height, rx: 5 }), ...texts));
}

/** What a screen reader says of an item, and its tooltip. */
function saidOf(item) {
  switch (item.kind) {
    case "edge":
      return `adapter ${item.title}, ${item.method}, ${model.looks[item.look].meaning}`
        + (item.quality ? `, ${progressOf(item)}` : "");
    case "network":
      return `network ${item.name}, ${item.model}`;
    default:
      return `${item.kind} ${item.name}, ${item.network} ${item.cut}`;
  }
}

function boundsOf(boxes, headings) {
  const edge = 24;
  const xs = boxes.flatMap((each) => [each.x, each.x + each.width]);
  const ys = boxes.flatMap((each) => [each.y, each.y + each.height]);
  for (const heading of headings) ys.push(heading.y - 12);
  if (xs.length === 0) return { x: -edge, y: -2 * edge, width: 160, height: 3 * edge };
  const [x, y] = [Math.min(...xs) - edge, Math.min(...ys) - edge];
  return { x, y, width: Math.max(...xs) + edge - x, height: Math.max(...ys) + edge - y };
}

/** Mark what is chosen and what was searched for. */
function showChoice() {
  const any = isAnyChosen();
  diagram.classList.toggle("choosing", any);
  diagram.classList.toggle("filtering", isFiltered());
  const edge = edgeOf(choice.category, choice.task);
  const isPath = choice.category !== null && choice.task !== null;
  for (const [item, node] of drawing.nodes) {
    const chosen = any && isChosen(item);
    node.classList.toggle("red", chosen && isPath && edge !== null);
    node.classList.toggle("chosen", chosen && (!isPath || edge === null));
    node.classList.toggle("near", any && isNear(item));
    node.classList.toggle("match", matches(item));
    node.setAttribute("aria-pressed", String(chosen));
  }
  for (const { way, line } of drawing.ways) {
    const ends = [way.edge, way.from, way.to].filter(Boolean);
    line.classList.toggle("near", any && ends.every((end) => isNear(end) || isChosen(end)));
    line.classList.toggle("match", ends.every(matches));
  }
  drawing.route.setAttribute("d", edge && isPath ? drawing.routes.get(edge) : "");
  drawing.route.setAttribute("class", `route look-${edge?.look}`);
}

function putTabStop(item) {
  for (const node of drawing.nodes.values()) {
    if (node.getAttribute("tabindex") === "0") node.setAttribute("tabindex", "-1");
  }
  drawing.nodes.get(item)?.setAttribute("tabindex", "0");
}

/** The nearest box in a direction, where what lies aside counts twice. */
function neighbour(from, [right, down]) {
  const centre = (each) => [each.x + each.width / 2, each.y + each.height / 2];
  const [x, y] = centre(from);
  let [best, least] = [null, Infinity];
  for (const each of drawing.boxes) {
    const [dx, dy] = [centre(each)[0] - x, centre(each)[1] - y];
    const ahead = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    const distance = ahead + 2 * aside;
    if (ahead > 1 && (down === 0 || aside < from.width) && distance < least) {
      [best, least] = [each, distance];
    }
  }
  return best;
}

const directions = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

diagram.addEventListener("keydown", (event) => {
  const from = drawing.boxes.find((each) => drawing.nodes.get(each.item) === document.activeElement);
  if (from === undefined) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    chooseItem(from.item);
  } else if (event.key in directions && !event.shiftKey) {
    event.preventDefault();
    const next = neighbour(from, directions[event.key]);
    if (next) drawing.nodes.get(next.item).focus({ preventScroll: true });
  }
});
