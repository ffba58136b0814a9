// Pages whose scripts call the firewall's: AwsWafIntegration for tokens, AwsWafCaptcha for puzzles.
import assert from "node:assert/strict";
import { agent, launch, variable } from "./browser.mjs";

const port = variable("SITE"), solver = variable("SOLVER");
const browser = await launch();

async function visit(options, steps) {
  const context = await browser.newContext({ userAgent: agent, locale: "en-US", ...options });
  context.setDefaultTimeout(30_000);
  const errors = [];
  context.on("weberror", (e) => errors.push(e.error().message));
  context.on("console", (m) => { if (m.type() === "error" && !/Failed to load resource|blocked by CORS policy/.test(m.text())) errors.push(m.text()); });
  try {
    await steps(await context.newPage(), context);
    assert.deepEqual(errors, [], "scripts and policies complain");
  } finally {
    await context.close();
  }
}

// call is what the application does: it asks its server through the firewall's fetch.
const call = (page, url, options) => page.evaluate(async ([url, options]) => {
  const got = await AwsWafIntegration.fetch(url, options);
  return [got.status, got.headers.get("x-amzn-waf-action"), got.ok ? await got.json() : await got.text()];
}, [url, options]);

// show renders a puzzle and keeps what the callbacks were told.
const show = (page, configuration) => page.evaluate((configuration) => {
  window.told = [];
  const tell = (name) => (value) => told.push(value instanceof Error ? [name, value.name, value.kind, value.statusCode ?? null] : value === undefined ? [name] : [name, value]);
  const callbacks = Object.fromEntries(["onSuccess", "onError", "onLoad", "onPuzzleTimeout", "onPuzzleCorrect", "onPuzzleIncorrect"].map((name) => [name, tell(name)]));
  AwsWafCaptcha.renderCaptcha(document.getElementById("captcha"), { ...callbacks, ...configuration });
}, configuration);
const told = (page) => page.evaluate(() => told.map((t) => t[0]));
async function until(page, ...names) {
  await page.waitForFunction((names) => JSON.stringify(told.map((t) => t[0])) === JSON.stringify(names), names)
    .catch(async (e) => { throw new Error(`${e.message} The callbacks were told ${JSON.stringify(await page.evaluate(() => told))}, not ${names}.`); });
}
const sealed = async (page) => new URL(await page.locator("#captcha img").getAttribute("src"), page.url()).searchParams.get("p");
const see = async (page) => (await fetch(`${solver}/see?p=${await sealed(page)}`)).text();

