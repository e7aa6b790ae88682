/**
 * Building the pages from JavaScript, without innerHTML: text is always text.
 */

import { seen } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/**
 * An HTML element. `class` and every other name is an attribute; true sets it empty, false, null and undefined leave it
 * out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  set(element, attributes ?? {});
  add(element, children);
  return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes ?? {});
  add(element, children);
  return element;
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, name === "title" || name === "aria-label" ? seen(String(value)) : String(value));
  }
}

/**
 * @param {Element} element
 * @param {(Child | Child[])[]} children
 */
function add(element, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false)
      element.append(typeof child === "string" ? seen(child) : child);
  }
}

/**
 * Replaces what an element holds.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

/**
 * Writes text only where it changed, so that a screen reader and the layout stay quiet.
 * @param {Element} element
 * @param {string} value
 */
export function write(element, value) {
  const text = seen(value);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A click by a person: a script's click (isTrusted false) does nothing.
 * @template {HTMLElement} T
 * @param {T} element
 * @param {(event: MouseEvent) => void} action
 * @returns {T}
 */
export function press(element, action) {
  element.addEventListener("click", (event) => {
    if (event.isTrusted) action(event);
  });
  return element;
}

/**
 * The element with this id, which the page's own HTML has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found;
}
