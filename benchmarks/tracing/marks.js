/**
 * Marks for `build.py bench click_trace`: a User Timing mark for every message between the parts of the extension, and
 * for what the engine does with fetch, WebCrypto, workers and Media Source.
 *
 * benchmarks/traced.py places this script before every other one of a copy of the packed extension. It wraps the
 * browser's own functions, so the extension's files have no calls for it and the packages do not contain it.
 *
 * Name of a mark: `gomaa.trace|CONTEXT|TEXT`. A mark has names of operations and states, no content of a message.
 */

(() => {
  if (globalThis.gomaaTraced) return;
  globalThis.gomaaTraced = true;

  /** A handler of a message that takes longer gets a mark at its end, ms. */
  const LONG_MS = 1;
  const CONTEXTS = [
    ["/engine/offscreen.html", "engine"],
    ["/player/player.html", "frame"],
    ["/background/firefox.html", "background"],
    ["/background/worker.js", "background"],
    ["/engine/worker.mjs", "core"],
  ];
  const isOfExtension = location.protocol.endsWith("-extension:");
  const context =
    CONTEXTS.find(([path]) => isOfExtension && location.pathname.endsWith(path))?.[1] ??
    // Another worker of the engine has its file's name.
    (typeof globalThis.DedicatedWorkerGlobalScope === "function"
      ? location.pathname.split("/").at(-1)
      : isOfExtension
        ? "screen"
        : "content");

  const mark = (text) => performance.mark(`gomaa.trace|${context}|${text}`);

  /** Operation and state of a message. */
  function describe(message) {
    if (typeof message !== "object" || message === null) return typeof message;
    const { type, op, action, event, state, command, kind } = message;
    if (type === "to") return describe(message.message);
    if (type === "from") return `${kind} ${describe(message.message)}`;
    if (type === "native") return `host ${describe(message.request)}`;
    if (type === "event") return describe(message.event);
    if (type === "state") return typeof state === "object" ? `page state ${state.state}` : `frame state ${state}`;
    if (type === "command") return `command ${command}`;
    if (op) return action ? `${op} ${action}` : op;
    if (event) return `event ${event}`;
    return typeof type === "string" ? type : "message";
  }

  /** Texts for the messages of one channel; an answer has the text of its request. */
  function channel() {
    const requests = new Map();
    return (message) => {
      const id = message?.id;
      const isAnswer = message?.type === "answer" || message?.ok !== undefined || message?.answer !== undefined;
      if (isAnswer && requests.has(id)) return `answer to ${requests.get(id)}`;
      const text = describe(message);
      if (id !== undefined) requests.set(id, text);
      return text;
    };
  }

  /** Calls a handler between marks. */
  function handle(text, handler) {
    mark(`receives ${text}`);
    const began = performance.now();
    const result = handler();
    if (performance.now() - began > LONG_MS) mark(`has handled ${text}`);
    return result;
  }

  /** A port of the extension whose messages are marked. */
  function markedPort(port) {
    const textOf = channel();
    const onMessage = {
      addListener: (listener) =>
        port.onMessage.addListener((message, ...rest) => handle(textOf(message), () => listener(message, ...rest))),
    };
    const postMessage = (message) => {
      mark(`posts ${textOf(message)}`);
      port.postMessage(message);
    };
    return new Proxy(port, {
      get(target, name) {
        if (name === "onMessage") return onMessage;
        if (name === "postMessage") return postMessage;
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Replaces a property, also where it is not writable. */
  const replace = (object, name, value) =>
    Object.defineProperty(object, name, { value, configurable: true, writable: true });

  const runtime = (globalThis.browser ?? globalThis.chrome)?.runtime;
  for (const name of ["connect", "connectNative"]) {
    const original = runtime?.[name]?.bind(runtime);
    if (original) replace(runtime, name, (...parameters) => markedPort(original(...parameters)));
  }
  if (context === "background" && runtime) {
    const { onConnect } = runtime;
    const add = onConnect.addListener.bind(onConnect);
    replace(onConnect, "addListener", (listener) => add((port) => listener(markedPort(port))));
  }

  // Media, WebCrypto and fetch of a content script are the page's own.
  if (context === "content") return;

  const work = globalThis.SubtleCrypto?.prototype;
  for (const name of work ? ["deriveBits", "unwrapKey", "decrypt"] : []) {
    const original = work[name];
    replace(work, name, function (...parameters) {
      mark(`begins ${name}`);
      const result = original.apply(this, parameters);
      result.then(
        () => mark(`ends ${name}`),
        () => undefined,
      );
      return result;
    });
  }

  const fetched = globalThis.fetch;
  replace(globalThis, "fetch", (...parameters) => {
    const [target] = parameters;
    const name = new URL(target.url ?? target, location.href).pathname.split("/").at(-1);
    mark(`fetches ${name}`);
    const result = fetched(...parameters);
    result.then(
      () => mark(`has response of ${name}`),
      () => undefined,
    );
    return result;
  });

  /** Marks the messages of a worker or of a message port. */
  function markMessages(target, who) {
    const textOf = channel();
    const post = target.postMessage.bind(target);
    replace(target, "postMessage", (message, ...rest) => {
      mark(`posts ${who} ${textOf(message)}`);
      post(message, ...rest);
    });
    target.addEventListener("message", ({ data }) => mark(`receives ${who} ${textOf(data)}`));
  }

  if (globalThis.Worker) {
    const OriginalWorker = globalThis.Worker;
    replace(
      globalThis,
      "Worker",
      class extends OriginalWorker {
        constructor(...parameters) {
          super(...parameters);
          markMessages(this, "worker");
        }
      },
    );
  }
  if (typeof globalThis.DedicatedWorkerGlobalScope === "function") markMessages(globalThis, "document");
  // Firefox: background and engine are one page, and have a channel between them.
  if (location.pathname === "/background/firefox.html") {
    const OriginalChannel = globalThis.MessageChannel;
    replace(globalThis, "MessageChannel", function () {
      const made = new OriginalChannel();
      markMessages(made.port1, "pair");
      markMessages(made.port2, "pair");
      return made;
    });
  }

  const buffers = globalThis.SourceBuffer?.prototype;
  if (buffers) {
    const append = buffers.appendBuffer;
    replace(buffers, "appendBuffer", function (bytes) {
      mark("begins append");
      this.addEventListener("updateend", () => mark("ends append"), { once: true });
      append.call(this, bytes);
    });
  }

  const media = globalThis.HTMLMediaElement?.prototype;
  if (media) {
    const listened = new WeakSet();
    const listen = (element) => {
      if (listened.has(element)) return;
      listened.add(element);
      for (const name of ["playing", "waiting", "seeking", "seeked"])
        element.addEventListener(name, () => mark(`audio ${name}`), { capture: true });
    };
    const { play } = media;
    replace(media, "play", function () {
      listen(this);
      mark("calls play");
      return play.call(this);
    });
    const time = Object.getOwnPropertyDescriptor(media, "currentTime");
    Object.defineProperty(media, "currentTime", {
      ...time,
      set(seconds) {
        listen(this);
        mark("sets currentTime");
        time.set.call(this, seconds);
      },
    });
  }
})();
