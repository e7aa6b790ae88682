/**
 * Stands in for the browser's extension API in previews and accessibility checks. Loaded only by stage.py, never
 * shipped.
 * `__preview` is put before it: {messages, scenario}.
 */
(() => {
  const { messages, scenario } = globalThis.__preview;
  const said = (globalThis.__said = []);
  const listeners = () => {
    const all = [];
    return { addListener: (listener) => all.push(listener), all };
  };
  const connect = ({ name }) => {
    const onMessage = listeners();
    const onDisconnect = listeners();
    const tell = (message) =>
      setTimeout(() => onMessage.all.forEach((listener) => listener(structuredClone(message))), 0);
    if (name.startsWith("player:")) for (const message of scenario.player ?? []) tell(message);
    globalThis.__tell = tell;
    return {
      name,
      onMessage,
      onDisconnect,
      disconnect() {},
      postMessage(message) {
        said.push(message);
        if (name !== "wallet" && name !== "approval") return;
        const given = (scenario.wallet ?? {})[message.type];
        // A test may answer by itself, when it will: {id, ok, result}.
        if (given === "test")
          return void (globalThis.__asked ??= []).push({
            ...message,
            answer: (result) => tell({ id: message.id, ok: true, result }),
          });
        if (given === "never") return;
        // The core reads back the words that were typed; the sample's own are all spelt right.
        const answer =
          message.type === "wallet.spelling" && given?.holds
            ? { ...given, words: message.words.split(/\s+/).filter(Boolean) }
            : given;
        if (answer && answer.error) tell({ id: message.id, ok: false, error: answer.error });
        else tell({ id: message.id, ok: true, result: answer ?? {} });
      },
    };
  };
  // As the content script gives a frame its key, once the frame is there.
  if (location.pathname.endsWith("/player.html"))
    addEventListener("DOMContentLoaded", () => window.postMessage({ gomaa: "0".repeat(32) }, location.origin));
  globalThis.chrome = {
    i18n: {
      getMessage: (key, values = []) =>
        (messages[key]?.message ?? "").replace(/\$(\d)/g, (_, n) => values[Number(n) - 1] ?? ""),
      getUILanguage: () => messages.lang.message,
    },
    runtime: { connect, getURL: (path) => `/${path}`, getManifest: () => ({ version: "0.1.0" }) },
    tabs: { create: async (options) => said.push({ type: "tab", ...options }) },
  };
})();
