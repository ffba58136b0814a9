#!/usr/bin/env bash
# The AWS CLI against the server that AWS_ENDPOINT_URL names, as a person would use it.
# It runs in an empty working directory, with the root user's credentials in the
# environment.
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
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }

account=$(aws sts get-caller-identity --query Account --output text)
same identity "$(aws sts get-caller-identity --query Arn --output text)" "arn:aws:iam::$account:root"

# Keys and files
key=$(aws kms create-key --description "from the CLI" --tags TagKey=team,TagValue=cli --query KeyMetadata.KeyId --output text)
arn=$(aws kms describe-key --key-id "$key" --query KeyMetadata.Arn --output text)
same arn "$arn" "arn:aws:kms:$AWS_REGION:$account:key/$key"
head -c 4000 /dev/urandom >plain
aws kms encrypt --key-id "$key" --plaintext fileb://plain --encryption-context file=plain \
	--query CiphertextBlob --output text | base64 -d >cipher
aws kms decrypt --ciphertext-blob fileb://cipher --encryption-context file=plain \
	--query Plaintext --output text | base64 -d | cmp - plain
refused InvalidCiphertextException aws kms decrypt --ciphertext-blob fileb://cipher --encryption-context file=other
refused NotFoundException aws kms describe-key --key-id 00000000-0000-4000-8000-000000000000

# Signatures, verified by openssl as well
signer=$(aws kms create-key --key-spec RSA_2048 --key-usage SIGN_VERIFY --query KeyMetadata.KeyId --output text)
aws kms sign --key-id "$signer" --message fileb://plain --signing-algorithm RSASSA_PSS_SHA_256 \
	--query Signature --output text | base64 -d >signature
same verified "$(aws kms verify --key-id "$signer" --message fileb://plain --signature fileb://signature \
	--signing-algorithm RSASSA_PSS_SHA_256 --query SignatureValid --output text)" True
aws kms get-public-key --key-id "$signer" --query PublicKey --output text | base64 -d >public.der
openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -keyform DER -verify public.der -signature signature plain >/dev/null
head -c 4000 /dev/urandom >other
refused KMSInvalidSignatureException aws kms verify --key-id "$signer" --message fileb://other --signature fileb://signature --signing-algorithm RSASSA_PSS_SHA_256

# Aliases
aws kms create-alias --alias-name alias/cli --target-key-id "$key"
same alias "$(aws kms list-aliases --key-id "$key" --query 'Aliases[0].AliasName' --output text)" alias/cli
same "key by alias" "$(aws kms describe-key --key-id alias/cli --query KeyMetadata.KeyId --output text)" "$key"
refused ValidationException aws kms update-alias --alias-name alias/cli --target-key-id "$signer" >/dev/null
second=$(aws kms create-key --query KeyMetadata.KeyId --output text)
aws kms update-alias --alias-name alias/cli --target-key-id "$second"
same "moved alias" "$(aws kms describe-key --key-id alias/cli --query KeyMetadata.KeyId --output text)" "$second"
aws kms delete-alias --alias-name alias/cli
refused NotFoundException aws kms describe-key --key-id alias/cli

# Users act as themselves
aws iam create-user --user-name carol >/dev/null
aws iam create-access-key --user-name carol --query AccessKey >carol.json
carol() {
	AWS_ACCESS_KEY_ID=$(jq -r .AccessKeyId carol.json) AWS_SECRET_ACCESS_KEY=$(jq -r .SecretAccessKey carol.json) aws "$@"
}
same carol "$(carol sts get-caller-identity --query Arn --output text)" "arn:aws:iam::$account:user/carol"
denial=$(refused AccessDeniedException carol kms encrypt --key-id "$key" --plaintext fileb://plain)
case $denial in
*"User: arn:aws:iam::$account:user/carol is not authorized to perform: kms:Encrypt on resource: $arn because no identity-based policy allows the kms:Encrypt action"*) ;;
*) fail "denial reads: $denial" ;;
esac

# Grants: effective at once, and gone at once
grant=$(aws kms create-grant --key-id "$key" --grantee-principal "arn:aws:iam::$account:user/carol" \
	--operations Encrypt Decrypt --query GrantId --output text)
carol kms encrypt --key-id "$arn" --plaintext fileb://plain >/dev/null
same grants "$(aws kms list-grants --key-id "$key" --query 'length(Grants)' --output text)" 1
aws kms revoke-grant --key-id "$key" --grant-id "$grant"
refused AccessDeniedException carol kms encrypt --key-id "$arn" --plaintext fileb://plain >/dev/null

# A managed policy allows, the key policy's explicit deny wins
policy=$(aws iam create-policy --policy-name use-keys --query Policy.Arn --output text --policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Encrypt","kms:DescribeKey"],"Resource":"*"}]}')
aws iam attach-user-policy --user-name carol --policy-arn "$policy"
carol kms encrypt --key-id "$key" --plaintext fileb://plain >/dev/null
aws kms put-key-policy --key-id "$key" --policy-name default --policy "{\"Version\":\"2012-10-17\",\"Statement\":[
	{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::$account:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"},
	{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"arn:aws:iam::$account:user/carol\"},\"Action\":\"kms:Encrypt\",\"Resource\":\"*\"}]}"
denial=$(refused AccessDeniedException carol kms encrypt --key-id "$key" --plaintext fileb://plain)
case $denial in
*"with an explicit deny in a resource-based policy"*) ;;
*) fail "denial reads: $denial" ;;
esac
same "policy names" "$(aws kms list-key-policies --key-id "$key" --query 'PolicyNames[0]' --output text)" default
aws kms get-key-policy --key-id "$key" --policy-name default --query Policy --output text | jq -e '.Statement | length == 2' >/dev/null

# The refused call is in the event history
same "refused call in CloudTrail" "$(aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=Encrypt \
	--max-results 1 --query 'Events[0].CloudTrailEvent' --output text | jq -r '.errorCode + " " + .userIdentity.userName')" "AccessDenied carol"

# curl signs by itself
curl -sS --fail --aws-sigv4 "aws:amz:$AWS_REGION:kms" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
	-H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: TrentService.ListKeys' -d '{}' "$AWS_ENDPOINT_URL/" |
	jq -e --arg key "$key" '[.Keys[].KeyId] | index($key) != null' >/dev/null || fail "curl --aws-sigv4"

aws kms schedule-key-deletion --key-id "$signer" --pending-window-in-days 7 >/dev/null
refused KMSInvalidStateException aws kms sign --key-id "$signer" --message fileb://plain --signing-algorithm RSASSA_PSS_SHA_256 >/dev/null
echo "all good"
