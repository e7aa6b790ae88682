// Runs ahead of everything else in a page, and again after it: whatever passes through the page's own objects is kept
// in `loot`.
{
  window.loot ??= [];
  const { loot } = window;
  const note = (value) => {
    try {
      if (typeof value === "string") loot.push(value);
      else if (value instanceof Node) loot.push(`${value.localName} ${value.src ?? ""}`);
      else loot.push(String(value?.url ?? value?.data ?? value));
    } catch {
      // It has no text.
    }
  };
  const hook = (holder, ...names) => {
    for (const name of names) {
      const was = holder[name];
      holder[name] = function (...all) {
        for (let i = 0; i < all.length; i++) note(all[i]);
        const out = was.apply(this, all);
        note(out);
        return out;
      };
    }
  };
  hook(Element.prototype, "attachShadow", "setAttribute", "append", "replaceChildren", "querySelector");
  hook(Node.prototype, "appendChild", "insertBefore");
  hook(MessagePort.prototype, "postMessage");
  hook(EventTarget.prototype, "addEventListener", "dispatchEvent");
  hook(Document.prototype, "createElement");
  hook(JSON, "parse", "stringify");
  hook(Array.prototype, "map", "find");
  hook(Map.prototype, "get", "set");
  hook(Promise.prototype, "then");
  hook(CustomElementRegistry.prototype, "define", "get");
  hook(Object, "assign", "entries", "defineProperty");
  hook(window, "postMessage", "setTimeout");
  const src = {
    configurable: true,
    set(value) {
      note(`src ${value}`);
      this.setAttribute("src", value);
    },
  };
  Reflect.defineProperty(HTMLIFrameElement.prototype, "src", src);
  for (const name of ["url", "stream", "element", "port"]) {
    Reflect.defineProperty(Object.prototype, name, {
      configurable: true,
      set(value) {
        note(`${name} ${value}`);
      },
    });
  }
  addEventListener("message", (event) => note(`message ${event.origin} ${event.data}`));
  addEventListener("securitypolicyviolation", (event) => note(`policy ${event.blockedURI}`));
}
