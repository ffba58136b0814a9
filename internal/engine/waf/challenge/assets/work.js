(async () => {
  "use strict";
  const data = document.querySelector("main").dataset;
  const difficulty = Number(data.difficulty);
  const utf8 = new TextEncoder();

  // FIPS 180-4, for messages of one block. Without TLS there is no crypto.subtle.
  const rounds = [], initial = [];
  for (let n = 2; rounds.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    const fraction = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
    if (initial.length < 8) initial.push(fraction(Math.sqrt(n)));
    rounds.push(fraction(Math.cbrt(n)));
  }
  const w = new Int32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  function sha256(message) {
    w.fill(0, 0, 16);
    for (let i = 0; i < message.length; i++) w[i >> 2] |= message[i] << (24 - 8 * (i & 3));
    w[message.length >> 2] |= 0x80 << (24 - 8 * (message.length & 3));
    w[15] = message.length * 8;
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = initial;
    for (let i = 0; i < 64; i++) {
      const t = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i] + w[i]) | 0;
      const u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    return (a + initial[0]) >>> 0; // the first word is all that difficulties ask about
  }
  const first = (digest) => new DataView(digest).getUint32(0);
  const solves = (word) => Math.clz32(word) >= difficulty;

  async function solve() {
    const subtle = globalThis.crypto && crypto.subtle;
    const batch = subtle ? 128 : 2048;
    for (let from = 0; ; from += batch) {
      if (subtle) {
        const digests = [];
        for (let n = from; n < from + batch; n++) digests.push(subtle.digest("SHA-256", utf8.encode(data.seed + n)));
        const words = (await Promise.all(digests)).map(first);
        const at = words.findIndex(solves);
        if (at >= 0) return from + at;
      } else {
        for (let n = from; n < from + batch; n++) if (solves(sha256(utf8.encode(data.seed + n)))) return n;
        await new Promise((done) => setTimeout(done, 0)); // the page stays alive
      }
    }
  }

  const state = document.getElementById("state");
  try {
    const n = await solve();
    const answer = await fetch(data.verify, {
      method: "POST", credentials: "same-origin", body: new URLSearchParams({ c: data.challenge, n: String(n) }),
    });
    if (!answer.ok) throw new Error("refused");
    if (!/(^|; )aws-waf-token=/.test(document.cookie)) { // a reload would begin again, forever
      state.textContent = "Please allow cookies for this site and load the page again.";
      return;
    }
    location.reload();
  } catch {
    state.textContent = "The check has failed. Load the page again, or solve a puzzle.";
    document.getElementById("instead").hidden = false;
  }
})();
