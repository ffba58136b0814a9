package kms

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/keyalg"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// AWS managed keys belong to a service: one for each account and Region, made when the
// service first encrypts something there for a caller who named no key of his own, or
// when somebody describes its alias. Most of their aliases are predefined: they are listed,
// without a key, before there is one. They rotate every year. Their key policy lets the
// principals of the account use them through that service and look at them otherwise; it
// cannot be changed, and neither can anything else about the key.
//
// Source: AWS KMS developer guide, "AWS KMS keys", "AWS managed keys".

// managedKey is the AWS managed key of one service.
type managedKey struct {
	// service is the first label of the service's endpoint, and title what the service is
	// called in the key policy.
	service, title string
	// protects is what the key's description says about it.
	protects string
	// predefined: the alias is there before the key is.
	predefined bool
}

// description is that of the key.
func (m managedKey) description() string {
	return "Default key that protects my " + m.protects + " when no other key is defined"
}

// policy is the key policy of the key.
func (m managedKey) policy(account, region string) string {
	if m.service == "secretsmanager" {
		return secretsManagerPolicy(account, region)
	}
	return m.throughService(account, region)
}

// managedKeys are the AWS managed keys that can exist, by alias. The services beside Secrets
// Manager and Parameter Store are those of which logs of aws-nuke show aliases in accounts
// that do not use them ("alias/aws/glue - cannot delete AWS alias"); Terraform
// configurations look keys up by these aliases.
var managedKeys = map[string]managedKey{
	"alias/aws/dynamodb":          {"dynamodb", "Amazon DynamoDB", "DynamoDB data", true},
	"alias/aws/ebs":               {"ec2", "EBS", "EBS volumes", true},
	"alias/aws/elasticfilesystem": {"elasticfilesystem", "EFS", "EFS filesystems", true},
	"alias/aws/es":                {"es", "Elasticsearch", "Elasticsearch data", true},
	"alias/aws/glue":              {"glue", "Glue", "Glue data", true},
	"alias/aws/kinesisvideo":      {"kinesisvideo", "Kinesis Video Streams", "Kinesis Video Streams data", true},
	"alias/aws/rds":               {"rds", "RDS", "RDS database volumes", true},
	"alias/aws/redshift":          {"redshift", "Redshift", "Redshift clusters", true},
	"alias/aws/s3":                {"s3", "S3", "S3 objects", true},
	"alias/aws/secretsmanager":    {"secretsmanager", "AWS Secrets Manager", "Secrets Manager data", false},
	"alias/aws/ssm":               {"ssm", "SSM", "SSM parameters", true},
	"alias/aws/xray":              {"xray", "X-Ray", "X-Ray data", true},
}

