// The AWS SDK for JavaScript v3 against the server that AWS_ENDPOINT_URL names.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import {
  CreateKeyCommand, DecryptCommand, DisabledException, DisableKeyCommand, EncryptCommand, GenerateDataKeyCommand,
  GetPublicKeyCommand, InvalidCiphertextException, KMSClient, NotFoundException, DescribeKeyCommand, SignCommand,
  VerifyCommand, paginateListKeys,
} from '@aws-sdk/client-kms';

const kms = new KMSClient({ maxAttempts: 1 });
const message = Buffer.from('attack at dawn');

const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Description: 'JavaScript' }));
assert.ok(key.CreationDate instanceof Date && Math.abs(key.CreationDate - Date.now()) < 60_000);

const EncryptionContext = { purpose: 'JavaScript' };
const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: message, EncryptionContext }));
const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
assert.deepEqual(Buffer.from(Plaintext), message);

const dataKey = await kms.send(new GenerateDataKeyCommand({ KeyId: key.KeyId, KeySpec: 'AES_256' }));
assert.equal(dataKey.Plaintext.length, 32);

const { KeyMetadata: signer } = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }));
const signing = { KeyId: signer.KeyId, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' };
const { Signature } = await kms.send(new SignCommand(signing));
const { SignatureValid } = await kms.send(new VerifyCommand({ ...signing, Signature }));
assert.equal(SignatureValid, true);
const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: signer.KeyId }));
assert.ok(verify('sha256', message, createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' }), Signature));

// refused checks that an error is of the modelled class and carries a request id.
async function refused(type, command) {
  await assert.rejects(kms.send(command), (error) => {
    assert.ok(error instanceof type, `${error.name}: ${error.message}`);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(error.$metadata.requestId);
    return true;
  });
}
await refused(InvalidCiphertextException, new DecryptCommand({ CiphertextBlob, EncryptionContext: {} }));
await refused(NotFoundException, new DescribeKeyCommand({ KeyId: '00000000-0000-4000-8000-000000000000' }));
await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }));
await refused(DisabledException, new EncryptCommand({ KeyId: key.KeyId, Plaintext: message }));

const listed = [];
for await (const page of paginateListKeys({ client: kms, pageSize: 2 }, {})) listed.push(...page.Keys.map((k) => k.KeyId));
assert.ok(listed.includes(key.KeyId) && listed.includes(signer.KeyId));
console.log('all good');
