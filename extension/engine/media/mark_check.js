/**
 * Now and then, whether the sound says the address that the header says: the mark is read here, the verdict is
 * Python's.
 */

import { Problem } from "../../shared/problem.js";
import { demodulate } from "./mark.js";
import { native } from "../link.js";
import { song } from "../song_cores.js";

/** One segment of so many is looked at, and always the first one that sounds. */
const ONE_OF = 16;
const BESIDE_MS = 1000;

export class MarkCheck {
  /** @type {boolean} */
  looked = false;

  /**
   * @param {string} stream
   * @param {{watermark: any, rate: number}} song the header's words
   * @param {Uint8Array<ArrayBuffer>} init
   * @param {(problem: Problem) => void} refused
   * @param {(verdict: string) => void} told
   */
  constructor(stream, { watermark, rate }, init, refused, told) {
    this.stream = stream;
    this.watermark = watermark;
    this.rate = rate;
    this.init = init;
    this.refused = refused;
    this.told = told;
  }

  /** Look at a segment beside the music, which never waits for it. @param {number} index @param {ArrayBuffer} clear */
  see(index, clear) {
    if (!this.carries(index) || (this.looked && index % ONE_OF !== 0)) return;
    this.looked = true;
    // Decoding it a second time would keep the first sound waiting for a processor.
    setTimeout(() => this.look(index, clear).catch(() => undefined), BESIDE_MS);
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
  async look(index, clear) {
    const soft = demodulate(await this.pcm(clear), this.rate, this.watermark);
    if (!soft) return;
    const { verdict, found, block } = await song("mark.check", {
      stream: this.stream,
      segment: index,
      soft: Array.from(soft),
    });
    this.told(verdict);
    if (verdict !== "mismatch") return;
    const problem = new Problem("watermark.mismatch", { found, block, segment: index });
    native("problem", { stream: this.stream, code: problem.code }).catch(() => undefined);
    this.refused(problem);
  }

  /** @private One channel of the segment's sound, at the recording's own rate. @param {ArrayBuffer} clear */
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