// predefinedAliases are the names of those that are listed before their keys exist.
var predefinedAliases = func() (names []string) {
	for name, m := range managedKeys {
		if m.predefined {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}()

// predefinedMark begins the position of a listing of aliases that has come to the
// predefined ones; their last name follows. No cursor of a table begins so.
const predefinedMark = "predefined:"

// predefined lists predefined aliases that stand for no key yet ("aliases that have no
// TargetKeyId field", AWS KMS API reference, ListAliases): at most limit behind the name
// after, or from the first.
func (s *Service) predefined(r store.Reader, c *call.Call, after string, limit int, resumed bool) (names []string, next string, err error) {
	for _, name := range predefinedAliases {
		if resumed && name <= after {
			continue
		}
		switch _, err := s.tables.alias(r, c.Account, c.Region, name); {
		case err == nil:
			continue
		case !isNotFound(err):
			return nil, "", err
		case len(names) == limit:
			return names, predefinedMark + after, nil
		}
		names, after = append(names, name), name
	}
	return names, "", nil
}

// managed returns the AWS managed key behind an alias that stands for no key, as far as
// the transaction of c goes: there, it makes the key if the alias's own service asks for
// it. So the key exists exactly if what it encrypts does.
func (s *Service) managed(ctx context.Context, c *call.Call, ref reference) (*key, error) {
	def, ok := managedKeys[ref.alias]
	tx := c.Txn()
	if !ok || tx == nil || ref.account != c.Account || c.ViaService() != def.service+"."+c.Region+".amazonaws.com" {
		return nil, nil
	}
	return s.ensureManaged(ctx, tx, ref.account, ref.region, ref.alias)
}

// justMade returns a key that the transaction of c has made and not committed yet: the
// service whose call made it may go on to use it. There is none in the directory.
func (s *Service) justMade(c *call.Call, name keyName) (*key, error) {
	if c.Txn() == nil || len(c.Via) == 0 {
		return nil, nil
	}
	k, err := s.directory.load(c.Txn(), name)
	if isNotFound(err) || err == nil && !k.record.Managed {
		return nil, nil
	}
	return k, err
}

// ensureManaged returns an AWS managed key, which it makes if there is none.
func (s *Service) ensureManaged(ctx context.Context, tx store.Txn, account, region, alias string) (*key, error) {
	a, err := s.tables.alias(tx, account, region, alias)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	id := ""
	if err == nil {
		id = a.KeyID
	} else if id, err = s.createManaged(ctx, tx, account, region, alias); err != nil {
		return nil, fmt.Errorf("kms: create the key of %s: %w", alias, err)
	}
	return s.directory.load(tx, keyName{account, region, id})
}

func (s *Service) createManaged(ctx context.Context, tx store.Txn, account, region, alias string) (id string, err error) {
	def := managedKeys[alias]
	if id, err = newKeyID(false); err != nil {
		return "", err
	}
	now := s.clock.Now().UTC()
	k := &keyRecord{
		Account: account, Region: region, ID: id, Ref: make([]byte, envelope.KeyRefSize), Managed: true,
		Spec: symmetricDefault, Usage: string(keyalg.EncryptDecrypt), Origin: string(kmsapi.OriginTypeAWSKMS),
		State: kmsapi.KeyStateEnabled, Description: def.description(), Created: now,
		Rotation: &rotation{Enabled: true, PeriodDays: defaultRotationDays, Next: now.AddDate(0, 0, defaultRotationDays)},
	}
	_, _ = rand.Read(k.Ref) // never fails
	if k.Policy, err = s.storedPolicy(def.policy(account, region)); err != nil {
		return "", err
	}
	m, _, err := s.newMaterial(ctx, k)
	if err != nil {
		return "", err
	}
	k.Material = m.ID
	if err := s.tables.materials.Put(tx, m); err != nil {
		return "", err
	}
	if err := s.saveIn(tx, k); err != nil {
		return "", err
	}
	err = s.tables.aliases.Insert(tx, &aliasRecord{Account: account, Region: region, Name: alias, KeyID: id, Created: now, Updated: now})
	if err != nil {
		return "", err
	}
	s.memory.OnCommit(tx, func(store.Revision) { s.directory.aliasChanged(account, region, alias) })
	if err := s.resumeRotation(tx, k); err != nil {
		return "", err
	}
	return id, s.record(tx, k, "CreateKey")
}

// describeManaged is DescribeKey on the alias of an AWS managed key that does not exist
// yet: it makes the key (AWS KMS API reference, DescribeKey, KeyId). DescribeKey has no
// transaction of its own.
func (s *Service) describeManaged(ctx context.Context, r *resolved) (k *key, err error) {
	if _, ok := managedKeys[r.alias]; !ok || r.account != call.From(ctx).Account {
		return nil, r.missing
	}
	_, err = s.store.Update(ctx, func(tx store.Txn) (err error) {
		k, err = s.ensureManaged(ctx, tx, r.account, r.region, r.alias)
		return err
	})
	return k, err
}

// changesKey lists the operations that nobody may do on AWS managed keys, whatever the
// policies say.
var changesKey = map[string]bool{
	"CancelKeyDeletion": true, "CreateAlias": true, "DisableKey": true, "DisableKeyRotation": true, "EnableKey": true,
	"EnableKeyRotation": true, "PutKeyPolicy": true, "ReplicateKey": true, "RotateKeyOnDemand": true,
	"ScheduleKeyDeletion": true, "TagResource": true, "UntagResource": true, "UpdateAlias": true,
	"UpdateKeyDescription": true, "UpdatePrimaryRegion": true,
}

// checkManaged refuses a change of an AWS managed key.
func checkManaged(operation string, k *keyRecord) error {
	if !k.Managed || !changesKey[operation] {
		return nil
	}
	return &wire.CommonError{Kind: wire.AccessDenied, Message: "The operation is not allowed on " + k.arn() + ", which is an AWS managed key."}
}

// manager is KeyManager.
func (k *keyRecord) manager() kmsapi.KeyManagerType {
	if k.Managed {
		return kmsapi.KeyManagerTypeAWS
	}
	return kmsapi.KeyManagerTypeCustomer
}

// metadataStatement lets the account look at an AWS managed key.
func metadataStatement(account string) string {
	return `{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : { "AWS" : "arn:` + call.Partition + `:iam::` + account + `:root" },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  }`
}

// secretsManagerPolicy is the key policy of aws/secretsmanager (AWS Secrets Manager user
// guide, "Secret encryption and decryption in AWS Secrets Manager").
func secretsManagerPolicy(account, region string) string {
	const sid = `"Sid" : "Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager`
	via := `"kms:ViaService" : "secretsmanager.` + region + `.amazonaws.com"`
	caller := `"kms:CallerAccount" : "` + account + `"`
	return `{
  "Version" : "2012-10-17",
  "Id" : "auto-secretsmanager-2",
  "Statement" : [ {
    ` + sid + `",
    "Effect" : "Allow",
    "Principal" : { "AWS" : "*" },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : { "StringEquals" : { ` + via + `, ` + caller + ` } }
  }, {
    ` + sid + ` to generate data keys",
    "Effect" : "Allow",
    "Principal" : { "AWS" : "*" },
    "Action" : "kms:GenerateDataKey*",
    "Resource" : "*",
    "Condition" : { "StringEquals" : { ` + caller + ` }, "StringLike" : { ` + via + ` } }
  }, ` + metadataStatement(account) + ` ]
}`
}

// throughService is the key policy of a key that works through its service alone (AWS Systems
// Manager user guide, "AWS KMS encryption for AWS Systems Manager Parameter Store SecureString
// parameters").
func (m managedKey) throughService(account, region string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "auto-` + m.service + `-1",
  "Statement" : [ {
    "Sid" : "Allow access through ` + m.title + ` for all principals in the account that are authorized to use ` + m.title + `",
    "Effect" : "Allow",
    "Principal" : { "AWS" : "*" },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : { "StringEquals" : { "kms:ViaService" : "` + m.service + `.` + region + `.amazonaws.com", "kms:CallerAccount" : "` + account + `" } }
  }, ` + metadataStatement(account) + ` ]
}`
}
