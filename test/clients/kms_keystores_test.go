package clients

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// TestCustomKeyStoresWithoutProxy calls the operations of custom key stores as far as
// a server goes whose operator has allowed no proxy.
func TestCustomKeyStoresWithoutProxy(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	absent := aws.String("cks-0123456789abcdef0")

	_, err := client.ConnectCustomKeyStore(ctx, &kms.ConnectCustomKeyStoreInput{CustomKeyStoreId: absent})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	_, err = client.DisconnectCustomKeyStore(ctx, &kms.DisconnectCustomKeyStoreInput{CustomKeyStoreId: absent})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	_, err = client.UpdateCustomKeyStore(ctx, &kms.UpdateCustomKeyStoreInput{CustomKeyStoreId: absent, NewCustomKeyStoreName: aws.String("renamed")})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	_, err = client.DeleteCustomKeyStore(ctx, &kms.DeleteCustomKeyStoreInput{CustomKeyStoreId: absent})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	_, err = client.DescribeCustomKeyStores(ctx, &kms.DescribeCustomKeyStoresInput{CustomKeyStoreId: absent})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	_, err = client.DescribeCustomKeyStores(ctx, &kms.DescribeCustomKeyStoresInput{Marker: aws.String("nonsense")})
	wantCode(t, err, "InvalidMarkerException")
	_, err = client.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(8), CustomKeyStoreId: absent})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	_, err = client.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternalKeyStore, CustomKeyStoreId: absent, XksKeyId: aws.String("key")})
	wantCode(t, err, "CustomKeyStoreNotFoundException")
	if stores := must[*kms.DescribeCustomKeyStoresOutput](t)(client.DescribeCustomKeyStores(ctx, &kms.DescribeCustomKeyStoresInput{})).CustomKeyStores; len(stores) != 0 {
		t.Errorf("%d key stores", len(stores))
	}

	_, err = client.CreateCustomKeyStore(ctx, &kms.CreateCustomKeyStoreInput{
		CustomKeyStoreName: aws.String("hsm"), CustomKeyStoreType: types.CustomKeyStoreTypeAwsCloudhsm, CloudHsmClusterId: aws.String("cluster-a2b3c4d5e6f"),
		KeyStorePassword: aws.String("kmsPswd"), TrustAnchorCertificate: aws.String("certificate"),
	})
	wantCode(t, err, "CloudHsmClusterNotFoundException")

	// The server connects to no private address that its operator has not allowed: a
	// caller must not reach the operator's network through it.
	for _, endpoint := range []string{"https://localhost", "https://127.0.0.1", "https://proxy.invalid"} {
		_, err = client.CreateCustomKeyStore(ctx, &kms.CreateCustomKeyStoreInput{
			CustomKeyStoreName: aws.String("external"), CustomKeyStoreType: types.CustomKeyStoreTypeExternalKeyStore,
			XksProxyConnectivity: types.XksProxyConnectivityTypePublicEndpoint, XksProxyUriEndpoint: &endpoint, XksProxyUriPath: aws.String("/kms/xks/v1"),
			XksProxyAuthenticationCredential: &types.XksProxyAuthenticationCredentialType{
				AccessKeyId: aws.String("ABCDEFGHIJKLMNOPQRST"), RawSecretAccessKey: aws.String("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"),
			},
		})
		wantCode(t, err, "XksProxyUriUnreachableException")
	}
}
