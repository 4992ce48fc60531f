/* MD5 as RFC 1321 describes it, fed in pieces: browsers have no MD5 of their own. */
(() => {
  "use strict";

  const TURNS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
  const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))));
  const STEPS = [1, 5, 3, 7];
  const STARTS = [0, 1, 5, 0];
  const PIECE = 2 ** 21;

  class Md5 {
    constructor() {
      this.state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
      this.words = new Int32Array(16);
      this.rest = new Uint8Array(64);
      this.size = 0;
    }

    update(bytes) {
      let from = 0;
      const kept = this.size % 64;
      this.size += bytes.length;
      if (kept) {
        from = Math.min(64 - kept, bytes.length);
        this.rest.set(bytes.subarray(0, from), kept);
        if (kept + from < 64) return;
        this.block(this.rest, 0);
      }
      for (; from + 64 <= bytes.length; from += 64) this.block(bytes, from);
      this.rest.set(bytes.subarray(from));
    }

    block(bytes, from) {
      const { state, words } = this;
      for (let i = 0; i < 16; i++, from += 4) {
        words[i] = bytes[from] | (bytes[from + 1] << 8) | (bytes[from + 2] << 16) | (bytes[from + 3] << 24);
      }
      let [a, b, c, d] = state;
      for (let i = 0; i < 64; i++) {
        const round = i >> 4;
        const mixed =
          round === 0 ? (b & c) | (~b & d)
          : round === 1 ? (b & d) | (c & ~d)
          : round === 2 ? b ^ c ^ d
          : c ^ (b | ~d);
        const sum = (a + mixed + SINES[i] + words[(STEPS[round] * i + STARTS[round]) & 15]) | 0;
        const turn = TURNS[(round << 2) | (i & 3)];
        a = d;
        d = c;
        c = b;
        b = (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0;
      }
      state[0] += a;
      state[1] += b;
      state[2] += c;
      state[3] += d;
    }

    hex() {
      const { size } = this;
      const end = new Uint8Array(((119 - (size % 64)) % 64) + 9);
      end[0] = 0x80;
      const length = new DataView(end.buffer, end.length - 8);
      length.setUint32(0, (size % 2 ** 29) * 8, true);
      length.setUint32(4, Math.floor(size / 2 ** 29), true);
      this.update(end);
      const bytes = new Uint8Array(this.state.buffer);
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
  }

  /* The MD5 of a Blob, which is never in memory as a whole; `moved` gets the share that is read. */
  globalThis.wxMd5 = async (blob, moved = () => {}) => {
    const md5 = new Md5();
    for (let from = 0; from < blob.size; from += PIECE) {
      moved(from / blob.size);
      md5.update(new Uint8Array(await blob.slice(from, from + PIECE).arrayBuffer()));
    }
    return md5.hex();
  };
})();
