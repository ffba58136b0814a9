// The CAPTCHA API, with the names of AWS's: AwsWafCaptcha.renderCaptcha(container, configuration) shows a puzzle in an
// element of the page (AWS WAF Developer Guide, "CAPTCHA JavaScript API specification").
window.AwsWafCaptcha = window.AwsWafCaptcha || (() => {
  "use strict";
  const problem = "/__fastness-waf/problem", answer = "/__fastness-waf/answer";
  const width = "320px";
  const style = `:host{display:block;box-sizing:border-box}
form{box-sizing:border-box;width:100%;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;border:1px solid #ccc;border-radius:.5rem}
h2{font-size:1.2rem;margin:0 0 .5rem}
p{margin:.5rem 0}
img{display:block;box-sizing:border-box;width:100%;height:auto;aspect-ratio:3;border:1px solid #767676}
audio{width:100%}
input,button,select{font:inherit;box-sizing:border-box;max-width:100%;padding:.4rem .6rem;border:1px solid #767676;border-radius:.25rem;color:inherit;background:#fff}
input{width:100%}
button[type=submit]{color:#fff;background:#0b5394;border-color:#0b5394}
button{cursor:pointer}
:focus-visible{outline:3px solid #f0a000;outline-offset:2px}
[role=alert]{color:#a00000;font-weight:bold}
[hidden]{display:none}`;

  // kind is internal_error, network_error, token_error (there is no token, though the answer was right) or client_error (a
  // configuration that is not right, a key that is not for this site). statusCode is that of the answer, if there was one.
  class CaptchaError extends Error {
    constructor(kind, message, statusCode) {
      super(message);
      this.name = "CaptchaError";
      this.kind = kind;
      if (statusCode) this.statusCode = statusCode;
    }
  }

  const element = (name, properties = {}, ...children) => {
    const e = Object.assign(document.createElement(name), properties);
    e.append(...children);
    return e;
  };

  // locale is the nearest one that there are words of.
  function locale(wanted) {
    const all = Object.keys(fastnessWAFWords);
    for (const one of wanted) {
      const exact = all.find((l) => l.toLowerCase() === one.toLowerCase());
      const near = all.find((l) => l.slice(0, 2) === one.slice(0, 2).toLowerCase());
      if (exact || near) return exact || near;
    }
    return "en-US";
  }

  let named = 0;

  function renderCaptcha(container, configuration) {
    const o = configuration || {};
    const call = (name, ...values) => {
      if (typeof o[name] !== "function") return false;
      try { o[name](...values); } catch (e) { queueMicrotask(() => { throw e; }); } // the page's own trouble
      return true;
    };
    const fail = (e) => {
      const error = e instanceof CaptchaError ? e : new CaptchaError("internal_error", String(e && e.message || e));
      if (!call("onError", error)) console.error(error);
    };
    if (!(container instanceof Element)) return fail(new CaptchaError("client_error", "the container is no element"));
    if (typeof o.apiKey !== "string" || !o.apiKey) return fail(new CaptchaError("client_error", "apiKey is missing"));
    if (typeof o.onSuccess !== "function") return fail(new CaptchaError("client_error", "onSuccess is missing"));

    // What is shown is apart from the page's styles, and its own are no inline ones, which a policy may forbid.
    const host = element("div", { className: "fastness-waf-captcha" });
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    host.style.width = o.dynamicWidth ? "100%" : width;
    host.style.maxWidth = "100%";

    const id = "fastness-waf-captcha-" + ++named;
    const title = element("h2", { hidden: Boolean(o.skipTitle) });
    const state = element("p", { hidden: true });
    const picture = element("img");
    const listen = element("p", { id: id + "-listen" });
    const audio = element("audio", { controls: true, preload: "none" });
    audio.setAttribute("aria-describedby", listen.id);
    const label = element("label", { htmlFor: id });
    const input = element("input", { id, name: "answer", required: true, maxLength: 32, spellcheck: false, autocomplete: "off", autocapitalize: "characters" });
    const send = element("button", { type: "submit" });
    const another = element("button", { type: "button" });
    const language = element("select");
    for (const [name, words] of Object.entries(fastnessWAFWords)) language.append(element("option", { value: name, lang: name, textContent: words.name }));
    const parts = element("div", {},
      picture, listen, element("p", {}, audio), element("p", {}, label), element("p", {}, input), element("p", {}, send, " ", another));
    const form = element("form", { noValidate: false }, title, state, parts, element("p", { hidden: Boolean(o.disableLanguageSelector) }, language));
    root.append(form);

    let words, puzzle = null, timer = 0, asked = 0, said = "";
    // say tells what has happened: role alert interrupts, status waits.
    function say(what, role = "status") {
      said = what;
      state.setAttribute("role", role);
      state.textContent = what && words[what];
      state.hidden = !what;
    }
    function speak(name) {
      words = fastnessWAFWords[name];
      form.lang = language.value = name;
      form.dir = words.dir || "ltr";
      const fill = (text) => text.replace("{letters}", puzzle ? puzzle.letters : 6).replaceAll("{digits}", puzzle ? puzzle.digits : 6).replace("{max}", puzzle ? puzzle.max : 6);
      title.textContent = words.title;
      form.setAttribute("aria-label", words.title);
      picture.alt = fill(words.picture);
      listen.textContent = fill(words.listen);
      label.textContent = fill(words.label);
      send.textContent = words.send;
      another.textContent = words.another;
      language.setAttribute("aria-label", words.language);
      state.textContent = said && words[said];
    }
    const ready = (yes) => { send.disabled = input.disabled = !yes; };
    const gone = (n) => n !== asked || !host.isConnected;

    function expire(n) {
      if (gone(n)) return;
      clearTimeout(timer);
      ready(false);
      say("expired", "alert");
      call("onPuzzleTimeout");
    }

    async function load() {
      const n = ++asked;
      clearTimeout(timer);
      ready(false);
      another.disabled = true;
      try {
        const got = await fetch(problem, { method: "POST", credentials: "same-origin", cache: "no-store", body: new URLSearchParams({ k: o.apiKey }) })
          .catch((e) => { throw new CaptchaError("network_error", e.message); });
        if (got.status === 403) throw new CaptchaError("client_error", "the API key is not one of this site", 403);
        if (!got.ok) throw new CaptchaError("network_error", "no puzzle: status " + got.status, got.status);
        const next = await got.json();
        await new Promise((done, refuse) => {
          picture.onload = done;
          picture.onerror = () => refuse(new CaptchaError("network_error", "the picture does not load"));
          picture.src = next.picture;
        });
        if (gone(n)) return;
        puzzle = next;
        audio.src = next.sound;
        input.value = "";
        speak(language.value);
        ready(true);
        timer = setTimeout(() => expire(n), next.seconds * 1000);
        call("onLoad");
      } catch (e) {
        if (!gone(n)) fail(e);
      } finally {
        if (n === asked) another.disabled = false;
      }
    }

    async function attempt() {
      const n = asked;
      ready(false);
      try {
        const got = await fastnessWAF.send(answer, { puzzle: puzzle.puzzle, answer: input.value }, true)
          .catch((e) => { throw new CaptchaError("network_error", e.message); });
        if (gone(n)) return;
        if (got.status === 403) {
          say("wrong", "alert");
          call("onPuzzleIncorrect");
          await load();
          input.focus();
          return;
        }
        if (got.status === 410) return expire(n);
        if (!got.ok) throw new CaptchaError("network_error", "the answer was not taken: status " + got.status, got.status);
        clearTimeout(timer);
        fastnessWAF.earned = Date.now();
        const token = fastnessWAF.token();
        parts.hidden = true;
        language.parentNode.hidden = true;
        call("onPuzzleCorrect");
        if (!token) throw new CaptchaError("token_error", "the browser keeps no cookie");
        say("solved");
        call("onSuccess", token);
      } catch (e) {
        if (gone(n)) return;
        ready(true);
        fail(e);
      }
    }

    form.addEventListener("submit", (e) => { e.preventDefault(); attempt(); });
    another.addEventListener("click", () => { say(""); load(); });
    language.addEventListener("change", () => speak(language.value));
    speak(locale(o.defaultLocale ? [o.defaultLocale] : navigator.languages || [navigator.language]));
    container.replaceChildren(host);
    load();
  }

  return { renderCaptcha };
})();
