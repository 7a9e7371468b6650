// Arrangement as a matrix, for many edges: a row for each category, a column for each task.

const cell = { width: 150, height: 24, gapX: 14, gapY: 8 };

function matrixArrangement() {
  const ofTasks = model.tasks.map((item, number) => {
    const made = box(item, [named(item.name), small(item.goal)], {
      most: cell.width, least: cell.width,
    });
    return Object.assign(made, { x: number * (cell.width + cell.gapX), y: 0, pinned: "top" });
  });
  const ofCategories = model.categories.map((item) =>
    box(item, [named(item.name)], { most: 170, height: cell.height }));
  const width = Math.max(0, ...ofCategories.map((each) => each.width));
  const first = 66;
  ofCategories.forEach((each, number) => {
    const y = first + number * (cell.height + cell.gapY);
    Object.assign(each, { x: -width - 2 * cell.gapX, y, width, pinned: "left" });
  });
  const rows = new Map(ofCategories.map((each) => [each.item.name, each]));
  const columns = new Map(ofTasks.map((each) => [each.item.name, each]));
  const ofEdges = model.edges.map((edge) => {
    const made = box(edge, [small(`${signOf(edge)} ${errorOf(edge)}`)], {
      most: cell.width, least: cell.width, height: cell.height,
    });
    return Object.assign(made, { x: columns.get(edge.task).x, y: rows.get(edge.category).y });
  });
  const routes = new Map(ofEdges.map((each) => {
    const [row, column] = [rows.get(each.item.category), columns.get(each.item.task)];
    const across = `M${row.x + row.width},${middle(row)}H${each.x}`;
    const x = each.x + each.width / 2;
    return [each.item, `${across}M${x},${each.y}V${column.y + column.height}`];
  }));
  return {
    boxes: [...ofEdges, ...ofCategories, ...ofTasks],
    headings: [],
    ways: crossbar(ofEdges, rows, columns),
    routes,
  };
}

/** One line along each row and each column, as far as they have edges. */
function crossbar(ofEdges, rows, columns) {
  const [right, bottom] = [new Map(), new Map()];
  for (const each of ofEdges) {
    const { category, task } = each.item;
    right.set(category, Math.max(right.get(category) ?? each.x, each.x));
    bottom.set(task, Math.max(bottom.get(task) ?? each.y, each.y));
  }
  const across = [...right].map(([name, x]) => {
    const row = rows.get(name);
    return { d: `M${row.x + row.width},${middle(row)}H${x}` };
  });
  const down = [...bottom].map(([name, y]) => {
    const column = columns.get(name);
    return { d: `M${column.x + column.width / 2},${column.y + column.height}V${y}` };
  });
  return [...across, ...down];
}
