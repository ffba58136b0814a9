// Tells what a value calls as JavaScript, by the parser that Node brings: a line of JSON each. Nothing is run.
const acorn = require('internal/deps/acorn/acorn/dist/acorn');
const places = { 'a statement': ['', '\n'], 'an expression': ['x = ', '\n'], 'single quotes': ["x = f('", "')\n"], 'double quotes': ['x = f("', '")\n'], 'a template': ['x = f(`', '`)\n'] };
const known = new Set([...Object.getOwnPropertyNames(globalThis), 'require', 'module', 'exports', 'process', 'console', 'setTimeout', 'alert', 'document', 'window', 'eval', 'import', 'res', 'response', 'req', 'fs', 'child_process', 'this']);

function calls(code) {
  let tree;
  try {
    tree = acorn.parse(code, { ecmaVersion: 'latest', allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true });
  } catch {
    return new Map();
  }
  const all = new Map();
  const root = (n) => {
    while (n.type === 'MemberExpression' || n.type === 'CallExpression' || n.type === 'ChainExpression') n = n.object || n.callee || n.expression;
    return n.type === 'Identifier' ? n.name : '';
  };
  (function walk(n) {
    if (!n || typeof n !== 'object') return;
    if (Array.isArray(n)) return n.forEach(walk);
    if (n.type === 'CallExpression' || n.type === 'NewExpression' || n.type === 'TaggedTemplateExpression') {
      const f = n.callee || n.tag;
      const name = root(f);
      all.set(code.slice(f.start, f.end).slice(0, 60), name === '' || known.has(name));
    } else if (n.type === 'ImportExpression') all.set('import', true);
    else if ((n.type === 'WhileStatement' || n.type === 'ForStatement') && (!n.test || n.test.type === 'Literal')) all.set('a loop without an end', true);
    for (const k of Object.keys(n)) if (k !== 'type') walk(n[k]);
  })(tree);
  return all;
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const value = Buffer.from(JSON.parse(line).Value, 'base64').toString();
  const found = [];
  for (const [place, [before, behind]] of Object.entries(places)) {
    const harmless = calls(before + 'x' + behind);
    for (const [name, there] of calls(before + value + behind)) {
      if (!harmless.has(name)) found.push({ Verdict: there ? 'carried out' : 'possible', Kind: 'JavaScript, ' + place + (there ? '' : ', unknown'), How: name });
    }
  }
  console.log(JSON.stringify(found));
});
