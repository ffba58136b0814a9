# Renders templates with Jinja2, Mako and Tornado: a line of JSON each. Each value has a process of its own, with bounds.
import base64, json, os, resource, sys

import jinja2, mako.template, mako.exceptions, tornado.template, tornado.util

SECRET = sys.argv[1]


class Request:
    method, path, args, headers = "GET", "/", {}, {}
    application = environ = None


def context():
    return {"config": {"SECRET_KEY": SECRET}, "request": Request(), "session": {}, "name": "anne", "url_for": lambda *a, **k: "/", "get_flashed_messages": lambda *a, **k: [], "g": Request(), "handler": Request()}


def jinja(text):
    try:
        page = jinja2.Environment().from_string(text)
    except jinja2.TemplateSyntaxError:
        return "", "syntax"
    return page.render(**context()), ""


def mako_(text):
    try:
        page = mako.template.Template(text)
    except (mako.exceptions.SyntaxException, mako.exceptions.CompileException, SyntaxError):
        return "", "syntax"
    return page.render(**context()), ""


def tornado_(text):
    try:
        page = tornado.template.Template(text, autoescape=None)
    except (tornado.template.ParseError, SyntaxError):
        return "", "syntax"
    return page.generate(**context()).decode("utf-8", "replace"), ""


def render(value, write):
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    found = []
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for engine, f in (("Jinja2", jinja), ("Mako", mako_), ("Tornado", tornado_)):
        r = {"Engine": engine, "Out": "", "Error": "syntax"}
        try:
            r["Out"], r["Error"] = f("Hello " + value + "!")
        except BaseException:
            r["Error"] = "runtime"
        r["Out"] = str(r["Out"])[:100000].encode("utf-8", "replace").decode()
        if r["Error"] != "syntax":
            found.append(r)
        data = json.dumps(r).encode() + b"\n"
        os.write(write, data) if r["Error"] != "syntax" else None


for line in sys.stdin:
    value = base64.b64decode(json.loads(line)["Value"]).decode("utf-8", "replace")
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            render(value, write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        said = f.read()
    os.waitpid(child, 0)
    found = []
    for part in said.split(b"\n"):
        try:
            found.append(json.loads(part))
        except ValueError:
            pass
    print(json.dumps(found), flush=True)
