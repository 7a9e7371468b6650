// What the person chose and what they search for. The address keeps the choice.

const nothing = { category: null, task: null, network: null };
const choice = { ...nothing };
const filter = { words: [], hidden: new Set() };
const watchers = [];

/** Call a function now and whenever the choice or the filter changed. */
function watch(look) {
  watchers.push(look);
  look();
}

function changed() {
  for (const look of watchers) look();
}

function choose(next, { remember = true } = {}) {
  Object.assign(choice, nothing, next);
  if (remember) history.replaceState(null, "", addressOf(choice) || location.pathname + location.search);
  changed();
}

function chooseItem(item) {
  switch (item.kind) {
    case "network":
      return choose({ network: item.name });
    case "category":
      return choose({
        category: choice.category === item.name ? null : item.name,
        task: choice.task,
      });
    case "task":
      return choose({
        category: choice.category,
        task: choice.task === item.name ? null : item.name,
      });
    default:
      return choose({ category: item.category, task: item.task });
  }
}

function search(text) {
  filter.words = text.toLowerCase().split(/\s+/).filter((word) => word && word !== "->");
  choose(nothing);
}

function showState(state, shown) {
  if (shown) filter.hidden.delete(state);
  else filter.hidden.add(state);
  changed();
}

const isFiltered = () => filter.words.length > 0 || filter.hidden.size > 0;

function matches(item) {
  if (item.kind === "edge" && filter.hidden.has(item.state)) return false;
  return filter.words.every((word) => item.searched.includes(word));
}

/** Whether an item belongs to the choice: the path or module itself, and what it is made of. */
function isNear(item) {
  const { category, task, network } = choice;
  const edge = edgeOf(category, task);
  if (network !== null) {
    return item.name === network || item.network === network || item.init === network
      || item.teacher === network || networks.get(network).init === item.name;
  }
  if (category !== null && task !== null) {
    if (item.kind === "network") {
      return [categories.get(category).network, tasks.get(task).network, edge?.teacher]
        .includes(item.name);
    }
    return isChosen(item);
  }
  if (item.kind === "network") {
    return item.name === (categories.get(category) ?? tasks.get(task)).network;
  }
  if (item.kind === "edge") return item.category === category || item.task === task;
  if (isChosen(item)) return true;
  return category !== null
    ? item.kind === "task" && edgeOf(category, item.name) !== null
    : item.kind === "category" && edgeOf(item.name, task) !== null;
}

/** Whether an item is the chosen module, or a part of the chosen path. */
function isChosen(item) {
  switch (item.kind) {
    case "network":
      return item.name === choice.network;
    case "category":
      return item.name === choice.category;
    case "task":
      return item.name === choice.task;
    default:
      return item.category === choice.category && item.task === choice.task;
  }
}

const isAnyChosen = () => Object.values(choice).some((name) => name !== null);

function addressOf({ category, task, network }) {
  const name = encodeURIComponent;
  if (network !== null) return `#network:${name(network)}`;
  if (category !== null && task !== null) return `#${name(category)}->${name(task)}`;
  if (category !== null) return `#category:${name(category)}`;
  return task !== null ? `#task:${name(task)}` : "";
}

/** The choice that an address asks for, less the names that this graph does not have. */
function choiceOf(address) {
  let text;
  try {
    text = decodeURIComponent(address.replace(/^#/, ""));
  } catch {
    return { ...nothing }; // something typed by hand is not an address
  }
  const known = (names, name) => (names.has(name) ? name : null);
  const ends = /^(.*)->(.*)$/su.exec(text);
  if (ends) return { category: known(categories, ends[1]), task: known(tasks, ends[2]) };
  const [, kind, name] = /^(network|category|task):(.*)$/su.exec(text) ?? [];
  if (kind === undefined) return { ...nothing };
  return { [kind]: known({ network: networks, category: categories, task: tasks }[kind], name) };
}
