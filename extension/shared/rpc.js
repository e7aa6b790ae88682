/**
 * Requests that wait for their responses over a message channel, matched by id.
 */

/**
 * @template Result
 * @template Context
 * @typedef {{resolve: (value: Result) => void, reject: (error: Error) => void,
 *   timer: ReturnType<typeof setTimeout> | undefined, context: Context | undefined}} PendingRequest
 */

/**
 * Pending requests by id.
 * @template [Result=unknown] the response
 * @template [Context=undefined] what is kept with a request, such as its message
 */
export class RequestMap {
  #lastId = 0;
  /** In the order in which they were sent. @type {Map<number, PendingRequest<Result, Context>>} */
  #pending = new Map();

  /** Number of requests without a response. */
  get size() {
    return this.#pending.size;
  }

  /** Id of the oldest pending request; undefined without one. @returns {number | undefined} */
  get oldest() {
    return this.#pending.keys().next().value;
  }

  /** True if this request is pending. @param {unknown} id */
  has(id) {
    return typeof id === "number" && this.#pending.has(id);
  }

  /** Ids and contexts of the pending requests. @returns {[number, Context | undefined][]} */
  entries() {
    return [...this.#pending].map(([id, { context }]) => [id, context]);
  }

  /**
   * Sends a request under a new id.
   * @param {(id: number) => void} send
   * @param {{timeoutMs?: number, timeoutError?: () => Error, context?: Context}} [options] `timeoutError`: the
   *   rejection after `timeoutMs`; without `timeoutMs` a request is pending until it is settled
   * @returns {Promise<Result>} the response; rejected where `send` throws
   */
  request(send, { timeoutMs, timeoutError = () => new Error("timeout"), context } = {}) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.reject(id, timeoutError()), timeoutMs);
      this.#pending.set(id, { resolve, reject, timer, context });
      try {
        send(id);
      } catch (error) {
        this.reject(id, /** @type {Error} */ (error));
      }
    });
  }

  /**
   * Settles a request with its result.
   * @param {unknown} id
   * @param {Result} value
   * @returns {boolean} false for an unknown id
   */
  resolve(id, value) {
    const request = this.#take(id);
    request?.resolve(value);
    return request !== undefined;
  }

  /** Settles a request with an error. @param {unknown} id @param {Error} error @returns {boolean} false: unknown id */
  reject(id, error) {
    const request = this.#take(id);
    request?.reject(error);
    return request !== undefined;
  }

  /** Rejects every pending request: the connection has closed. @param {Error} error */
  rejectAll(error) {
    for (const id of [...this.#pending.keys()]) this.reject(id, error);
  }

  /** Removes a request. @param {unknown} id */
  #take(id) {
    if (typeof id !== "number") return undefined;
    const request = this.#pending.get(id);
    clearTimeout(request?.timer);
    this.#pending.delete(id);
    return request;
  }
}
