// What is put into each frame before anything of its page: it tells the judge of what the page's scripts do, and does
// what somebody who looks at the page may do.
(() => {
  const binding = globalThis.judgeTold;
  if (!binding) return;
  if (top !== self) {
    delete globalThis.judgeTold;
    delete globalThis.judgeAt;
  }
    const report = reportError;
  let told = 0, calls = 0, strange = false;
  const tell = (kind, what) => {
    told++;
    if (!/^(alert|confirm|prompt|print|planted|cookie)$/.test(what)) strange = true;
    if (++calls > 40) throw new Error("enough");
    binding(JSON.stringify({ kind, what: String(what) }));
  };

  // The page that holds the frames has the functions, for scripts reach for those of top.
  const replace = (on, name, answer) => {
    try {
      if (!(name in on)) return;
      Object.defineProperty(on, name, { configurable: true, enumerable: true, writable: true, value: function () { tell("ran", name); return answer; } });
    } catch {}
  };
  const watch = (on, name) => {
    const own = on && on[name];
    if (typeof own !== "function") return;
    try {
      Object.defineProperty(on, name, { configurable: true, enumerable: true, writable: true, value: function (...args) { tell("ran", name); return new.target ? Reflect.construct(own, args, new.target) : Reflect.apply(own, this, args); } });
    } catch {}
  };
  replace(globalThis, "alert");
  replace(globalThis, "prompt", "");
  replace(globalThis, "confirm", true);
  replace(globalThis, "print");
  replace(globalThis, "open", null);
  for (const name of ["planted", "xss", "XSS"]) Object.defineProperty(globalThis, name, { configurable: true, enumerable: true, writable: true, value: () => tell("ran", name) });
  for (const name of ["fetch", "WebSocket", "EventSource", "Worker", "SharedWorker", "RTCPeerConnection"]) watch(globalThis, name);
  if (globalThis.XMLHttpRequest) watch(XMLHttpRequest.prototype, "send");
  if (globalThis.navigator) watch(Object.getPrototypeOf(navigator), "sendBeacon");
  try {
    Object.defineProperty(Document.prototype, "cookie", { configurable: true, get() { tell("ran", "cookie"); return "session=1"; }, set() { tell("ran", "cookie"); } });
  } catch {}
  if (top === self) return;
  // Who sends somebody to a page chooses this, too.
  try { name ||= "planted(1)//<img src=x onerror=planted(1)>"; } catch {}
  const strict = (is) => {
    if (!is) return; // frameworks call these, too
    for (const name of Object.keys(console)) replace(console, name);
    for (const name of ["setTimeout", "setInterval", "requestAnimationFrame", "queueMicrotask", "postMessage", "atob", "btoa", "unescape", "scrollTo", "moveBy", "resizeTo"]) watch(globalThis, name);
    watch(String, "fromCharCode");
    for (const name of ["write", "writeln"]) {
      const own = Document.prototype[name];
      // The page's own script has this one.
      if (name === "write") Object.defineProperty(globalThis, "ownWrite", { value: (text) => own.call(document, text) });
      watch(Document.prototype, name);
    }
  };

  // Events that somebody, or time, would cause. A handler is one that the browser has made a function of.
  let followed = false;
  const act = () => {
    const all = [...document.querySelectorAll("*")].slice(0, 400);
    for (const e of all) {
      for (const a of [...e.attributes]) {
        if (!/^on/i.test(a.name) || typeof e[a.name.toLowerCase()] !== "function") continue;
        const type = a.name.toLowerCase().slice(2);
        try { e[a.name.toLowerCase()](new Event(a.name.toLowerCase().slice(2))); } catch (thrown) { report(thrown); }
      }
      follow(e);
    }
    return followed;
  };
  const lead = (address) => {
    let u;
    try { u = new URL(address, document.baseURI); } catch { return false; }
    if (u.protocol === "javascript:") return followed = true;
    if (/^(https?|ftp|wss?):$/.test(u.protocol) && u.host !== "app.example") tell("leads", u.href);
    if (/^(data|vbscript):$/.test(u.protocol)) tell("leads", u.href.slice(0, 100));
    return false;
  };
  const follow = (e) => {
    try {
      const href = e.href && (e.href.baseVal ?? e.href);
      if (/^(a|area)$/.test(e.localName) && href) {
        if (e.setAttribute) e.setAttribute("target", "_self");
        if (lead(href)) e.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
      } else if (e.localName === "base" && href) {
        lead(href);
      } else if (e.localName === "form") {
        e.noValidate = true;
        const action = e.getAttribute("action");
        HTMLElement.prototype.setAttribute.call(e, "target", "_self");
        if (action && lead(action)) HTMLFormElement.prototype.submit.call(e);
      } else if (/^(button|input)$/.test(e.localName) && e.hasAttribute("formaction") && e.form && /^(submit|image)$/.test(e.type)) {
        e.removeAttribute("formtarget");
        e.form.noValidate = true;
        if (lead(e.getAttribute("formaction"))) HTMLFormElement.prototype.requestSubmit.call(e.form, e);
      }
    } catch {}
  };

  Object.defineProperty(globalThis, "judgeAct", { configurable: true, value: act });
  Object.defineProperty(globalThis, "judgeStrict", { configurable: true, value: strict });

  // Whether another page can be shown in the frame: nothing was called, or nothing but what shows a dialog, and nothing that pages share is
  // another than before.
  const own = new Set(["q", "again", "page", "more", "show", "data", "settings", "out", "addressOfScript"]);
  const names = Object.getOwnPropertyNames, all = () => names(globalThis).filter((n) => !own.has(n)).length;
  const shared = () => [all(), globalThis.alert, globalThis.confirm, globalThis.prompt, globalThis.print, globalThis.planted, globalThis.onerror, globalThis.toString, globalThis.valueOf, globalThis.name,
    ...[Object, Array, String, Function, Number, RegExp, Map, Set, Promise].flatMap((c) => [names(c).length, c.prototype.toString, c.prototype.valueOf, c.prototype.constructor, names(c.prototype).length]),
    Array.prototype.join, Array.prototype.map, String.prototype.replace, Array.prototype[Symbol.iterator], Set.prototype.has];
  let before;
  Object.defineProperty(globalThis, "judgeBegin", { configurable: true, value: () => { before = shared(); } });
  Object.defineProperty(globalThis, "judgeClean", { configurable: true, value: () => {
    if (told === 0) return true;
    const now = shared();
    const clean = !strange && before && now.every((x, i) => x === before[i]);
    told = calls = 0;
    return clean;
  } });
  // What is in a frame of a page, and cannot be reached from there, acts by itself.
  let outside = true;
  try { outside = !parent.document; } catch {}
  if (outside || parent !== top) addEventListener("load", act);
})();
