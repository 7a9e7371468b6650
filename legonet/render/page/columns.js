// Arrangement in columns, as in the paper: networks, category modules, adapters, task modules.

const manyEdges = 60;
const fonts = { name: "600 13px", small: "11px" };

/** A box of the picture with its lines of text; columns and matrix give it a place. */
function box(item, lines, { most = 230, least = 60, height = null } = {}) {
  const inner = Math.max(...lines.map((line) => widthOf(line.text, fonts[line.font])));
  const width = Math.min(most, Math.max(least, Math.ceil(inner) + 24));
  return {
    item,
    width,
    height: height ?? 12 + 17 * lines.length,
    lines: lines.map((line) => ({ ...line, text: fitted(line.text, fonts[line.font], width - 20) })),
    x: 0,
    y: 0,
  };
}

const named = (text) => ({ text, font: "name" });
const small = (text) => ({ text, font: "small" });

function edgeBox(edge, brief) {
  if (brief) {
    return box(edge, [small(`${signOf(edge)} ${errorOf(edge)}  ${edge.title}`)], { height: 22 });
  }
  const made = [edge.method, edge.convs].filter(Boolean).join(" · ");
  const lines = [named(made), small(`${signOf(edge)} ${progressOf(edge)}`)];
  if (edge.state !== "direct") lines.splice(1, 0, small(edge.pictures));
  return box(edge, lines, { most: 280 });
}

const moduleBox = (item, lines) => box(item, item.parameters ? [...lines, small(item.parameters)] : lines);

/** Put boxes below each other, each as near to the place that it wants as the others let it. */
function stack(boxes, gap) {
  const order = [...boxes].sort((one, other) => one.wanted - other.wanted);
  // Neighbours that would overlap become a block around the mean of what they want.
  const blocks = [];
  for (const each of order) {
    let block = { boxes: [each], height: each.height, sum: each.wanted, top: 0 };
    block.top = each.wanted - each.height / 2;
    while (blocks.length && blocks.at(-1).top + blocks.at(-1).height + gap > block.top) {
      const above = blocks.pop();
      block = {
        boxes: [...above.boxes, ...block.boxes],
        height: above.height + gap + block.height,
        sum: above.sum + block.sum,
        top: 0,
      };
      block.top = block.sum / block.boxes.length - block.height / 2;
    }
    blocks.push(block);
  }
  for (const block of blocks) {
    let top = block.top;
    for (const each of block.boxes) {
      each.y = top;
      top += each.height + gap;
    }
  }
}

const middle = (each) => each.y + each.height / 2;
const mean = (numbers, otherwise) =>
  numbers.length ? numbers.reduce((sum, number) => sum + number, 0) / numbers.length : otherwise;

/** A line from the right side of a box to the left side of another. */
function bend(from, to) {
  const [x, y, endX, endY] = [from.x + from.width, middle(from), to.x, middle(to)];
  if (endX <= x) {
    const left = from.x; // in one column: around the left
    return `M${left},${y}C${left - 36},${y} ${endX - 36},${endY} ${endX},${endY}`;
  }
  const reach = (endX - x) / 2;
  return `M${x},${y}C${x + reach},${y} ${endX - reach},${endY} ${endX},${endY}`;
}

