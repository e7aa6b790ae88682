/**
 * Demodulator of the ultrasonic watermark: soft bits of one segment, which the core judges (pywallet.sps.mark).
 * docs/watermark.md specifies the signal. Only typed arrays come in and go out.
 */

const CARRIER_HZ = 20_630;
const CHIP_HZ = 960;
const ROLLOFF = 0.18;
const SLOTS = 1920;
const GUARD = 10;
const CHIPS = SLOTS - 2 * GUARD;
const CODED = 420;
const STRIDE = 187;
const PIECE = 50;
const MIN_RATE = 44_100;
/** Reach of the matched filter in chips either side; the outer part is tapered, or the music would leak in. */
const REACH = 5;
const FLAT = 3;

/** @param {number[]} taps @returns {Float64Array} +1 and -1 of s[n+11] = XOR of s[n+tap], begun with eleven ones */
function sequence(taps) {
  const bits = new Uint8Array(CHIPS + 11).fill(1, 0, 11);
  for (let n = 11; n < bits.length; n++) bits[n] = taps.reduce((sum, tap) => sum ^ Number(bits[n - 11 + tap]), 0);
  return Float64Array.from(bits.subarray(0, CHIPS), (bit) => 1 - 2 * bit);
}

const PILOT = sequence([0, 2]);
const SPREAD = sequence([0, 2, 5, 8]);

/** The root raised cosine pulse. @param {number} t in chips */
function pulse(t) {
  const b = ROLLOFF;
  if (Math.abs(t) < 1e-9) return 1 - b + (4 * b) / Math.PI;
  if (Math.abs(Math.abs(4 * b * t) - 1) < 1e-9)
    return (
      (b / Math.SQRT2) * ((1 + 2 / Math.PI) * Math.sin(Math.PI / 4 / b) + (1 - 2 / Math.PI) * Math.cos(Math.PI / 4 / b))
    );
  return (
    (Math.sin(Math.PI * t * (1 - b)) + 4 * b * t * Math.cos(Math.PI * t * (1 + b))) /
    (Math.PI * t * (1 - (4 * b * t) ** 2))
  );
}

/** @param {number} a @param {number} b @returns {number} */
const divisor = (a, b) => (b ? divisor(b, a % b) : a);

/**
 * @typedef {object} Filters the matched filter at every place that a chip's middle can have between two samples
 * @property {number} half taps either side
 * @property {number} phases
 * @property {Float64Array[]} cos
 * @property {Float64Array[]} sin
 */

/** @type {Map<number, Filters>} */
const cache = new Map();

/** @param {number} rate */
function filters(rate) {
  const known = cache.get(rate);
  if (known) return known;
  // A chip's middle is (2 s + 1) rate / 1920 samples in.
  const phases = (2 * CHIP_HZ) / divisor(rate, 2 * CHIP_HZ);
  const half = Math.ceil((REACH * rate) / CHIP_HZ);
  const cos = [];
  const sin = [];
  for (let phase = 0; phase < phases; phase++) {
    const c = new Float64Array(2 * half + 1);
    const s = new Float64Array(2 * half + 1);
    for (let k = -half; k <= half; k++) {
      const seconds = (k - phase / phases) / rate;
      const t = seconds * CHIP_HZ;
      const edge = Math.min(1, Math.max(0, (Math.abs(t) - FLAT) / (REACH - FLAT)));
      const value = pulse(t) * 0.5 * (1 + Math.cos(Math.PI * edge));
      c[k + half] = value * Math.cos(2 * Math.PI * CARRIER_HZ * seconds);
      s[k + half] = -value * Math.sin(2 * Math.PI * CARRIER_HZ * seconds);
    }
    cos.push(c);
    sin.push(s);
  }
  const made = { half, phases, cos, sin };
  if (cache.size > 3) cache.clear();
  cache.set(rate, made);
  return made;
}

