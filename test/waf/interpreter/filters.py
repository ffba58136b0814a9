# Tells whether a value changes a filter of LDAP or an expression of XPath: a line of JSON each.
import base64, json, re, sys

import ldap
from lxml import etree

FILTERS = ["(uid=VALUE)", "(&(uid=VALUE)(userPassword=x))", "(&(objectClass=person)(|(cn=*VALUE*)(uid=VALUE)))", "(&(userPassword=x)(uid=VALUE))", "(|(uid=x)(cn=VALUE))"]
PATHS = ["//user[name/text()='VALUE' and pass/text()='x']", '//user[name/text()="VALUE" and pass/text()="x"]', "//user[name='VALUE']", '//user[name="VALUE"]', "//user[pass='x' and name='VALUE']", "//user[contains(name,'VALUE')]/name",
         "//user[id=VALUE]", "//user[id=VALUE and pass='x']", "/users/VALUE/name", "//user[position()=VALUE]", "VALUE"]
TREE = etree.fromstring("<users><user><id>1</id><name>anne</name><pass>tea</pass></user><user><id>2</id><name>sean</name><pass>cake</pass></user></users>")
ITEM = re.compile(r"\(\s*([A-Za-z][\w.;-]*(?::[\w.]+)*)\s*(:=|>=|<=|~=|=)")
connection = ldap.initialize("ldap://127.0.0.1:1")


def accepted(text):
    """libldap writes a filter before it asks anybody, and there is nobody to ask."""
    if "\0" in text:
        return False
    try:
        connection.search_ext("dc=shop", ldap.SCOPE_SUBTREE, text)
    except ldap.FILTER_ERROR:
        return False
    except ldap.LDAPError:
        return True
    return True


def in_filter(value):
    best = None
    for f in FILTERS:
        text = f.replace("VALUE", value)
        if not accepted(text):
            # A server is often given the first filter alone.
            depth = 0
            for i, c in enumerate(text):
                depth += (c == "(") - (c == ")")
                if depth == 0:
                    break
            if i + 1 == len(text) or not accepted(text[: i + 1]):
                continue
            text = text[: i + 1]
        items = len(ITEM.findall(text))
        if items != len(ITEM.findall(f.replace("VALUE", "x"))):
            return "carried out", "a filter", f
        if "*" in value:
            best = "possible", "a filter, any value", f
    return best


def evaluate(path):
    try:
        r = TREE.xpath(path, smart_strings=False)
    except etree.XPathEvalError as e:
        return "none" if re.search("Invalid|Unfinished|expected|syntax", str(e)) else "fails"
    except (etree.XPathError, ValueError):
        return "none"
    return "=" + "|".join(etree.tostring(x).decode() if isinstance(x, etree._Element) else repr(x) for x in r) if isinstance(r, list) else "=" + repr(r)


def in_path(value):
    best = None
    for p in PATHS:
        quote = re.search(r"(['\"])VALUE", p)
        if quote and quote.group(1) not in value:
            continue
        if not quote and not re.search(r"[=|\[(<>]|\s(?:or|and)\s|::", value.strip()):
            continue
        after = evaluate(p.replace("VALUE", value))
        harmless = evaluate(p.replace("VALUE", "x" if quote else "0"))
        if after == "none":
            continue
        if after == "fails":
            best = best or ("possible", "a path, failed", p)
        elif after != harmless:
            return "shown", "a path", p
        elif quote:
            best = best or ("carried out", "a path", p)
    return best


for line in sys.stdin:
    value = base64.b64decode(json.loads(line)["Value"]).decode("utf-8", "replace")
    found = []
    for judge in (in_filter, in_path):
        r = judge(value)
        if r:
            found.append({"Verdict": r[0], "Kind": r[1], "How": r[2]})
    print(json.dumps(found), flush=True)