try {
  for (const host of ["localhost", "a.shop.example"]) await visit({}, async (page, context) => {
    await page.goto(`http://${host}:${port}/tokens`);
    const bare = await page.evaluate(async () => { const got = await fetch("/api/challenge/1", { headers: { "x-aws-waf-token": "none" }, credentials: "omit" }); return [got.status, got.headers.get("x-amzn-waf-action")]; });
    assert.deepEqual(bare, [202, "challenge"]);
    assert.deepEqual(await call(page, "/api/challenge/1", {}), [200, null, { path: "/api/challenge/1", method: "GET", body: "", passed: "challenge" }]);
    assert.deepEqual(await call(page, "/api/challenge/2", { method: "POST", body: "it's \"mine\"" }),
      [200, null, { path: "/api/challenge/2", method: "POST", body: "it's \"mine\"", passed: "challenge" }]);
    const [has, token, force] = await page.evaluate(async () => [AwsWafIntegration.hasToken(), await AwsWafIntegration.getToken(), await AwsWafIntegration.checkForceRefresh()]);
    assert.equal(has, true);
    assert.equal(force, false);
    const [cookie] = await context.cookies();
    assert.equal(cookie.value, token, "the token is in the cookie");
    assert.equal(cookie.domain, host === "localhost" ? "localhost" : ".shop.example");
    // A new one on request, and when the old one is gone.
    assert.notEqual(await page.evaluate(() => AwsWafIntegration.forceRefreshToken()), token);
    await context.clearCookies();
    assert.equal(await page.evaluate(() => AwsWafIntegration.hasToken()), false);
    assert.equal((await call(page, "/api/challenge/3", {}))[0], 200);
    // Who runs the script is no human yet.
    assert.deepEqual(await call(page, "/api/captcha/1", {}), [405, "captcha", ""]);
    assert.equal(await page.evaluate(() => "AwsWafCaptcha" in window), false);
  });
  console.log("ok a page's scripts pass a Challenge rule with AwsWafIntegration.fetch, with and without TLS' cryptography");

  await visit({}, async (page) => {
    await page.goto(`http://a.shop.example:${port}/tokens`);
    // Another host of the token domain gets the token in a field.
    const there = `http://api.shop.example:${port}/api/challenge/there`;
    assert.deepEqual((await call(page, there, { method: "POST", body: "x" })).slice(0, 2), [200, null]);
    assert.equal(await page.evaluate((there) => fetch(there).then((r) => r.status, () => "refused"), there), "refused", "without the token: a status that another origin may not read");
  });
  console.log("ok a page's scripts pass at another host with the token in x-aws-waf-token");

  await visit({}, async (page, context) => {
    await page.goto(`http://localhost:${port}/tokens`);
    await page.evaluate(() => AwsWafIntegration.forceRefreshToken());
    await context.route("**/__fastness-waf/inputs", () => {}); // never answered
    await context.clearCookies();
    assert.equal(await page.evaluate(() => AwsWafIntegration.getToken().then(() => "a token", (e) => e.message)), "no token within two seconds");
  });
  console.log("ok getToken waits for two seconds");

  // A site of one page, all the way: it is refused, shows the puzzle, and asks again.
  for (const host of ["localhost", "www.shop.example"]) await visit({}, async (page, context) => {
    await page.goto(`http://${host}:${port}/puzzles`);
    assert.deepEqual(await call(page, "/api/captcha/order", { method: "POST", body: "tea" }), [405, "captcha", ""]);
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    const group = page.getByRole("form", { name: "Confirm that you are human" });
    assert.ok(await group.isVisible());
    assert.ok(await page.getByRole("heading", { name: "Confirm that you are human" }).isVisible());
    assert.match(await page.getByRole("img").getAttribute("alt"), /6 distorted letters.*use the sound/);
    assert.equal((await page.locator("#captcha > div").boundingBox()).width, 320);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/integration.png` });

    const first = await sealed(page);
    await page.getByRole("textbox").fill("WRONG1");
    await page.keyboard.press("Enter");
    await until(page, "onLoad", "onPuzzleIncorrect", "onLoad");
    assert.equal(await page.getByRole("alert").textContent(), "That was not right. Please try another one.");
    assert.notEqual(await sealed(page), first);
    assert.equal((await call(page, "/api/captcha/order", { method: "POST", body: "tea" }))[0], 405);

    await page.getByRole("textbox").fill((await see(page)).toLowerCase());
    await page.getByRole("button", { name: "Continue" }).click();
    await until(page, "onLoad", "onPuzzleIncorrect", "onLoad", "onPuzzleCorrect", "onSuccess");
    const token = await page.evaluate(() => told.at(-1)[1]);
    assert.equal((await context.cookies()).find((c) => c.name === "aws-waf-token").value, token);
    assert.equal(await page.getByRole("status").textContent(), "That was right.");
    assert.deepEqual(await call(page, "/api/captcha/order", { method: "POST", body: "tea" }),
      [200, null, { path: "/api/captcha/order", method: "POST", body: "tea", passed: "captcha" }]);
    // What a puzzle has proved stays in the tokens after it.
    await page.evaluate(() => AwsWafIntegration.forceRefreshToken());
    assert.equal((await call(page, "/api/captcha/again", {}))[0], 200);
    assert.equal((await call(page, "/api/challenge/too", {}))[0], 200);
  });
  console.log("ok a site of one page passes a CAPTCHA rule with AwsWafCaptcha.renderCaptcha");

  await visit({}, async (page, context) => {
    await page.goto(`http://localhost:${port}/puzzles`);
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    const src = new URL(await page.locator("#captcha audio").getAttribute("src"), page.url()).href;
    const sound = await context.request.get(src, { headers: { "User-Agent": agent } });
    await page.getByRole("textbox").fill(await (await fetch(`${solver}/hear`, { method: "POST", body: await sound.body() })).text());
    await page.keyboard.press("Enter");
    await until(page, "onLoad", "onPuzzleCorrect", "onSuccess");
  });
  console.log("ok the sound is an answer, too");

  await visit({}, async (page) => {
    await page.goto(`http://localhost:${port}/puzzles`);
    for (const [configuration, error] of [
      [{ apiKey: "of-another-site" }, ["onError", "CaptchaError", "client_error", 403]],
      [{ apiKey: "of-somebody-else" }, ["onError", "CaptchaError", "client_error", 403]],
      [{ apiKey: "unknown" }, ["onError", "CaptchaError", "client_error", 403]],
      [{}, ["onError", "CaptchaError", "client_error", null]],
    ]) {
      await show(page, configuration);
      await until(page, "onError");
      assert.deepEqual(await page.evaluate(() => told[0]), error, JSON.stringify(configuration));
    }
    await page.route("**/__fastness-waf/problem", (route) => route.abort());
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onError");
    assert.deepEqual(await page.evaluate(() => told[0]), ["onError", "CaptchaError", "network_error", null]);
    await page.unroute("**/__fastness-waf/problem");
    await page.route("**/__fastness-waf/problem", (route) => route.fulfill({ status: 503 }));
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onError");
    assert.deepEqual(await page.evaluate(() => told[0]), ["onError", "CaptchaError", "network_error", 503]);
  });
  console.log("ok keys of other sites are refused, and errors are told by their kind");

  await visit({}, async (page, context) => {
    await page.goto(`http://localhost:${port}/puzzles`);
    await page.evaluate(() => AwsWafIntegration.forceRefreshToken());
    await context.route("**/__fastness-waf/answer", async (route) => {
      const answer = await route.fetch();
      const headers = answer.headers();
      delete headers["set-cookie"];
      await context.clearCookies();
      await route.fulfill({ response: answer, headers });
    });
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    await page.getByRole("textbox").fill(await see(page));
    await page.keyboard.press("Enter");
    await until(page, "onLoad", "onPuzzleCorrect", "onError");
    assert.deepEqual(await page.evaluate(() => told.at(-1)), ["onError", "CaptchaError", "token_error", null]);
  });
  console.log("ok a browser that keeps no cookie is a token_error");

  await visit({}, async (page) => {
    await page.clock.install();
    await page.goto(`http://localhost:${port}/puzzles`);
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    await page.clock.runFor(300_000);
    await until(page, "onLoad", "onPuzzleTimeout");
    assert.equal(await page.getByRole("alert").textContent(), "The time for this puzzle is over. Please take another one.");
    assert.ok(await page.getByRole("textbox").isDisabled());
    await page.getByRole("button", { name: "Another puzzle" }).click();
    await until(page, "onLoad", "onPuzzleTimeout", "onLoad");
    await page.getByRole("textbox").fill(await see(page));
    await page.keyboard.press("Enter");
    await until(page, "onLoad", "onPuzzleTimeout", "onLoad", "onPuzzleCorrect", "onSuccess");
  });
  console.log("ok a puzzle whose time is over says so, and another one is to be had");

  await visit({ locale: "de-AT" }, async (page) => {
    await page.goto(`http://localhost:${port}/puzzles`);
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    assert.ok(await page.getByRole("button", { name: "Weiter" }).isVisible(), "the browser's language");
    await page.getByRole("textbox").fill("geschrieben");
    await page.getByRole("combobox", { name: "Sprache" }).selectOption("ar-SA");
    assert.equal(await page.locator("#captcha form").getAttribute("dir"), "rtl");
    assert.equal(await page.locator("#captcha form").getAttribute("lang"), "ar-SA");
    assert.equal(await page.getByRole("textbox").inputValue(), "geschrieben", "what was written stays");
    assert.deepEqual(await told(page), ["onLoad"]);
    const languages = await page.getByRole("combobox").locator("option").count();
    assert.equal(languages, 11);
    for (let n = 0; n < languages; n++) {
      await page.getByRole("combobox").selectOption({ index: n });
      const text = await page.locator("#captcha form").evaluate((form) => form.innerText + form.getAttribute("aria-label") + form.querySelector("img").alt);
      assert.doesNotMatch(text, /undefined|[{}]/);
    }
    await show(page, { apiKey: "of-this-site", defaultLocale: "fr-FR", disableLanguageSelector: true, skipTitle: true, dynamicWidth: true });
    await until(page, "onLoad");
    assert.ok(await page.getByRole("button", { name: "Continuer" }).isVisible());
    assert.equal(await page.getByRole("combobox").count(), 0);
    assert.equal(await page.locator("#captcha h2").isVisible(), false);
    const wide = (await page.locator("#captcha > div").boundingBox()).width;
    assert.equal(wide, (await page.locator("#captcha").boundingBox()).width);
    await page.setViewportSize({ width: 400, height: 800 });
    assert.ok((await page.locator("#captcha > div").boundingBox()).width < wide);
  });
  console.log("ok languages, the title and the width are as the page wants them");

  await visit({}, async (page) => {
    await page.goto(`http://localhost:${port}/puzzles`);
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    // The page takes the puzzle away, or draws another: the old one is not heard of again.
    await show(page, { apiKey: "of-this-site" });
    await until(page, "onLoad");
    assert.equal(await page.locator("#captcha form").count(), 1);
    await page.evaluate(() => document.getElementById("captcha").replaceChildren());
    assert.deepEqual(await told(page), ["onLoad"]);
  });
  console.log("ok a puzzle that the page has taken away is silent");
} finally {
  await browser.close();
}
