// Elements of the page and of its pictures. Texts are set as texts, never as markup.

const pictureSpace = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const element = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

const shape = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(pictureSpace, tag), attributes, children);

/** A name from the spec: it may be written in another direction than the text around it. */
const nameOf = (text) => element("bdi", {}, text);

const letters = document.createElement("canvas").getContext("2d");
const fontFamily = getComputedStyle(document.body).fontFamily;

function widthOf(text, font) {
  letters.font = `${font} ${fontFamily}`;
  return letters.measureText(text).width;
}

/** A text that is cut where it would be wider than some pixels. */
function fitted(text, font, width) {
  if (widthOf(text, font) <= width) return text;
  const signs = Array.from(text);
  let [fits, tooLong] = [0, signs.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (widthOf(signs.slice(0, middle).join("") + "…", font) <= width) fits = middle;
    else tooLong = middle;
  }
  return signs.slice(0, fits).join("") + "…";
}