function columnsArrangement() {
  const brief = model.edges.length > manyEdges;
  const gap = brief ? 6 : 14;
  // Adapters are ordered like the side with more modules, so that lines are short.
  const [first, second] = model.categories.length < model.tasks.length
    ? ["task", "category"] : ["category", "task"];
  const order = {
    category: new Map(model.categories.map((item, number) => [item.name, number])),
    task: new Map(model.tasks.map((item, number) => [item.name, number])),
  };
  const place = (edge) => [first, second].map((kind) => order[kind].get(edge[kind]));
  const ofEdges = [...model.edges]
    .sort((one, other) => place(one)[0] - place(other)[0] || place(one)[1] - place(other)[1])
    .map((edge) => edgeBox(edge, brief));
  ofEdges.forEach((each, number) => {
    each.wanted = number * (each.height + gap);
  });
  stack(ofEdges, gap);
  const height = ofEdges.length ? ofEdges.at(-1).y + ofEdges.at(-1).height : 0;

  const beside = (kind, boxes) => {
    boxes.forEach((each, number) => {
      const even = ((number + 0.5) * height) / boxes.length;
      const own = ofEdges.filter((other) => other.item[kind] === each.item.name).map(middle);
      each.wanted = kind === first ? mean(own, even) : even;
    });
    stack(boxes, gap);
    return boxes;
  };
  const ofCategories = beside("category", model.categories.map((item) => moduleBox(item, [
    named(item.name), small(item.cut)])));
  const ofTasks = beside("task", model.tasks.map((item) => moduleBox(item, [
    named(item.name), small(item.goal), small(`${item.network} ${item.cut}`)])));

  const columns = [
    ...networkColumns(ofCategories, gap),
    { title: "Categories", boxes: ofCategories },
    { title: "Adapters", boxes: ofEdges },
    { title: "Tasks", boxes: ofTasks },
  ].filter((column) => column.boxes.length);
  placeSideBySide(columns, brief ? 180 : 84);
  const boxes = columns.flatMap((column) => column.boxes);
  return { boxes, headings: headingsOf(columns), ...waysBetween(boxes) };
}

/**
 * Networks from which modules come, and to their left those that they start from. The others only
 * teach; the details of what they teach lead to them.
 */
function networkColumns(ofCategories, gap) {
  const levels = [];
  const drawn = new Map();
  for (const [name, level] of networkLevels()) {
    const item = networks.get(name);
    drawn.set(name, moduleBox(item, [named(name), small(item.model)]));
    (levels[level] ??= []).push(drawn.get(name));
  }
  const placed = new Set();
  const bottom = Math.max(0, ...ofCategories.map(middle)) + 60;
  for (const level of levels) { // those that the modules come from first
    for (const each of level) {
      const name = each.item.name;
      const given = ofCategories.filter((other) => other.item.network === name);
      const begun = [...placed].filter((other) => other.item.init === name);
      each.wanted = mean([...given, ...begun].map(middle), bottom);
    }
    stack(level, gap);
    for (const each of level) placed.add(each);
  }
  return levels.toReversed().map((level, number) => ({
    title: number === 0 ? "Networks" : "",
    boxes: level,
    isNetworks: true,
  }));
}

/** How many columns a network is to the left of the category modules, for those drawn. */
function networkLevels() {
  const donors = new Set([...model.categories, ...model.tasks].map((item) => item.network));
  const levels = new Map();
  for (const { name, init } of model.networks.toReversed()) { // ancestors come last
    if (donors.has(name)) levels.set(name, 0);
    if (!levels.has(name) || init === null || donors.has(init)) continue;
    levels.set(init, Math.max(levels.get(init) ?? 0, levels.get(name) + 1));
  }
  return levels;
}

function placeSideBySide(columns, gap) {
  let x = 0;
  for (const column of columns) {
    const width = Math.max(...column.boxes.map((each) => each.width));
    for (const each of column.boxes) Object.assign(each, { x, width });
    column.x = x;
    x += width + (column.isNetworks ? 48 : gap);
  }
}

function headingsOf(columns) {
  const top = Math.min(...columns.flatMap((column) => column.boxes.map((each) => each.y)), 0);
  return columns.map(({ title, x }) => ({ title, x, y: top - 22 }));
}

/** The lines of the picture; each knows the items for which it is drawn. */
function waysBetween(boxes) {
  const of = (kind) => new Map(
    boxes.filter((each) => each.item.kind === kind).map((each) => [each.item.name, each]),
  );
  const [ofNetworks, ofCategories, ofTasks] = [of("network"), of("category"), of("task")];
  const ways = [];
  for (const each of boxes) {
    const { kind, init, network } = each.item;
    const source = kind === "network" ? init : kind === "category" ? network : null;
    if (source !== null) {
      const from = ofNetworks.get(source).item;
      ways.push({ from, to: each.item, d: bend(ofNetworks.get(source), each) });
    }
  }
  const routes = new Map();
  for (const each of boxes.filter((found) => found.item.kind === "edge")) {
    const [category, task] = [ofCategories.get(each.item.category), ofTasks.get(each.item.task)];
    const lines = [bend(category, each), bend(each, task)];
    for (const d of lines) ways.push({ edge: each.item, d });
    routes.set(each.item, lines.join(""));
  }
  return { ways, routes };
}
