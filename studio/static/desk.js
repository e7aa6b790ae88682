// What the page asks of the studio behind it. Addresses are relative, so that the token stays in the address bar.

/** An answer's value; its sentence as an Error. @param {Response} answer */
async function value(answer) {
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(sentence(said, answer.status));
  return said;
}

/** The words of a refusal. @param {any} said @param {number} status */
function sentence(said, status) {
  const error = said?.error ?? {};
  const reason = error.detail?.reason ?? "";
  return `${error.message ?? `The studio answered ${status}.`}${reason ? ` (${error.detail?.field ? `${error.detail.field}: ` : ""}${reason})` : ""}`;
}

/** Ask, or with a body tell. @param {string} path @param {unknown} [body] */
export async function call(path, body) {
  const how =
    body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(`api/${path}`, how);
  } catch {
    throw new Error("The studio doesn't answer. Is gomaa studio still running?");
  }
  return value(answer);
}

/** Start a release. @param {object} what */
export const begin = (what) => call("releases", what);

/**
 * Hand a recording over, telling the share that has arrived.
 * @param {File} file @param {(share: number) => void} onProgress @returns {Promise<any>}
 */
export function drop(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch() tells nothing of how far an upload is
    request.open("PUT", `api/recordings?name=${encodeURIComponent(file.name)}`);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () =>
      reject(new Error("The studio doesn't answer. Is gomaa studio still running?")),
    );
    request.addEventListener("load", () =>
      request.status === 200
        ? resolve(request.response)
        : reject(new Error(sentence(request.response, request.status))),
    );
    request.send(file);
  });
}

/**
 * Follow a release until it has ended; a lost connection is taken up again by the browser.
 * @param {string} id @param {(state: any) => void} onProgress @returns {Promise<void>}
 */
export function watch(id, onProgress) {
  return new Promise((resolve) => {
    const source = new EventSource(`api/releases/${id}/events`);
    const again = document.getElementById("again");
    if (again) again.dataset.release = id;
    source.addEventListener("message", (event) => {
      const state = JSON.parse(event.data);
      onProgress(state);
      if (!state.receipt && !state.error) return;
      source.close();
      resolve();
    });
  });
}
