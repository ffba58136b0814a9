// Renders templates with Nunjucks and EJS, and evaluates what stands between braces as AngularJS before 1.6 did it without its sandbox: a line of JSON each.
const nunjucks = require('nunjucks');
const ejs = require('ejs');
const vm = require('vm');
const secret = process.argv[2];
console.error = console.warn = () => {};

function limit(s) { return String(s).slice(0, 100000); }

const engines = {
  Nunjucks(text) {
    let page;
    const env = new nunjucks.Environment(null, { autoescape: false });
    try {
      page = new nunjucks.Template(text, env, 'page', true);
    } catch (e) {
      return ['', 'syntax'];
    }
    return [page.render({ name: 'anne', config: { secret } }), ''];
  },
  EJS(text) {
    let page;
    try {
      page = ejs.compile(text);
    } catch (e) {
      return ['', 'syntax'];
    }
    return [page({ name: 'anne', config: { secret } }), ''];
  },
};

function scope() {
  const s = vm.createContext({});
  vm.runInContext('var alert = function() { return 49; }, confirm = alert, prompt = alert, document = {}, window = this, $on = {}, $eval = {}, $id = 2, x, y, z, a, b, c, name = "anne"; var constructor = {}.toString.constructor;', s);
  return s;
}

function between(value) {
  const all = [...value.matchAll(/\{\{([\s\S]*?)\}\}(?!\})|#\{([\s\S]*?)\}|\[\[([\s\S]*?)\]\]/g)];
  return all.map((m) => m[1] ?? m[2] ?? m[3]);
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const value = Buffer.from(JSON.parse(line).Value, 'base64').toString();
  const found = [];
  for (const [name, render] of Object.entries(engines)) {
    const r = { Engine: name, Out: '', Error: 'runtime', Expression: false };
    try {
      [r.Out, r.Error] = render('Hello ' + value + '!');
      r.Out = limit(r.Out);
    } catch { /* it was read, and failed */ }
    if (r.Error !== 'syntax') found.push(r);
  }
  for (const inner of between(value)) {
    const r = { Engine: 'AngularJS', Out: '', Error: 'syntax', Expression: true };
    let script;
    try {
      script = new vm.Script('(' + inner.replace(/\|[^|]*$/, (m) => (/^\|\s*\w+/.test(m) ? '' : m)) + '\n)');
    } catch {
      try {
        script = new vm.Script(inner);
      } catch { continue; }
    }
    try {
      r.Out = limit(script.runInContext(scope(), { timeout: 1000 }));
      r.Error = '';
    } catch {
      r.Error = 'runtime';
    }
    found.push(r);
  }
  process.stdout.write(JSON.stringify(found) + '\n');
});
process.on('uncaughtException', () => {});
process.on('unhandledRejection', () => {});
