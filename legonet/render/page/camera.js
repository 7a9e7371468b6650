// Which part of the picture is seen: wheel, drag, two fingers, keys and buttons.

const camera = { x: 0, y: 0, scale: 1 };
const closest = 4;
const pointers = new Map();
let dragged = 0;
let isPrinting = false;

const wasDragged = () => dragged > 4;

function look() {
  if (isPrinting) return;
  const { clientWidth: width, clientHeight: height } = diagram;
  const { x, y, scale } = camera;
  diagram.setAttribute("viewBox", `${x} ${y} ${width / scale} ${height / scale}`);
  // Names of rows and columns stay in sight.
  const { bounds, top, left, kind } = drawing;
  const down = Math.max(0, y - bounds.y);
  const right = kind === "matrix" ? Math.max(0, x - bounds.x) : 0;
  top.setAttribute("transform", `translate(0 ${down})`);
  left.setAttribute("transform", `translate(${right} 0)`);
}

/** Pixels at the bottom where the buttons are. */
const footing = 48;

const scaleOfWhole = () => Math.min(
  diagram.clientWidth / drawing.bounds.width,
  (diagram.clientHeight - footing) / drawing.bounds.height,
  1.25,
);

/** Show all of the picture, or its beginning where all would be too small to read. */
function showWhole({ readable = false } = {}) {
  const { bounds } = drawing;
  const all = scaleOfWhole();
  const width = diagram.clientWidth / bounds.width;
  camera.scale = readable && all < 0.6 ? Math.min(1, Math.max(0.6, width)) : all;
  const roomX = diagram.clientWidth / camera.scale;
  const roomY = (diagram.clientHeight - footing) / camera.scale;
  camera.x = bounds.x - Math.max(0, (roomX - bounds.width) / 2);
  camera.y = bounds.y - Math.min(24, Math.max(0, (roomY - bounds.height) / 2));
  look();
}

/** Bring an item into sight, and what else of its path has room beside it. */
function show(item) {
  const own = drawing.boxes.find((each) => each.item === item);
  if (!own) return;
  const path = item.kind === "edge"
    ? drawing.boxes.filter((each) => !each.pinned && isChosen(each.item))
    : [];
  if (path.length > 1) {
    const right = Math.max(...path.map((each) => each.x + each.width));
    const reach = right - Math.min(...path.map((each) => each.x));
    camera.scale = Math.min(camera.scale, Math.max(0.5, diagram.clientWidth / (reach + 32)));
  }
  const [width, height] = [diagram.clientWidth / camera.scale, diagram.clientHeight / camera.scale];
  const margin = 16;
  const within = (start, room, from, to) => {
    if (from < start + margin) return from - margin;
    return to > start + room - margin ? to + margin - room : start;
  };
  const extent = (side, size, room) => {
    const whole = [own, ...path];
    const from = Math.min(...whole.map((each) => each[side]));
    const to = Math.max(...whole.map((each) => each[side] + each[size]));
    return to - from + 2 * margin <= room ? [from, to] : [own[side], own[side] + own[size]];
  };
  const head = drawing.kind === "matrix" ? 90 : 44; // below the names of the columns
  const side = Math.max(0, ...drawing.boxes.filter((each) => each.pinned === "left")
    .map((each) => each.width + 36));
  if (own.pinned !== "left") {
    const [from, to] = extent("x", "width", width - side);
    camera.x = within(camera.x, width, from - side, to);
  }
  if (own.pinned !== "top") {
    const [from, to] = extent("y", "height", height - head);
    camera.y = within(camera.y, height, from - head, to + footing / camera.scale);
  }
  look();
}

function zoom(factor, clientX, clientY) {
  const place = diagram.getBoundingClientRect();
  const [x, y] = [
    (clientX ?? place.x + place.width / 2) - place.x,
    (clientY ?? place.y + place.height / 2) - place.y,
  ];
  const farthest = Math.min(scaleOfWhole() / 2, 0.5);
  const scale = Math.min(closest, Math.max(farthest, camera.scale * factor));
  camera.x += x / camera.scale - x / scale;
  camera.y += y / camera.scale - y / scale;
  camera.scale = scale;
  look();
}

function move(right, down) {
  camera.x += right / camera.scale;
  camera.y += down / camera.scale;
  look();
}

diagram.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.shiftKey) move(event.deltaY || event.deltaX, 0);
  else {
    const pixels = event.deltaMode === 1 ? 30 * event.deltaY : event.deltaY; // or lines
    zoom(Math.exp(-0.0016 * pixels), event.clientX, event.clientY);
  }
}, { passive: false });

diagram.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  if (pointers.size === 1) dragged = 0;
});

window.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY];
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  dragged += Math.hypot(now[0] - before[0], now[1] - before[1]);
  pointers.set(event.pointerId, now);
  if (other) {
    const distance = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    const [middleX, middleY] = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    zoom(distance(now) / Math.max(1, distance(before)), middleX, middleY);
  } else if (wasDragged()) {
    move(before[0] - now[0], before[1] - now[1]);
  }
});

for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, (event) => pointers.delete(event.pointerId));
}

new ResizeObserver(() => {
  if (drawing.bounds) look();
}).observe(diagram);

// On paper all of it is seen.
window.addEventListener("beforeprint", () => {
  isPrinting = true;
  for (const part of document.querySelectorAll("details")) part.open = true;
  const { x, y, width, height } = drawing.bounds;
  drawing.top.removeAttribute("transform");
  drawing.left.removeAttribute("transform");
  diagram.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
});
window.addEventListener("afterprint", () => {
  isPrinting = false;
  look();
});
