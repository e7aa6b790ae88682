// What errors, stacks and their files name, wherever the extension's own scripts run in the page's world: kept in
// `stacks`.
{
  const stacks = (window.stacks ??= []);
  const say = (error) => {
    for (const name of ["stack", "fileName", "filename", "sourceURL", "message"])
      stacks.push(String(error?.[name] ?? ""));
  };
  const here = () => say(new Error("here"));
  for (const [holder, ...names] of [
    [EventTarget.prototype, "dispatchEvent", "addEventListener"],
    [Element.prototype, "setAttribute", "querySelector", "getAttribute"],
    [HTMLElement.prototype, "attachInternals"],
    [window, "queueMicrotask", "setInterval"],
    [JSON, "parse", "stringify"],
    [Object, "freeze", "assign"],
  ]) {
    for (const name of names) {
      const was = holder[name];
      holder[name] = function (...all) {
        here();
        return was.apply(this, all);
      };
    }
  }
  addEventListener("error", say, true);
  addEventListener("unhandledrejection", ({ reason }) => say(reason));
  window.tryThem = () => {
    const p = document.querySelector("sps-player");
    const tries = [
      () => (p.volume = NaN),
      () => (p.volume = 2),
      () => (p.playbackRate = 99),
      () => (p.currentTime = NaN),
      () => p.buffered.start(9),
      () => p.fastSeek(NaN),
      () => (p.volume = Symbol("x")),
      () =>
        (p.playbackRate = {
          valueOf() {
            here();
            throw new Error("own");
          },
        }),
      () => Object.getPrototypeOf(p).play.call({}),
      () => new p.constructor(1),
      () => p.connectedCallback.call({}),
      () => Object.getOwnPropertyDescriptor(Object.getPrototypeOf(p), "paused").get.call({}),
      () => p.attachInternals(),
      () => Object.getPrototypeOf(p).attributeChangedCallback.call({}, "loop", null, "x"),
    ];
    for (const work of tries) {
      try {
        work();
      } catch (error) {
        say(error);
      }
    }
    document.createElement("sps-player").play().catch(say);
    p.play().catch(say);
    addEventListener("eip6963:announceProvider", ({ detail: { provider } }) => {
      here();
      for (const work of [
        () => provider.request(),
        () => provider.request({ method: 1 }),
        () => provider.request({ method: "eth_sign", params: 1n }),
        () => provider.on("x", 1),
        () => provider.request.call({}, { method: "eth_accounts" }),
      ]) {
        try {
          work()?.catch?.(say);
        } catch (error) {
          say(error);
        }
      }
    });
    dispatchEvent(new Event("eip6963:requestProvider"));
    setTimeout(() => {
      window.triedThem = true;
    }, 1000);
  };
}
