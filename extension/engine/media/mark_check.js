/**
 * Compares the watermark of some segments with the header's address: demodulated here, judged by the core.
 */

import { Problem } from "../../shared/problem.js";
import { demodulate } from "./mark.js";
import { native } from "../link.js";
import { song } from "../song_cores.js";

/** One segment of so many is checked, and always the first one. */
const ONE_OF = 16;
/** The check waits for the first sound: decoding twice would delay it. */
const DELAY_MS = 1000;

export class MarkCheck {
  /** @type {boolean} */
  hasChecked = false;

  /**
   * @param {string} stream
   * @param {{watermark: any, rate: number}} song of the header
   * @param {Uint8Array<ArrayBuffer>} init
   * @param {(problem: Problem) => void} onMismatch
   * @param {(verdict: string) => void} onVerdict
   */
  constructor(stream, { watermark, rate }, init, onMismatch, onVerdict) {
    this.stream = stream;
    this.watermark = watermark;
    this.rate = rate;
    this.init = init;
    this.onMismatch = onMismatch;
    this.onVerdict = onVerdict;
  }

  /** Checks a decrypted segment, later. @param {number} index @param {ArrayBuffer} clear */
  onSegment(index, clear) {
    if (!this.carries(index) || (this.hasChecked && index % ONE_OF !== 0)) return;
    this.hasChecked = true;
    setTimeout(() => this.check(index, clear).catch(() => undefined), DELAY_MS);
  }

  /** @private @param {number} index */
  carries(index) {
    const every = this.watermark?.every ?? 1;
    return (
      Boolean(this.watermark?.layers?.includes("ultrasonic")) &&
      Number.isInteger(every) &&
      every > 0 &&
      index % every === 0
    );
  }

  /** @private @param {number} index @param {ArrayBuffer} clear */
  async check(index, clear) {
    const soft = demodulate(await this.pcm(clear), this.rate, this.watermark);
    if (!soft) return;
    const { verdict, found, block } = await song("mark.check", {
      stream: this.stream,
      segment: index,
      soft: Array.from(soft),
    });
    this.onVerdict(verdict);
    if (verdict !== "mismatch") return;
    const problem = new Problem("watermark.mismatch", { found, block, segment: index });
    native("problem", { stream: this.stream, code: problem.code }).catch(() => undefined);
    this.onMismatch(problem);
  }

  /** @private Mono samples of a segment at the recording's rate. @param {ArrayBuffer} clear */
  async pcm(clear) {
    const whole = new Uint8Array(this.init.length + clear.byteLength);
    whole.set(this.init);
    whole.set(new Uint8Array(clear), this.init.length);
    const sound = await new OfflineAudioContext(1, 1, this.rate).decodeAudioData(whole.buffer);
    const mono = new Float32Array(sound.length);
    for (let channel = 0; channel < sound.numberOfChannels; channel++) {
      const data = sound.getChannelData(channel);
      for (let i = 0; i < mono.length; i++)
        mono[i] = /** @type {number} */ (mono[i]) + /** @type {number} */ (data[i]) / sound.numberOfChannels;
    }
    return mono;
  }
}
