// Every place in which a page could find the address of the player's frame: what it says there is kept in `found`, as
// text.
{
  const found = (window.found = []);
  const say = (value) => found.push(String(value ?? ""));
  const tried = (work) => {
    try {
      say(work());
    } catch {
      // Not to be had.
    }
  };
  const p = document.querySelector("sps-player");
  const roots = [document, window.root].filter(Boolean);
  const style =
    "sps-player::part(player) { animation: moving 9s infinite } @keyframes moving { to { outline: 1px solid } }";
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  const { left, top, width, height } = p.getBoundingClientRect();
  p.focus();
  const looking = () => {
    for (const root of roots) {
      for (const element of root.querySelectorAll("*")) {
        for (const name of ["outerHTML", "src", "data", "href", "baseURI"])
          tried(() => element.localName !== "script" && element[name]);
        tried(() => element.shadowRoot?.innerHTML);
        tried(() => element.attachInternals().shadowRoot?.innerHTML);
        tried(() => element.contentWindow?.location.href);
        tried(() => element.getHTML?.({ serializableShadowRoots: true }));
        if (element.localName === "div")
          tried(() => element.cloneNode(true).attachShadow({ mode: "closed" }).innerHTML);
        if (element.localName === "div") tried(() => element.attachShadow({ mode: "closed" }).innerHTML);
      }
      for (const one of [root, ...root.querySelectorAll("*")])
        for (const animation of one.getAnimations?.({ subtree: true }) ?? [])
          tried(() => `${animation.effect.target.localName} ${animation.effect.target.src}`);
      for (let x = left + 5; x < left + width; x += 40)
        for (let y = top + 5; y < top + height; y += 40)
          for (const hit of root.elementsFromPoint?.(x, y) ?? []) tried(() => hit.src);
      tried(() => root.activeElement?.src);
    }
    for (let i = 0; i < window.length; i++) tried(() => `frame ${window[i].location}`);
    for (const entry of performance.getEntries()) say(JSON.stringify(entry));
    for (const name of Object.getOwnPropertyNames(window)) if (/^\d+$/.test(name)) say(`frame ${name}`);
  };
  for (const type of PerformanceObserver.supportedEntryTypes) {
    tried(() =>
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          say(JSON.stringify(entry));
          for (const source of entry.sources ?? []) tried(() => source.node?.src);
          for (const one of entry.attribution ?? []) say(JSON.stringify(one));
        }
      }).observe({ type, buffered: true }),
    );
  }
  for (const name of [
    "focusin",
    "pointerover",
    "load",
    "animationstart",
    "message",
    "securitypolicyviolation",
    "error",
  ]) {
    addEventListener(
      name,
      (event) => {
        say(event.blockedURI);
        say(event.origin);
        for (const target of event.composedPath()) tried(() => target.src);
      },
      true,
    );
  }
  looking();
  requestAnimationFrame(() =>
    setTimeout(() => {
      looking();
      window.looked = true;
    }, 300),
  );
}
