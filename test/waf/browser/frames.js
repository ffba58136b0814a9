// The page whose frames show pages with values. It is of the application's own origin, as top is for a page of a real one.
const begin = judgeAt, later = setTimeout, write = Document.prototype.write;
delete globalThis.judgeAt;
delete globalThis.judgeTold;

const pause = (milliseconds) => new Promise((go) => later(go, milliseconds));

// Making a frame takes long, so one in whose page nothing happened shows another page.
let frames = [];

// show shows pages: each has a number, and its text, or none if it is to be asked for.
let shown = [];
async function show(pages) {
  shown = [];
  for (const [slot, { number, text, strict }] of pages.entries()) {
    let frame = frames[slot];
    if (!strict && frame) frame.remove(); // that one tells of more
    if (!frame?.isConnected) {
      begin("slot " + slot);
      frame = frames[slot] = document.createElement("iframe");
      frame.width = 60;
      frame.height = 40;
      document.body.append(frame);
      frame.contentWindow.judgeStrict(strict);
      frame.contentWindow.judgeBegin();
    }
    begin("page " + number);
    const loaded = new Promise((go) => frame.addEventListener("load", go, { once: true }));
    if (text === undefined) {
      frame.src = "/case/" + number;
    } else {
      const page = frame.contentDocument;
      page.open();
      write.call(page, text);
      page.close();
    }
    shown.push({ slot, number, frame, loaded, fresh: strict && text !== undefined });
  }
  await Promise.race([Promise.all(shown.map((s) => s.loaded)), pause(3000)]);
  for (const s of shown) {
    begin("page " + s.number);
    try {
      // What an address of a script does comes later.
      if (s.frame.contentWindow.judgeAct()) await pause(10);
    } catch { s.fresh = false; }
  }
  begin("page -1");
  await pause(25);
}

// empty makes room for the next pages.
function empty() {
  for (const { slot, frame, fresh } of shown) {
    try {
      if (fresh && frame.contentWindow.judgeClean()) continue;
    } catch {}
    frame.remove();
    delete frames[slot];
  }
}
