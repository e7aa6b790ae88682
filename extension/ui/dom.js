/**
 * Creates DOM nodes without innerHTML: text is never parsed as markup.
 */

import { visibleText } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/**
 * Creates an HTML element. Every name, also `class`, is an attribute; true sets it empty; false, null and undefined
 * omit it.
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
 * Creates an SVG element.
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
 * Sets or removes attributes.
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else
      element.setAttribute(
        name,
        name === "title" || name === "aria-label" ? visibleText(String(value)) : String(value),
      );
  }
}

/**
 * Appends children.
 * @param {Element} element
 * @param {(Child | Child[])[]} children
 */
function add(element, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false)
      element.append(typeof child === "string" ? visibleText(child) : child);
  }
}

/**
 * Replaces the children of an element.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

/**
 * Sets the text of an element where it has changed: other writes would trigger layout and screen readers.
 * @param {Element} element
 * @param {string} value
 */
export function write(element, value) {
  const text = visibleText(value);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Adds a handler for clicks by a person; a script's click (isTrusted false) is ignored.
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
 * The element with an id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no #${id}`);
  return element;
}
