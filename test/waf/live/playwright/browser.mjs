// Debian's Chromium, as people have it.
import { chromium } from "playwright-core";

// A headless browser calls itself so, which is what bot rules are to find. These tests are about people.
export const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

// launch starts the browser. Names in .example are the loopback address.
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    args: ["--no-sandbox", "--host-resolver-rules=MAP *.example 127.0.0.1", "--autoplay-policy=no-user-gesture-required", "--no-proxy-server"],
  });
}

// variable is one of the environment's, that has to be there.
export function variable(name) {
  const v = process.env[name];
  if (v === undefined) throw new Error(`${name} is not set`);
  return v;
}

// watched makes a context whose answers are looked at: refused gets each one that the proxy gave
// itself or whose status is an error.
export async function watched(browser, options = {}) {
  const context = await browser.newContext({ userAgent: agent, locale: "en-GB", ...options });
  context.setDefaultTimeout(30_000);
  const seen = { requests: 0, pages: new Set(), forms: new Set(), refused: [] };
  context.on("response", (r) => {
    const request = r.request();
    const path = new URL(r.url()).pathname;
    seen.requests++;
    if (request.isNavigationRequest() && request.method() === "GET") seen.pages.add(path);
    if (request.method() !== "GET") seen.forms.add(`${request.method()} ${path}`);
    const server = r.headers()["server"] || "";
    if (r.status() >= 400 || (server.startsWith("awselb") && r.status() !== 304))
      seen.refused.push(`${server.startsWith("awselb") ? "blocked" : r.status()} ${request.method()} ${r.url().slice(0, 300)} ${(request.postData() || "").slice(0, 2000)}`);
  });
  return { context, seen };
}
