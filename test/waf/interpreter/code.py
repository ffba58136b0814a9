# Tells what a value calls as Python, and as Perl: a line of JSON each.
import ast, base64, builtins, json, re, subprocess, sys, warnings

warnings.simplefilter("ignore")
PLACES = {"a statement": ("", "\n"), "an expression": ("x = ", "\n"), "single quotes": ("x = f('", "')\n"), "double quotes": ('x = f("', '")\n')}
PERL = {"a statement": ("", ";\n"), "an expression": ("my $x = ", ";\n"), "single quotes": ("my $x = '", "';\n"), "double quotes": ('my $x = "', '";\n')}
MODULES = set(sys.stdlib_module_names)


def root(node):
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def calls(code):
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    all = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = root(node.func)
            all[ast.unparse(node.func)[:60]] = hasattr(builtins, name) or name in MODULES or not name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            all["import"] = True
    return all


OPS = re.compile(r"<[^>]*>\s+(system|exec|backtick|entersub|entereval|print|say|open|unlink|require|dofile|sleep|die|exit|glob|readline|readpipe|rename|chmod|kill|fork)\b")


def perl(code):
    if "\0" in code:
        return []
    r = subprocess.run(["/usr/bin/perl", "-MO=Concise", "-e", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    return OPS.findall(r.stdout.decode("utf-8", "replace")) if r.returncode == 0 else []


for line in sys.stdin:
    value = base64.b64decode(json.loads(line)["Value"]).decode("utf-8", "replace")
    found = []
    for place, (before, behind) in PLACES.items():
        harmless = calls(before + "x" + behind)
        for name, there in calls(before + value + behind).items():
            if name not in harmless:
                found.append({"Verdict": "carried out" if there else "possible", "Kind": "Python, " + place + ("" if there else ", unknown"), "How": name})
    if not found and re.search(r"[(`$@;<]|\b(?:print|system|exec|eval|exit|die)\b", value):
        for place, (before, behind) in PERL.items():
            try:
                ops = perl(before + value + behind)
            except subprocess.TimeoutExpired:
                ops = ["no end"]
            for op in ops:
                there = op != "entersub"
                found.append({"Verdict": "carried out" if there else "possible", "Kind": "Perl, " + place + ("" if there else ", unknown"), "How": op})
    for f in found:
        f["How"] = f["How"].encode("utf-8", "replace").decode()
    print(json.dumps(found), flush=True)
