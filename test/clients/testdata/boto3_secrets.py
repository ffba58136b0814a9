"""Secrets Manager by boto3 against the server that AWS_ENDPOINT_URL names: every operation
that the boto3 of Debian 12 knows, and those that a newer one has."""

import json
import os

import boto3
from botocore.exceptions import ClientError


def client(**kw):
    return boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL"], **kw)


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code, f"{call.__name__}: want {code}, got {got}: {e}"
        return e.response["Error"].get("Message", "")
    raise AssertionError(f"{call.__name__} succeeded")


sm = client()
name = "boto3/secret"
made = sm.create_secret(Name=name, SecretString="one", Tags=[{"Key": "k", "Value": "v"}])
arn = made["ARN"]
assert sm.get_secret_value(SecretId=name)["SecretString"] == "one"
put = sm.put_secret_value(SecretId=arn, SecretBinary=b"\x00\x01", VersionStages=["AWSCURRENT", "mine"])
assert sorted(put["VersionStages"]) == ["AWSCURRENT", "mine"], put
assert sm.get_secret_value(SecretId=arn[:-7], VersionStage="mine")["SecretBinary"] == b"\x00\x01"
sm.update_secret(SecretId=name, Description="described", SecretString="three")
stages = sm.describe_secret(SecretId=name)["VersionIdsToStages"]
assert stages[put["VersionId"]] == ["AWSPREVIOUS", "mine"], stages
assert len(sm.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]) == 3
sm.update_secret_version_stage(SecretId=name, VersionStage="mine", RemoveFromVersionId=put["VersionId"])
message = refused("ResourceNotFoundException", sm.get_secret_value, SecretId=name, VersionStage="mine")
assert message == "Secrets Manager can't find the specified secret value for staging label: mine", message
message = refused("ResourceExistsException", sm.create_secret, Name=name, SecretString="x")
assert message == f"The operation failed because the secret {name} already exists.", message
message = refused("ValidationException", sm.create_secret, Name="a b")
assert message.startswith("Invalid name."), message

sm.tag_resource(SecretId=name, Tags=[{"Key": "l", "Value": "w"}])
sm.untag_resource(SecretId=name, TagKeys=["k"])
names = [s["Name"] for page in sm.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1}) for s in page["SecretList"]]
assert names.count(name) == 1, names
assert len(sm.get_random_password(PasswordLength=12, ExcludeNumbers=True)["RandomPassword"]) == 12

policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": arn.split(":")[4]}, "Action": "secretsmanager:*", "Resource": "*"}]}
assert sm.validate_resource_policy(SecretId=name, ResourcePolicy=json.dumps(policy))["PolicyValidationPassed"]
sm.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(policy), BlockPublicPolicy=True)
assert json.loads(sm.get_resource_policy(SecretId=name)["ResourcePolicy"])["Statement"]
sm.delete_resource_policy(SecretId=name)
refused("InvalidRequestException", sm.rotate_secret, SecretId=name)
refused("InvalidRequestException", sm.cancel_rotate_secret, SecretId=name)

far = client(region_name="ap-south-1")
status = sm.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "ap-south-1"}])["ReplicationStatus"]
assert status[0]["Status"] == "InSync", status
assert far.get_secret_value(SecretId=name)["SecretString"] == "three"
refused("InvalidParameterException", far.put_secret_value, SecretId=name, SecretString="x")
far.stop_replication_to_replica(SecretId=name)
far.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
sm.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=["ap-south-1"])
if hasattr(sm, "batch_get_secret_value"):
    batch = sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["boto3/"]}])
    assert [v["SecretString"] for v in batch["SecretValues"]] == ["three"], batch

sm.delete_secret(SecretId=name)
refused("InvalidRequestException", sm.get_secret_value, SecretId=name)
sm.restore_secret(SecretId=name)
sm.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
print("ok")
