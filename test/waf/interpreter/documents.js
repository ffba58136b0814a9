// Tells whether a value changes a query of MongoDB: a line of JSON each.
const qs = require('qs');
const vm = require('vm');
// Operators of queries (MongoDB's manual, "Query and Projection Operators", "Update Operators", "Aggregation Stages").
const operators = new Set(('eq gt gte in lt lte ne nin and not nor or exists type expr jsonSchema mod regex options where text search all elemMatch size bitsAllClear bitsAllSet bitsAnyClear bitsAnySet geoIntersects geoWithin near nearSphere '
  + 'set unset inc mul rename min max push pull pop addToSet each slice sort currentDate setOnInsert pullAll comment rand function accumulator lookup match project group out merge unionWith func cond').split(' '));

function operator(x, depth = 0) {
  if (!x || typeof x !== 'object' || depth > 20) return '';
  for (const k of Object.keys(x)) {
    if (k[0] === '$' && operators.has(k.slice(1))) return k;
    const below = operator(x[k], depth + 1);
    if (below) return below;
  }
  return '';
}

const records = [{ name: 'anne', pass: 'tea', id: 1 }, { name: 'sean', pass: 'cake', id: 2 }];

// what a function of $where answers for the records, or that it fails or has no end
function where(code) {
  let script;
  try {
    script = new vm.Script('(function() { ' + (/\breturn\b/.test(code.slice(0, 7)) ? code : 'return ' + code) + '\n})');
  } catch {
    return null;
  }
  return records.map((r) => {
    try {
      return Boolean(script.runInContext(vm.createContext({ sleep: () => { throw new Error('sleep'); }, db: new Proxy({}, { get: () => { throw new Error('db'); } }), tojson: JSON.stringify, print() {}, self: r, obj: r }), { timeout: 300 }).call(r));
    } catch (e) {
      return /sleep|db|timed out/.test(e.message) ? 'does' : 'fails';
    }
  }).join();
}

const wheres = ["this.name == 'VALUE'", "this.name == 'VALUE' && this.pass == 'x'", 'this.name == "VALUE"', 'this.id == VALUE', "return this.name == 'VALUE' && this.pass == 'x'", "this.name.match('VALUE')"];

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const value = Buffer.from(JSON.parse(line).Value, 'base64').toString();
  const found = [];
  const add = (Verdict, Kind, How) => found.push({ Verdict, Kind, How: String(How).slice(0, 100) });
  for (const [kind, text] of [['JSON', value], ['JSON, a member', '{"name": ' + value + '}'], ['JSON, a string', '{"name": "' + value + '"}'], ['JSON, a name', '{' + value + ': 1}']]) {
    try {
      const o = operator(JSON.parse(text));
      if (o) add('carried out', kind, o);
    } catch { /* it is none */ }
  }
  for (const [kind, text] of [['a query', value], ['a name', 'name' + value], ['a name in brackets', 'name[' + value + ']=1'], ['a name and a value', 'name' + value + '=1']]) {
    const o = operator(qs.parse(text, { depth: 5 }));
    if (o) add(kind === 'a name in brackets' ? 'possible' : 'carried out', kind, o);
  }
  for (const text of ['({name: ' + value + '})', "({name: '" + value + "'})", '(' + value + ')', "({name: '" + value + "', pass: 'x'})"]) {
    try {
      const o = operator(vm.runInNewContext(text, {}, { timeout: 300 }));
      if (o) add('carried out', 'an object of JavaScript', o);
    } catch { /* it is none */ }
  }
  for (const w of wheres) {
    // A value of another kind than a number is no more than a value by itself.
    if (w.includes('= VALUE') && !/[(;='"`]|\|\||&&/.test(value)) continue;
    const before = where(w.replace('VALUE', w.includes('= VALUE') ? '0' : 'x'));
    const after = where(w.replace('VALUE', () => value));
    if (after === null || after === before) continue;
    // A pattern that matches more is what patterns do.
    const quoted = w.includes("'VALUE'") ? "'" : w.includes('"VALUE"') ? '"' : '';
    if (quoted && !value.includes(quoted) && !value.includes('\\')) continue;
    add(after.includes('fails') ? 'possible' : 'shown', '$where', w);
  }
  console.log(JSON.stringify(found));
});
