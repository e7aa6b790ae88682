/**
 * Demodulator of the ultrasonic watermark: soft bits of one segment, which the core decodes (pywallet.sps.mark).
 * docs/watermark.md specifies the signal.
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
/** Half length of the matched filter in chips, and of its part without taper, which suppresses the music. */
const REACH = 5;
const FLAT = 3;

/**
 * Values +1 and -1 of the sequence s[n+11] = XOR of s[n+tap], which begins with eleven ones.
 * @param {number[]} taps
 * @returns {Float64Array}
 */
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

/** Greatest common divisor. @param {number} a @param {number} b @returns {number} */
const divisor = (a, b) => (b ? divisor(b, a % b) : a);

/**
 * Matched filters for each position of a chip's middle between two samples.
 * @typedef {object} Filters
 * @property {number} half taps on either side
 * @property {number} phases number of positions
 * @property {Float64Array[]} cos
 * @property {Float64Array[]} sin
 */

/** Filters by sample rate. @type {Map<number, Filters>} */
const cache = new Map();

/** Matched filters of a sample rate, cached. @param {number} rate Hz */
function filters(rate) {
  const cached = cache.get(rate);
  if (cached) return cached;
  // The middle of chip s is at sample (2 s + 1) rate / 1920.
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

/** Complex values of the chips, real and imaginary parts interleaved. @param {Float32Array} pcm @param {number} rate */
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

/**
 * Complex gain of the channel in each piece, estimated from the pilot and smoothed over neighbours.
 * @param {Float64Array} values
 */
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
 * Demodulates one segment.
 * @param {Float32Array} pcm mono, from the first sample of the segment on; two seconds or more
 * @param {number} rate of the samples, Hz
 * @param {{version?: number, layers?: string[]}} parameters the header's `watermark`
 * @returns {Float32Array | null} 420 soft bits, positive for a coded 0; null for a segment that cannot have a block
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

/** Mean of the channels: the embedder adds the mark to each. @param {Float32Array[]} channels */
export function mono(channels) {
  const [first] = channels;
  if (!first) return new Float32Array(0);
  if (channels.length === 1) return first;
  return first.map((_, i) => channels.reduce((sum, channel) => sum + Number(channel[i]), 0) / channels.length);
}
