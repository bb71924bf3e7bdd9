/** Building and keeping elements; text always enters as text. */

/** An element with attributes (a function is a listener, null and false leave one out) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** Set text only where it differs, so that a screen reader hears changes and nothing else. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make the children of `list` those of `items`, one each, in order. `make(item)` builds an element,
 * `update(element, item)` brings it up to date. Elements stay where they can: focus is not lost.
 */
export function keyed(list, items, key, make, update) {
  const focused = document.activeElement;
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = known.get(name);
    if (!element) {
      element = make(item);
      element.dataset.key = name;
    }
    known.delete(name);
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
  }
  for (const gone of known.values()) gone.remove();
  if (focused !== document.activeElement && list.contains(focused)) focused.focus();
}
