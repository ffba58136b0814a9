#!/usr/bin/env bash
# Secrets Manager by the AWS CLI (from Debian 12's 2.9 on) against the server that
# AWS_ENDPOINT_URL names: every operation that such a CLI knows.
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

sm() { command aws --endpoint-url "$AWS_ENDPOINT_URL" secretsmanager "$@"; }

name=cli/database
arn=$(sm create-secret --name $name --description "from the CLI" --secret-string '{"username":"app","password":"first"}' \
	--tags Key=team,Value=cli --query ARN --output text)
case $arn in arn:aws:secretsmanager:$AWS_REGION:*:secret:$name-??????) ;; *) fail "ARN $arn" ;; esac
same value "$(sm get-secret-value --secret-id $name --query SecretString --output text)" '{"username":"app","password":"first"}'
same "by its ARN" "$(sm get-secret-value --secret-id "$arn" --query Name --output text)" $name
first=$(sm get-secret-value --secret-id $name --query VersionId --output text)

sm put-secret-value --secret-id $name --secret-string second >put
grep -q AWSCURRENT put || fail "put: $(cat put)"
head -c 1000 /dev/urandom >binary
sm update-secret --secret-id $name --secret-binary fileb://binary --description changed >update
sm get-secret-value --secret-id $name --query SecretBinary --output text | base64 -d | cmp - binary
same "previous value" "$(sm get-secret-value --secret-id $name --version-stage AWSPREVIOUS --query SecretString --output text)" second
same "first value" "$(sm get-secret-value --secret-id $name --version-id "$first" --query SecretString --output text)" '{"username":"app","password":"first"}'
same versions "$(sm list-secret-version-ids --secret-id $name --include-deprecated --query 'length(Versions)' --output text)" 3
current=$(sm get-secret-value --secret-id $name --query VersionId --output text)
sm update-secret-version-stage --secret-id $name --version-stage AWSCURRENT --remove-from-version-id "$current" --move-to-version-id "$first" >moved
same "moved back" "$(sm get-secret-value --secret-id $name --query VersionId --output text)" "$first"
refused ResourceNotFoundException sm get-secret-value --secret-id $name --version-stage AWSPENDING

same "length of a password" "$(sm get-random-password --password-length 40 --require-each-included-type --query 'length(RandomPassword)' --output text)" 40
sm tag-resource --secret-id $name --tags Key=env,Value=test
sm untag-resource --secret-id $name --tag-keys team
same tags "$(sm describe-secret --secret-id $name --query 'Tags[].Key' --output text)" env
same list "$(sm list-secrets --filters Key=name,Values=cli/ --query 'SecretList[].Name' --output text)" $name

cat >open.json <<END
{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:*","Resource":"*"}]}
END
same verdict "$(sm validate-resource-policy --secret-id $name --resource-policy file://open.json --query PolicyValidationPassed --output text)" False
refused PublicPolicyException sm put-resource-policy --secret-id $name --resource-policy file://open.json --block-public-policy
sed 's/"Principal":"\*"/"Principal":{"AWS":"'"$(cut -d: -f5 <<<"$arn")"'"}/' open.json >closed.json
sm put-resource-policy --secret-id $name --resource-policy file://closed.json --block-public-policy >policy
sm get-resource-policy --secret-id $name --query ResourcePolicy --output text | grep -q secretsmanager || fail "no policy"
sm delete-resource-policy --secret-id $name >policy

refused InvalidRequestException sm rotate-secret --secret-id $name
refused InvalidRequestException sm cancel-rotate-secret --secret-id $name

sm replicate-secret-to-regions --secret-id $name --add-replica-regions Region=eu-central-1 Region=eu-west-2 >replicas
grep -q InSync replicas || fail "replicas: $(cat replicas)"
same "value of a replica" "$(sm get-secret-value --region eu-central-1 --secret-id $name --query VersionId --output text)" "$first"
refused InvalidParameterException sm delete-secret --secret-id $name
sm remove-regions-from-replication --secret-id $name --remove-replica-regions eu-west-2 >removed
sm stop-replication-to-replica --region eu-central-1 --secret-id $name >stopped
sm delete-secret --region eu-central-1 --secret-id $name --force-delete-without-recovery >deleted

sm delete-secret --secret-id $name --recovery-window-in-days 7 >deleted
refused InvalidRequestException sm get-secret-value --secret-id $name
sm restore-secret --secret-id $name >restored
sm delete-secret --secret-id $name --force-delete-without-recovery >deleted
refused ResourceNotFoundException sm describe-secret --secret-id $name
