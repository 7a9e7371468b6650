// The order in which the page comes to life.

function begin() {
  const asked = choiceOf(location.hash);
  const isAsked = Object.values(asked).some((name) => name !== null);
  const [category, task] = model.first[0] ?? [null, null];
  Object.assign(choice, nothing, isAsked ? asked : { category, task });
  makeControls();
  watch(showChoice);
  watch(showPanel);
  watch(showStatus);
  const edge = edgeOf(choice.category, choice.task);
  if (edge) show(edge);
  window.addEventListener("hashchange", () => {
    choose(choiceOf(location.hash), { remember: false });
    const found = edgeOf(choice.category, choice.task);
    if (found) show(found);
  });
}

begin();
