// Package reference resolves references to secrets and parameters in the values of
// environment variables.
//
// A value is a reference as a whole:
//
//	secretsmanager:NAME[:JSON-KEY[:STAGE-OR-VERSION]]
//	ssm:NAME[:VERSION-OR-LABEL]
//
// NAME may be an ARN. Without JSON-KEY, or with an empty one, the whole secret is meant;
// with it, the member of that name of the JSON object that the secret is. What looks
// like a UUID after it is a version's id, anything else a staging label; a fourth part
// is a version's id in any form. Without any of them AWSCURRENT is meant. A SecureString
// is decrypted.
//
// Or it holds, alone or among other text, any number of CloudFormation's dynamic
// references (AWS CloudFormation User Guide, "Get values stored in other services using
// dynamic references"):
//
//	{{resolve:secretsmanager:NAME:SecretString:JSON-KEY:STAGE:VERSION-ID}}
//	{{resolve:ssm:NAME:VERSION}}
//	{{resolve:ssm-secure:NAME:VERSION}}
//
// where everything after NAME may be left out. As in CloudFormation, ssm does not resolve
// a SecureString.
//
// Errors name variables and references, never values.
package reference
