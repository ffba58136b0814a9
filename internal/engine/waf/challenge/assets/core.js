// What the page of a challenge and the script for applications have in common.
window.fastnessWAF = window.fastnessWAF || (() => { // it may be loaded twice
  "use strict";
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

  async function solve(seed, difficulty) {
    const solves = (word) => Math.clz32(word) >= difficulty;
    const subtle = globalThis.crypto && crypto.subtle;
    const batch = subtle ? 128 : 2048;
    for (let from = 0; ; from += batch) {
      if (subtle) {
        const digests = [];
        for (let n = from; n < from + batch; n++) digests.push(subtle.digest("SHA-256", utf8.encode(seed + n)));
        const words = (await Promise.all(digests)).map(first);
        const at = words.findIndex(solves);
        if (at >= 0) return from + at;
      } else {
        for (let n = from; n < from + batch; n++) if (solves(sha256(utf8.encode(seed + n)))) return n;
        await new Promise((done) => setTimeout(done, 0)); // the page stays alive
      }
    }
  }

  // What automation leaves in a page: w is the browser's own word, a are objects of frameworks, e is what
  // extensions for automation leave.
  function marks() {
    const own = ["_phantom", "callPhantom", "__nightmare", "domAutomation", "domAutomationController", "_selenium", "callSelenium", "_Selenium_IDE_Recorder",
      "__webdriver_evaluate", "__selenium_evaluate", "__webdriver_script_fn", "__driver_evaluate", "__fxdriver_evaluate", "__playwright__binding__", "__pwInitScripts", "__puppeteer_evaluation_script__"];
    const ide = ["seleniumMarker", "__katalon_ide__", "_katalon", "__SELENIUM_IDE__"];
    let found = "";
    if (navigator.webdriver) found += "w";
    if (own.some((name) => name in window) || Object.keys(document).some((name) => /^(\$cdc_|cdc_|\$chrome_asyncScriptInfo)/.test(name))) found += "a";
    if (ide.some((name) => name in window) || document.documentElement.hasAttribute("selenium")) found += "e";
    return found;
  }

  // interactions since they were last told.
  let interactions = 0, moved = 0;
  const hooks = { interacted: () => {} };
  const seen = () => { interactions++; hooks.interacted(interactions); };
  for (const name of ["keydown", "click", "touchstart", "wheel"]) addEventListener(name, seen, { passive: true, capture: true });
  addEventListener("pointermove", () => { // one in a while: a movement is hundreds of events
    const now = Date.now();
    if (now - moved > 200) { moved = now; seen(); }
  }, { passive: true, capture: true });

  // send gives a solution, with what the browser is. Interactions are told by the script for applications: a
  // page of the gate's own has seen none.
  async function send(to, solution, application) {
    const told = interactions;
    const answer = await fetch(to, {
      method: "POST", credentials: "same-origin", body: new URLSearchParams({
        ...solution, w: marks(), u: navigator.userAgent, p: navigator.platform || "", l: (navigator.languages || []).join(","),
        z: Intl.DateTimeFormat().resolvedOptions().timeZone || "", i: String(Math.min(told, 255)), f: document.forms.length > 0 ? "1" : "", s: application ? "1" : "",
      }),
    });
    if (answer.ok) interactions -= told;
    return answer;
  }

  // earn does the work.
  async function earn(work, application) {
    const n = await solve(work.seed, work.difficulty);
    const answer = await send(work.verify, { c: work.challenge, n: String(n) }, application);
    if (!answer.ok) throw new Error("refused");
  }

  const token = () => (/(?:^|; )aws-waf-token=([^;]*)/.exec(document.cookie) || [])[1] || "";
  // earned is when this page last got a token, in milliseconds since 1970.
  return { earn, send, token, hooks, earned: 0, interactions: () => interactions };
})();
