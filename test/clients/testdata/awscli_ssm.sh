#!/usr/bin/env bash
# Parameter Store by the AWS CLI, against the server that AWS_ENDPOINT_URL names. It runs in
# an empty working directory, with the root user's credentials in the environment.
set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }

# same WHAT GOT WANT
same() { [ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"; }

# refused CODE COMMAND...: the command must fail with that error code.
refused() {
	local code=$1 out
	shift
	if out=$("$@" 2>&1); then fail "$* succeeded"; fi
	case $out in *"($code)"*) printf '%s\n' "$out" ;; *) fail "$*: want $code, got: $out" ;; esac
}

# A CLI before 2.13 does not know AWS_ENDPOINT_URL.
ssm() { command aws --endpoint-url "$AWS_ENDPOINT_URL" ssm "$@"; }

same version "$(ssm put-parameter --name /cli/one --value first --type String --tags Key=team,Value=cli --query Version --output text)" 1
refused ParameterAlreadyExists ssm put-parameter --name /cli/one --value x --type String >/dev/null
same version "$(ssm put-parameter --name /cli/one --value second --type String --overwrite --query Version --output text)" 2
same "latest value" "$(ssm get-parameter --name /cli/one --query Parameter.Value --output text)" second
same "by version" "$(ssm get-parameter --name /cli/one:1 --query Parameter.Value --output text)" first
ssm label-parameter-version --name /cli/one --parameter-version 1 --labels good >/dev/null
same "by label" "$(ssm get-parameter --name /cli/one:good --query Parameter.Value --output text)" first
same "labels in the history" "$(ssm get-parameter-history --name /cli/one --query 'Parameters[0].Labels[0]' --output text)" good
same "removed labels" "$(ssm unlabel-parameter-version --name /cli/one --parameter-version 1 --labels good --query 'RemovedLabels[0]' --output text)" good

# Encrypted under the AWS managed key, which this makes
ssm put-parameter --name /cli/secret --value "hush, says the CLI" --type SecureString >/dev/null
same decrypted "$(ssm get-parameter --name /cli/secret --with-decryption --query Parameter.Value --output text)" "hush, says the CLI"
ssm get-parameter --name /cli/secret --query Parameter.Value --output text | base64 -d >blob
if grep -q hush blob; then fail "the ciphertext shows the plaintext"; fi

ssm put-parameter --name /cli/deep/list --value a,b,c --type StringList >/dev/null
same "one level" "$(ssm get-parameters-by-path --path /cli --query 'length(Parameters)' --output text)" 2
same "all levels, in pages" "$(ssm get-parameters-by-path --path /cli --recursive --page-size 1 --query 'Parameters[].Name' --output text | tr '\t' '\n' | sort | paste -sd' ')" \
	"/cli/deep/list /cli/one /cli/secret"
same filtered "$(ssm describe-parameters --parameter-filters Key=Type,Values=StringList Key=Path,Option=Recursive,Values=/cli --query 'Parameters[].Name' --output text)" /cli/deep/list
same "invalid names" "$(ssm get-parameters --names /cli/one none --query 'InvalidParameters[0]' --output text)" none
same tags "$(ssm list-tags-for-resource --resource-type Parameter --resource-id /cli/one --query 'TagList[0].Value' --output text)" cli

# Policies
refused InvalidPolicyTypeException ssm put-parameter --name /cli/p --value x --type String --tier Advanced \
	--policies '[{"Type":"Never","Version":"1.0","Attributes":{}}]' >/dev/null
ssm put-parameter --name /cli/p --value x --type String --tier Advanced \
	--policies '[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"30","Unit":"Days"}}]' >/dev/null
same "policy status" "$(ssm describe-parameters --parameter-filters Key=Name,Values=/cli/p --query 'Parameters[0].Policies[0].PolicyStatus' --output text)" Pending

same "default tier" "$(ssm get-service-setting --setting-id /ssm/parameter-store/default-parameter-tier --query ServiceSetting.SettingValue --output text)" Standard
same deleted "$(ssm delete-parameters --names /cli/one /cli/secret /cli/deep/list /cli/p none --query 'length(DeletedParameters)' --output text)" 4
refused ParameterNotFound ssm get-parameter --name /cli/one >/dev/null
echo "all good"
