// The CAPTCHA action in a browser, by picture and by sound, with and without scripts.
import assert from "node:assert/strict";
import { agent, launch, variable } from "./browser.mjs";

const port = { captcha: variable("CAPTCHA"), short: variable("SHORT") };
const solver = variable("SOLVER");
const browser = await launch();

async function visit(options, steps, expected = /Failed to load resource/) {
  const context = await browser.newContext({ userAgent: agent, ...options });
  context.setDefaultTimeout(30_000);
  const errors = [];
  context.on("console", (m) => { if (m.type() === "error" && !/Failed to load resource/.test(m.text()) && !expected.test(m.text())) errors.push(m.text()); });
  try {
    const page = await context.newPage();
    const statuses = [];
    page.on("response", (r) => { if (r.request().isNavigationRequest()) statuses.push(r.status()); });
    await steps(page, context, statuses);
    assert.deepEqual(errors, [], "policies complain");
  } finally {
    await context.close();
  }
}

const sealed = (page) => page.inputValue("input[name=p]");
const see = async (page) => (await fetch(`${solver}/see?p=${await sealed(page)}`)).text();
async function hear(page, context) {
  const src = new URL(await page.getAttribute("audio", "src"), page.url()).href;
  const sound = await context.request.get(src, { headers: { "User-Agent": agent } });
  assert.equal(sound.status(), 200);
  assert.equal(sound.headers()["content-type"], "audio/wav");
  return (await fetch(`${solver}/hear`, { method: "POST", body: await sound.body() })).text();
}

try {
  for (const javaScriptEnabled of [true, false]) {
    const name = javaScriptEnabled ? "with" : "without";
    await visit({ javaScriptEnabled }, async (page, context, statuses) => {
      const url = `http://localhost:${port.captcha}/private?q=%27&n=1`;
      await page.goto(url);
      assert.deepEqual(statuses, [405]);
      // Who cannot see finds a name for everything.
      assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Confirm that you are human");
      assert.match(await page.getByRole("img").getAttribute("alt"), /6 distorted letters.*use the sound/);
      assert.ok(await page.getByRole("textbox", { name: /6 letters of the picture, or the 6 numbers of the sound/ }).isVisible());
      assert.equal(await page.getAttribute("html", "lang"), "en");
      assert.equal(await page.getAttribute("audio", "aria-describedby"), "listen");
      const box = await page.getByRole("img").boundingBox();
      assert.deepEqual([box.width, box.height], [266, 90], "the picture and its border");
      if (javaScriptEnabled) assert.equal(await page.evaluate(() => document.images[0].naturalWidth), 264);
      if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/captcha-${name}.png` });

      // A wrong answer gives another puzzle, and says so. The old one is used up, whatever comes then.
      const [first, right] = [await sealed(page), await see(page)];
      await page.fill("#answer", "WRONG1");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
      assert.equal(await page.getByRole("alert").textContent(), "That was not right. Please try another one.");
      assert.equal(statuses.at(-1), 403);
      assert.notEqual(await sealed(page), first);
      const again = await context.request.post(`http://localhost:${port.captcha}/__fastness-waf/puzzle`, {
        form: { p: first, answer: right, to: "/" }, headers: { "User-Agent": agent }, maxRedirects: 0,
      });
      assert.equal(again.status(), 403, "a puzzle takes one answer");
      assert.equal((await context.cookies()).length, 0);

      // People type small letters, and spaces between them.
      await page.fill("#answer", [...(await see(page)).toLowerCase()].join(" "));
      await page.getByRole("button", { name: "Continue" }).click();
      assert.equal(await page.textContent("#where"), "/private?q=%27&n=1");
      assert.equal(await page.textContent("#inserted"), "CAPTCHA");
      assert.equal(page.url(), url);
      assert.deepEqual(statuses, [405, 403, 303, 200]);

      await page.goto(`http://localhost:${port.captcha}/order`);
      await page.fill("textarea", "after the puzzle");
      await page.click("button");
      assert.equal(await page.textContent("#ordered"), "after the puzzle");
    });
    console.log(`ok a picture ${name} JavaScript: a wrong answer, a right one, the page, a form`);

    await visit({ javaScriptEnabled }, async (page, context, statuses) => {
      await page.goto(`http://localhost:${port.captcha}/by/sound`);
      if (javaScriptEnabled) {
        const duration = await page.evaluate(async () => {
          const audio = document.querySelector("audio");
          audio.muted = true;
          await audio.play();
          if (!audio.duration) await new Promise((done) => { audio.ondurationchange = done; });
          audio.pause();
          return audio.duration;
        });
        assert.ok(duration > 5 && duration < 27, `a sound of ${duration} s`);
      }
      const digits = await hear(page, context);
      assert.match(digits, /^[1-6]{6}$/);
      await page.fill("#answer", digits);
      await page.getByRole("button", { name: "Continue" }).click();
      assert.equal(await page.textContent("#where"), "/by/sound");
      assert.deepEqual(statuses, [405, 303, 200]);
    });
    console.log(`ok a sound ${name} JavaScript: it plays, and what is heard is the answer`);
  }

  await visit({}, async (page, context) => {
    for (const o of [{ method: "GET" }, { method: "POST", form: { a: "b" } }]) {
      const got = await context.request.fetch(`http://localhost:${port.captcha}/api`, o);
      assert.deepEqual([got.status(), got.headers()["x-amzn-waf-action"], await got.text()], [405, "captcha", ""]);
    }
    // The puzzle's page does not let scripts of extensions and the like ask anything.
    await page.goto(`http://localhost:${port.captcha}/`);
    assert.equal(await page.evaluate(() => fetch("/").then(() => "asked", () => "refused")), "refused");
  }, /Content Security Policy/);
  console.log("ok scripts get the status and x-amzn-waf-action, and no page");

  await visit({}, async (page, context, statuses) => {
    await page.goto(`http://localhost:${port.short}/`);
    await page.fill("#answer", await see(page));
    await page.keyboard.press("Enter");
    await page.waitForSelector("#where");
    const [token] = await context.cookies();
    // The immunity time passes; the cookie is still there.
    while (!(await page.$("#answer"))) {
      await new Promise((done) => setTimeout(done, 100));
      await page.goto(`http://localhost:${port.short}/`);
    }
    assert.equal((await context.cookies())[0].value, token.value);
    await page.fill("#answer", await see(page));
    await page.keyboard.press("Enter");
    await page.waitForSelector("#where");
    assert.notEqual((await context.cookies())[0].value, token.value);
  });
  console.log("ok after the immunity time there is another puzzle, and then another token");
} finally {
  await browser.close();
}
