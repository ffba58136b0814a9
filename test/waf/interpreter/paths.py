# Opens files as careless applications do, below a directory, and tells what was outside: a line of JSON each.
import base64, json, ntpath, os, posixpath, sys

MARK = sys.argv[1].encode()
BASE = "/var/www/html/pages/"
WINDOWS = "C:\\inetpub\\wwwroot\\pages\\"
SYSTEM = ("/etc/", "/proc/", "/root/", "/home/", "/var/log/", "/var/lib/", "/var/mail/", "/var/spool/", "/usr/local/", "/opt/", "/boot/", "/dev/", "/sys/", "/bin/", "/sbin/", "/usr/", "/windows/", "/winnt/", "/boot.ini")


def shows(path):
    """The path, if what is there is outside and can be read."""
    try:
        with open(path, "rb") as f:
            return path if MARK in f.read(64) else ""
    except (OSError, ValueError):
        return ""


def posix(value):
    """Below a directory, alone, with a suffix, and behind another name."""
    for place, path in (("file below a directory", BASE + value), ("image below a directory", BASE + "img/" + value), ("page of a name", BASE + value + ".html")):
        whole = posixpath.normpath(path)
        shown = shows(path) or shows(whole) or shows(whole.split("?")[0].split("#")[0])
        left = "" if (whole + "/").startswith(BASE) else whole
        yield place, shown if left else "", left, ""
    if value.startswith("/"):
        whole = posixpath.normpath(value).replace("//", "/")
        low = whole.lower()
        yield "any file", shows(whole), whole if low.startswith(SYSTEM) else "", whole
    else:
        yield "any file below the root", "", "", shows("/" + value)
    if value.lower().startswith("file:"):
        whole = posixpath.normpath("/" + value[5:].lstrip("/").partition("localhost/")[2] if "localhost/" in value else "/" + value[5:].lstrip("/"))
        yield "address of a file", shows(whole), whole, ""


def windows(value):
    path = ntpath.normpath(WINDOWS + value.lstrip("/\\"))
    left = "" if (path + "\\").lower().startswith(WINDOWS.lower()) else path
    shown = shows(left[2:].replace("\\", "/").lower()) if left else ""
    yield "file below a directory, Windows", shown, left, ""
    drive, rest = ntpath.splitdrive(value)
    if drive and rest[:1] in ("\\", "/"):
        whole = ntpath.normpath(value)
        yield "any file, Windows", shows(ntpath.splitdrive(whole)[1].replace("\\", "/").lower()), whole, ""


for line in sys.stdin:
    raw = base64.b64decode(json.loads(line)["Value"])
    value = raw.decode("utf-8", "surrogateescape")
    found = []
    for read in (posix, windows):
        for place, shown, left, named in read(value):
            if shown or left or named:
                clean = lambda s: s.encode("utf-8", "replace").decode()[:200]
                found.append({"Place": place, "Shown": clean(shown), "Left": clean(left), "Named": clean(named)})
    print(json.dumps(found), flush=True)
