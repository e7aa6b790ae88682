/**
 * Discards responses that arrive after the response to a later request.
 */

/** The order of one kind of request. */
export class LatestResponse {
  #lastRequest = 0;
  #lastResponse = 0;

  /**
   * Sends a request.
   * @template Result
   * @param {() => Promise<Result>} request
   * @returns {Promise<Result | null>} null where a later request has its response already, or after `discardPending`
   */
  async of(request) {
    const current = ++this.#lastRequest;
    const result = await request();
    if (current < this.#lastResponse) return null;
    this.#lastResponse = current;
    return result;
  }

  /** Discards the responses to all pending requests. */
  discardPending() {
    this.#lastResponse = ++this.#lastRequest;
  }
}
