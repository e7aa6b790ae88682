// Client of the studio's HTTP API. URLs are relative, so that they include the token of the page's URL.

/** A response's JSON; throws an Error with the message of an error response. @param {Response} response */
async function json(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(errorMessage(body, response.status));
  return body;
}

/** The message of an error response. @param {any} body @param {number} status */
function errorMessage(body, status) {
  const error = body?.error ?? {};
  const reason = error.detail?.reason ?? "";
  return `${error.message ?? `The studio answered ${status}.`}${reason ? ` (${error.detail?.field ? `${error.detail.field}: ` : ""}${reason})` : ""}`;
}

/** Send a GET, or a POST with a body. @param {string} path @param {unknown} [body] */
export async function call(path, body) {
  const options =
    body === undefined
      ? {}
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(`api/${path}`, options);
  } catch {
    throw new Error("The studio doesn't answer. Is gomaa studio still running?");
  }
  return json(response);
}

/** Start a release. @param {object} form */
export const startRelease = (form) => call("releases", form);

/**
 * Upload a recording.
 * @param {File} file @param {(share: number) => void} onProgress share sent, 0 to 1 @returns {Promise<any>}
 */
export function uploadRecording(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch() reports no upload progress
    request.open("PUT", `api/recordings?name=${encodeURIComponent(file.name)}`);
    request.responseType = "json";
    request.upload.addEventListener(
      "progress",
      (event) => event.lengthComputable && onProgress(event.loaded / event.total),
    );
    request.addEventListener("error", () =>
      reject(new Error("The studio doesn't answer. Is gomaa studio still running?")),
    );
    request.addEventListener("load", () =>
      request.status === 200
        ? resolve(request.response)
        : reject(new Error(errorMessage(request.response, request.status))),
    );
    request.send(file);
  });
}

/**
 * Receive a release's states until it has ended; EventSource reconnects by itself.
 * @param {string} id @param {(state: any) => void} onProgress @returns {Promise<void>}
 */
export function watchRelease(id, onProgress) {
  return new Promise((resolve) => {
    const source = new EventSource(`api/releases/${id}/events`);
    const retry = document.getElementById("again");
    if (retry) retry.dataset.release = id;
    source.addEventListener("message", (event) => {
      const state = JSON.parse(event.data);
      onProgress(state);
      if (!state.receipt && !state.error) return;
      source.close();
      resolve();
    });
  });
}
