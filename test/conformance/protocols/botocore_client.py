"""Reads our responses with botocore's parsers and compares them with the vectors.

Usage: botocore_client.py VECTORS NOTAPPLICABLE < responses.json

The responses are a JSON list of {file, suite, case, status, headers, body}, where
body is base64. Prints what differs and exits with status 1 if anything does.
"""
import base64
import datetime
import json
import math
import os
import sys

import botocore
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser


def plain(value):
    """A parsed value in the form of the vectors."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8")
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value


def same(got, want):
    if isinstance(want, dict) and isinstance(got, dict):
        keys = {k for k, v in want.items() if v is not None}
        have = {k for k, v in got.items() if v is not None}
        return keys == have and all(same(got[k], want[k]) for k in keys)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(same, got, want))
    if isinstance(want, float) and isinstance(got, (int, float)) or isinstance(got, float) and isinstance(want, int):
        return abs(got - want) <= 1e-6 * max(1, abs(want))
    return got == want


def check(suite, case, response):
    """Returns what differs, or None."""
    model = ServiceModel({"metadata": suite["metadata"], "operations": {}, "shapes": suite["shapes"]})
    given = dict(case["given"])
    if suite["metadata"]["protocol"] == "query" and "output" in given:
        # Real models name the element around the result; the vectors leave it out.
        given["output"] = dict(given["output"], resultWrapper=given["name"] + "Result")
    operation = OperationModel(given, model)
    parser = create_parser(suite["metadata"]["protocol"])
    raw = {
        "status_code": response["status"],
        "headers": HeadersDict(response["headers"]),
        "body": base64.b64decode(response["body"] or ""),
        "context": {"operation_name": operation.name, "is_query_compatible": "awsQueryCompatible" in suite["metadata"]},
    }
    if "errorCode" not in case:
        parsed = parser.parse(raw, operation.output_shape)
        if "Error" in parsed and response["status"] >= 300:
            return "parsed as an error: %r" % parsed
        parsed.pop("ResponseMetadata", None)
        result = plain(parsed)
        # A prefix of no letters takes all headers; the vectors name some of them.
        for name, member in operation.output_shape.members.items() if operation.output_shape else ():
            if member.serialization.get("location") == "headers" and not member.serialization.get("name"):
                want = case["result"].get(name, {})
                result[name] = {k.lower(): v for k, v in result.get(name, {}).items() if k.lower() in want}
        if not same(result, case.get("result", {})):
            return "parsed %r, want %r" % (result, case.get("result"))
        return None
    parsed = parser.parse(raw, None)
    error = parsed["Error"]
    if error["Code"] != case["errorCode"]:
        return "code %r, want %r" % (error["Code"], case["errorCode"])
    if error["Message"] != case.get("errorMessage", ""):
        return "message %r, want %r" % (error["Message"], case.get("errorMessage"))
    for shape in operation.error_shapes:
        if case["errorCode"] in (shape.name, shape.metadata.get("error", {}).get("code")):
            members = parser.parse(raw, shape)
            members.pop("ResponseMetadata", None)
            members.pop("Error", None)
            if not same(plain(members), case["error"]):
                return "parsed %r, want %r" % (plain(members), case["error"])
            return None
    return "no error shape"


def main(vectors, not_applicable):
    with open(not_applicable, encoding="utf-8") as f:
        listed = {line.split(": ")[0] for line in f if not line.startswith("#")}
    with open(os.path.join(vectors, "client-ignore-list.json"), encoding="utf-8") as f:
        unable = json.load(f)["protocols"]
    files, failures, checked, beyond = {}, [], 0, 0
    for response in json.load(sys.stdin):
        name = response["file"]
        if name not in files:
            with open(os.path.join(vectors, name + ".json"), encoding="utf-8") as f:
                files[name] = json.load(f)
        suite = files[name][response["suite"]]
        case = suite["cases"][response["case"]]
        if "%s %s" % (name, case["id"]) in listed:
            continue
        # What botocore itself does not support, by its own list.
        protocol = unable.get(name.split("/")[1].replace("-query-compatible", ""), {})
        if case["id"] in protocol.get("output", {}).get("cases", []):
            beyond += 1
            continue
        checked += 1
        try:
            difference = check(suite, case, response)
        except Exception as e:  # any failure to parse is a finding
            difference = "%s: %s" % (type(e).__name__, e)
        if difference:
            failures.append("%s %s: %s\n    %s" % (name, case["id"], difference, base64.b64decode(response["body"] or "")[:600]))
    print("botocore %s reads %d of %d responses as the vectors say; %d more are beyond it" % (botocore.__version__, checked - len(failures), checked, beyond))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
