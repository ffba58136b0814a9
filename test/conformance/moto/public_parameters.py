"""Prints the public parameters that moto's own checkout has (moto/ssm/resources: what AWS
publishes under /aws/service) as a file for --ssm-parameters."""

import datetime
import json
import pathlib
import sys


def below(tree, path):
    """The parameters of a tree of which each node may have a Value."""
    for name, node in tree.items():
        if name == "Value":
            if isinstance(node, str):
                yield path, node
        elif isinstance(node, dict):
            yield from below(node, f"{path}/{name}")


def parameters(resources):
    for file in sorted((resources / "ami-amazon-linux-latest").glob("*.json")):
        for p in json.loads(file.read_text()):
            modified = datetime.datetime.fromtimestamp(p["LastModifiedDate"], datetime.timezone.utc)
            yield {
                "name": p["Name"],
                "value": p["Value"],
                "type": p["Type"],
                "dataType": p["DataType"],
                "version": p["Version"],
                "lastModified": modified.isoformat(),
                "regions": [file.stem],
            }
    for tree in ("regions.json", "services.json"):
        for name, value in below(json.loads((resources / tree).read_text()), ""):
            yield {"name": name, "value": value}


resources = pathlib.Path(sys.argv[1])
json.dump({"parameters": list(parameters(resources))}, sys.stdout)
