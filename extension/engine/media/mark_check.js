/**
 * Compares the watermark of some segments with the address of the header: demodulated here, decoded by the core.
 */

import { Problem } from "../../shared/problem.js";
import { demodulate } from "./mark.js";
import { native } from "../link.js";
import { song } from "../song_cores.js";

/** The first segment with a mark is checked, and every one at a multiple of this index. */
const CHECK_EVERY = 16;
/** The check waits for the first sound: decoding twice would delay it. */
const DELAY_MS = 1000;

export class MarkCheck {
  /** A segment was checked. */
  hasChecked = false;

  /**
   * @param {string} stream
   * @param {{watermark: import("../core_operations.d.ts").Watermark | null, rate: number}} song by its header
   * @param {Uint8Array<ArrayBuffer>} init initialization segment
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
    if (!this.carries(index) || (this.hasChecked && index % CHECK_EVERY !== 0)) return;
    this.hasChecked = true;
    setTimeout(() => this.check(index, clear).catch(() => undefined), DELAY_MS);
  }

  /** True if a segment has a mark, by the header. @private @param {number} index */
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
    const soft = this.watermark && demodulate(await this.pcm(clear), this.rate, this.watermark);
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

  /** Mono samples of a segment at the rate of the recording. @private @param {ArrayBuffer} clear */
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
