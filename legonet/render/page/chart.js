// The loss curve of a training, with values under the pointer and by the arrow keys.

const frame = { width: 380, height: 220, left: 52, right: 12, top: 12, bottom: 40 };
const span = {
  x: frame.width - frame.left - frame.right,
  y: frame.height - frame.top - frame.bottom,
};

/** The lines of a chart: the terms of the loss, their sum, and the loss on held-out examples. */
function seriesOf({ steps, terms, held_out: heldOut }) {
  const lines = Object.entries(terms).map(([name, losses]) => ({
    name,
    points: steps.map((step, number) => [step, losses[number]]),
  }));
  if (lines.length > 1) {
    const sum = (number) => lines.reduce((whole, { points }) => whole + (points[number][1] ?? 0), 0);
    lines.push({ name: "sum", points: steps.map((step, number) => [step, sum(number)]) });
  }
  if (heldOut.length) lines.push({ name: "held out", points: heldOut });
  return lines.map((line) => ({ ...line, points: line.points.filter(([, loss]) => loss !== null) }))
    .filter((line) => line.points.length > 0);
}

/** A loss of four digits at most. */
function lossText(loss) {
  if (loss === 0) return "0";
  return Math.abs(loss) < 0.001 || Math.abs(loss) >= 10000
    ? loss.toExponential(1).replace(".0e", "e")
    : String(Number(loss.toPrecision(3)));
}

function axisOf(losses) {
  const positive = losses.filter((loss) => loss > 0);
  const [least, most] = [Math.min(...positive), Math.max(...losses)];
  if (positive.length === losses.length && most / least > 30) {
    const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
    const every = Math.ceil((to - from) / 6);
    const marks = [];
    for (let power = from; power <= to; power += every) marks.push(10 ** power);
    return { marks, isLog: true, place: (loss) => (Math.log10(loss) - from) / (to - from) };
  }
  const bottom = Math.min(0, ...losses);
  const marks = roundMarks(bottom, most);
  const top = Math.max(marks.at(-1), most);
  return { marks, isLog: false, place: (loss) => (loss - bottom) / (top - bottom || 1) };
}

function roundMarks(from, to) {
  const rough = (to - from || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const every = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const marks = [];
  for (let number = Math.ceil(from / every); number * every < to + every; number += 1) {
    marks.push(Number((number * every).toPrecision(12)));
  }
  return marks;
}

function chartOf(curve, title) {
  const lines = seriesOf(curve);
  if (lines.length === 0) return element("p", { class: "soft" }, "No loss of this training was finite.");
  const steps = [...new Set(lines.flatMap(({ points }) => points.map(([step]) => step)))]
    .sort((one, other) => one - other);
  const axis = axisOf(lines.flatMap(({ points }) => points.map(([, loss]) => loss)));
  const last = Math.max(1, steps.at(-1));
  const first = Math.min(steps[0], last);
  const x = (step) => frame.left + (span.x * (step - first)) / (last - first || 1);
  const y = (loss) => frame.top + span.y * (1 - axis.place(loss));
  const visibility = "hidden";
  const cursor = shape("line", {
    class: "cursor", y1: frame.top, y2: frame.top + span.y, visibility,
  });
  const dots = lines.map(({ name }) =>
    shape("circle", { class: `dot ${termClass(name)}`, r: 3.5, visibility }));
  const picture = shape("svg", {
    class: "chart",
    viewBox: `0 0 ${frame.width} ${frame.height}`,
    role: "img",
    tabindex: 0,
    "aria-label": `${title}: ${lines.map(saidOfLine).join("; ")}`,
  },
  ...axis.marks.map((loss) => markOf(loss, y(loss))),
  ...stepMarks(first, last).map((step) => shape("text", {
    class: "mark", x: x(step), y: frame.height - 24, "text-anchor": "middle",
  }, String(step))),
  shape("text", {
    class: "mark", x: frame.left + span.x / 2, y: frame.height - 7, "text-anchor": "middle",
  }, `step${axis.isLog ? ", loss on a logarithmic axis" : ""}`),
  ...lines.map(({ name, points }) => shape("path", {
    class: `curve ${termClass(name)}`,
    d: `M${points.map(([step, loss]) => `${x(step).toFixed(2)},${y(loss).toFixed(2)}`).join("L")}`,
  })),
  ...lines.filter(({ name, points }) => name === "held out" || points.length === 1)
    .flatMap(({ name, points }) => points.map(([step, loss]) => shape("circle", {
      class: `dot ${termClass(name)}`, cx: x(step), cy: y(loss), r: 2.5,
    }))),
  cursor,
  ...dots);
  const values = lines.map(() => element("span"));
  const stepValue = element("span", {}, `${steps.length} steps kept`);
  const readout = element("dl", { class: "readout", "aria-live": "polite" },
    element("div", {}, element("dt", {}, "step"), element("dd", {}, stepValue)),
    ...lines.map(({ name }, number) => element("div", { class: termClass(name) },
      element("dt", {}, sampleOf(name), name), element("dd", {}, values[number]))));
  let at = steps.length - 1;
  function point(number) {
    at = Math.min(steps.length - 1, Math.max(0, number));
    const step = steps[at];
    cursor.setAttribute("x1", x(step));
    cursor.setAttribute("x2", x(step));
    cursor.setAttribute("visibility", "visible");
    stepValue.textContent = String(step);
    lines.forEach(({ points }, line) => {
      const found = points.findLast(([other]) => other <= step) ?? points[0];
      values[line].textContent = lossText(found[1]);
      dots[line].setAttribute("cx", x(found[0]));
      dots[line].setAttribute("cy", y(found[1]));
      dots[line].setAttribute("visibility", "visible");
    });
  }
  function leave() {
    point(steps.length - 1);
    for (const mark of [cursor, ...dots]) mark.setAttribute("visibility", "hidden");
  }
  leave();
  picture.addEventListener("pointermove", (event) => {
    const place = picture.getBoundingClientRect();
    const wanted = ((event.clientX - place.x) / place.width) * frame.width;
    const distances = steps.map((step) => Math.abs(x(step) - wanted));
    point(distances.indexOf(Math.min(...distances)));
  });
  picture.addEventListener("pointerleave", leave);
  picture.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    point(moves[event.key]);
  });
  return element("figure", { class: "loss" }, picture, readout);
}

const termClass = (name) => `term-${name.replace(/\W/g, "-")}`;

function saidOfLine({ name, points }) {
  const [[start, from], [end, to]] = [points[0], points.at(-1)];
  return `${name} from ${lossText(from)} at step ${start} to ${lossText(to)} at step ${end}`;
}

function markOf(loss, y) {
  return shape("g", {},
    shape("line", { class: "rule", x1: frame.left, x2: frame.width - frame.right, y1: y, y2: y }),
    shape("text", { class: "mark", x: frame.left - 8, y: y + 4, "text-anchor": "end" }, lossText(loss)));
}

const stepMarks = (first, last) =>
  roundMarks(first, last).filter((step) => step >= first && step <= last && Number.isInteger(step));

const sampleOf = (name) => shape("svg", { class: "sample", viewBox: "0 0 22 8", "aria-hidden": "true" },
  shape("path", { class: `curve ${termClass(name)}`, d: "M1,4H21" }));