/** The chips, real and imaginary in turn. @param {Float32Array} pcm @param {number} rate */
function chips(pcm, rate) {
  const { half, phases, cos, sin } = filters(rate);
  const out = new Float64Array(2 * CHIPS);
  const taps = 2 * half + 1;
  const part = Float64Array.from(pcm.subarray(0, (rate * SLOTS) / CHIP_HZ));
  for (let i = 0; i < CHIPS; i++) {
    const odd = 2 * (GUARD + i) + 1;
    const units = (odd * rate * phases) / (2 * CHIP_HZ);
    const whole = Math.floor(units / phases);
    const phase = units - whole * phases;
    const c = /** @type {Float64Array} */ (cos[phase]);
    const s = /** @type {Float64Array} */ (sin[phase]);
    const from = whole - half;
    let re = 0;
    let im = 0;
    for (let k = 0; k < taps; k++) {
      const sample = /** @type {number} */ (part[from + k]);
      re += /** @type {number} */ (c[k]) * sample;
      im += /** @type {number} */ (s[k]) * sample;
    }
    const turn = (-2 * Math.PI * ((CARRIER_HZ * odd) % (2 * CHIP_HZ))) / (2 * CHIP_HZ);
    out[2 * i] = re * Math.cos(turn) - im * Math.sin(turn);
    out[2 * i + 1] = re * Math.sin(turn) + im * Math.cos(turn);
  }
  return out;
}

/** Gain of the channel in every piece, by the pilot, smoothed over its neighbours. @param {Float64Array} values */
function gains(values) {
  const count = CHIPS / PIECE;
  const raw = new Float64Array(2 * count);
  for (let i = 0; i < CHIPS; i++) {
    const piece = Math.floor(i / PIECE);
    const sign = Number(PILOT[i]) / PIECE;
    raw[2 * piece] = Number(raw[2 * piece]) + sign * Number(values[2 * i]);
    raw[2 * piece + 1] = Number(raw[2 * piece + 1]) + sign * Number(values[2 * i + 1]);
  }
  return raw.map((value, n) => {
    const before = Number(raw[n < 2 ? n : n - 2]);
    const after = Number(raw[n + 2 < raw.length ? n + 2 : n]);
    return 0.25 * before + 0.5 * value + 0.25 * after;
  });
}

/**
 * The 420 soft bits (positive for a coded 0) of one segment, or null where it cannot carry a block.
 *
 * @param {Float32Array} pcm mono, its first sample the segment's first; two seconds or more
 * @param {number} rate Hz, of these samples
 * @param {{version?: number, layers?: string[]}} parameters the header's `watermark`
 * @returns {Float32Array | null}
 */
export function demodulate(pcm, rate, parameters) {
  if (parameters.version !== 1 || !parameters.layers?.includes("ultrasonic")) return null;
  if (!Number.isInteger(rate) || rate < MIN_RATE || pcm.length < (rate * SLOTS) / CHIP_HZ) return null;
  const values = chips(pcm, rate);
  const gain = gains(values);
  const soft = new Float64Array(CODED);
  for (let piece = 0; piece < CHIPS / PIECE; piece++) {
    const a = Number(gain[2 * piece]);
    const b = Number(gain[2 * piece + 1]);
    const size = Math.hypot(a, b) + 1e-20;
    let noise = 1e-2 * size * size;
    for (let i = piece * PIECE; i < (piece + 1) * PIECE; i++) {
      const real = (Number(values[2 * i]) * a + Number(values[2 * i + 1]) * b) / size;
      noise += (real - size * Number(PILOT[i])) ** 2 / PIECE;
    }
    for (let i = piece * PIECE; i < (piece + 1) * PIECE; i++) {
      const imaginary = (Number(values[2 * i + 1]) * a - Number(values[2 * i]) * b) / size;
      const place = (i * STRIDE) % CODED;
      soft[place] = Number(soft[place]) + (imaginary * size * Number(SPREAD[i])) / (noise + 1e-30);
    }
  }
  return Float32Array.from(soft);
}

/** The mean of the channels, as the embedder wrote the mark into all of them. @param {Float32Array[]} channels */
export function mono(channels) {
  const [first] = channels;
  if (!first) return new Float32Array(0);
  if (channels.length === 1) return first;
  return first.map((_, i) => channels.reduce((sum, channel) => sum + Number(channel[i]), 0) / channels.length);
}
