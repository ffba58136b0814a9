package acm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/due"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
)

// request has a certificate issued.
func (h *harness) request(domain string, change func(*acmapi.RequestCertificateRequest)) (string, error) {
	in := &acmapi.RequestCertificateRequest{DomainName: &domain, ValidationMethod: new(acmapi.ValidationMethodDNS)}
	if change != nil {
		change(in)
	}
	out, err := h.admin().RequestCertificate(h.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.CertificateArn, nil
}

func (h *harness) describe(arn string) *acmapi.CertificateDetail {
	h.Helper()
	return fronttest.Must[*acmapi.DescribeCertificateResponse](h)(h.admin().DescribeCertificate(h.Context(), &acmapi.DescribeCertificateRequest{CertificateArn: &arn})).Certificate
}

func TestARequestedCertificateIsIssued(t *testing.T) {
	h := newHarness(t)
	arn := fronttest.Must[string](t)(h.request("Shop.example.com", func(in *acmapi.RequestCertificateRequest) {
		in.SubjectAlternativeNames = []string{"*.shop.example.com", "shop.example.com"}
		in.IdempotencyToken = new("t1")
		in.KeyAlgorithm = new(acmapi.KeyAlgorithmECPrime256v1)
	}))
	if !strings.HasPrefix(arn, "arn:aws:acm:us-east-1:111122223333:certificate/") {
		t.Errorf("ARN %s", arn)
	}
	d := h.describe(arn)
	if *d.Status != acmapi.CertificateStatusIssued || !slices.Equal(d.SubjectAlternativeNames, []string{"shop.example.com", "*.shop.example.com"}) || *d.KeyAlgorithm != acmapi.KeyAlgorithmECPrime256v1 {
		t.Errorf("certificate %+v", d)
	}
	for _, v := range d.DomainValidationOptions {
		if *v.ValidationStatus != acmapi.DomainStatusSuccess || v.ResourceRecord == nil {
			t.Errorf("validation %+v", v)
		}
	}
	got := fronttest.Must[*acmapi.GetCertificateResponse](t)(h.admin().GetCertificate(t.Context(), &acmapi.GetCertificateRequest{CertificateArn: &arn}))
	block, _ := pem.Decode([]byte(*got.Certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(*got.CertificateChain))
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "www.shop.example.com", CurrentTime: h.clock.Now()}); err != nil {
		t.Error(err)
	}
	// The same request is the same certificate.
	again := fronttest.Must[string](t)(h.request("shop.example.com", func(in *acmapi.RequestCertificateRequest) {
		in.SubjectAlternativeNames = []string{"*.shop.example.com"}
		in.IdempotencyToken = new("t1")
	}))
	if again != arn {
		t.Errorf("the same request made %s", again)
	}
	_, err = h.request("a.example.com", func(in *acmapi.RequestCertificateRequest) { in.KeyAlgorithm = new(acmapi.KeyAlgorithmRSA4096) })
	fronttest.Wants(t, err, "InvalidParameterException")
	_, err = h.request("a.example.com", func(in *acmapi.RequestCertificateRequest) {
		in.CertificateAuthorityArn = new("arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/x")
	})
	fronttest.Wants(t, err, "InvalidParameterException")
	_, err = h.request("a.example.com", func(in *acmapi.RequestCertificateRequest) {
		in.DomainValidationOptions = []acmapi.DomainValidationOption{{DomainName: new("a.example.com"), ValidationDomain: new("example.org")}}
	})
	fronttest.Wants(t, err, "InvalidDomainValidationOptionsException")
	_, err = h.request("a.example.com", func(in *acmapi.RequestCertificateRequest) {
		for _, c := range "abcdefghijk" {
			in.SubjectAlternativeNames = append(in.SubjectAlternativeNames, string(c)+"x.example.com")
		}
	})
	fronttest.Wants(t, err, "LimitExceededException")
}

func TestACertificateIsRenewedInTime(t *testing.T) {
	h := newHarness(t)
	arn := fronttest.Must[string](t)(h.request("shop.example.com", func(in *acmapi.RequestCertificateRequest) { in.KeyAlgorithm = new(acmapi.KeyAlgorithmECPrime256v1) }))
	before := h.describe(arn)
	h.clock.Advance(334 * 24 * time.Hour)
	h.runJobs()
	if d := h.describe(arn); *d.Serial != *before.Serial {
		t.Error("renewed too early")
	}
	h.clock.Advance(2 * 24 * time.Hour)
	h.runJobs()
	d := h.describe(arn)
	if *d.Serial == *before.Serial || !d.NotAfter.After(*before.NotAfter) || *d.RenewalSummary.RenewalStatus != acmapi.RenewalStatusSuccess || h.published == 0 {
		t.Errorf("after the renewal: %+v", d)
	}
	fronttest.Must[*acmapi.RenewCertificateOutput](t)(h.admin().RenewCertificate(t.Context(), &acmapi.RenewCertificateRequest{CertificateArn: &arn}))
	if now := h.describe(arn); *now.Serial == *d.Serial {
		t.Error("not renewed when asked to")
	}
}

// runJobs does the jobs that are due.
func (h *harness) runJobs() {
	h.Helper()
	for kind, handler := range h.service.JobHandlers() {
		var jobs []due.Job
		if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
			jobs, err = h.queue.List(r, kind, "", 1000)
			return err
		}); err != nil {
			h.Fatal(err)
		}
		for _, j := range jobs {
			if j.At.After(h.clock.Now()) {
				continue
			}
			if _, err := h.store.Update(h.Context(), func(tx store.Txn) error { return handler.RunInTxn(h.Context(), tx, j) }); err != nil {
				h.Fatal(err)
			}
		}
	}
}

// made is a certificate with its key.
type made struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (m made) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.cert.Raw})
}

func (m made) private(t testing.TB) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(m.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// certificate makes one that parent signs; without a parent it signs itself.
func certificate(t testing.TB, name string, from, to time.Time, authority bool, parent *made) made {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to, DNSNames: []string{name},
		KeyUsage: x509.KeyUsageDigitalSignature, IsCA: authority, BasicConstraintsValid: authority,
	}
	if authority {
		template.KeyUsage |= x509.KeyUsageCertSign
	}
	issuer, signer := template, crypto.Signer(key)
	if parent != nil {
		issuer, signer = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made{cert, key}
}

func TestImport(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	now := h.clock.Now()
	from, to := now.Add(-time.Hour), now.Add(time.Hour)
	root := certificate(t, "root", from, to, true, nil)
	middle := certificate(t, "middle", from, to, true, &root)
	leaf := certificate(t, "shop.example.com", from, to, false, &middle)
	self := certificate(t, "self.example.com", from, to, false, nil)
	other := certificate(t, "other.example.com", from, to, true, nil)
	past := certificate(t, "past.example.com", from.Add(-time.Hour), from, false, nil)
	future := certificate(t, "future.example.com", to, to.Add(time.Hour), false, nil)
	join := func(list ...made) (text []byte) {
		for _, m := range list {
			text = append(text, m.pem()...)
		}
		return text
	}
	ec, err := x509.MarshalECPrivateKey(leaf.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name             string
		cert, key, chain []byte
		want             string
	}{
		{"with its chain", leaf.pem(), leaf.private(t), join(middle, root), ""},
		{"with a part of its chain", leaf.pem(), leaf.private(t), join(middle), ""},
		{"self-signed", self.pem(), self.private(t), nil, ""},
		{"a key of SEC 1", leaf.pem(), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec}), join(middle), ""},
		{"no PEM", []byte("x"), leaf.private(t), nil, "ValidationException: Unable to parse certificate. Please ensure the certificate is in PEM format."},
		{"two certificates", join(leaf, middle), leaf.private(t), nil, "ValidationException: The certificate field contains more than one certificate. You can specify only one certificate in this field."},
		{"another key", leaf.pem(), self.private(t), join(middle), "ValidationException: The certificate and private key do not match."},
		{"no key", leaf.pem(), []byte("x"), join(middle), "ValidationException: The private key is not supported."},
		{"another chain", leaf.pem(), leaf.private(t), join(other), "ValidationException: Could not validate the certificate with the certificate chain."},
		{"a chain in the wrong order", leaf.pem(), leaf.private(t), join(root, middle), "ValidationException: Could not validate the certificate with the certificate chain."},
		{"no chain", leaf.pem(), leaf.private(t), nil, "ValidationException: The provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain."},
		{"expired", past.pem(), past.private(t), nil, "ValidationException: The certificate has expired."},
		{"not valid yet", future.pem(), future.private(t), nil, "ValidationException: The certificate is not valid until"},
	} {
		_, err := h.admin().ImportCertificate(ctx, &acmapi.ImportCertificateRequest{Certificate: c.cert, PrivateKey: c.key, CertificateChain: c.chain})
		if got := textOf(err); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	arn := *fronttest.Must[*acmapi.ImportCertificateResponse](t)(h.admin().ImportCertificate(ctx, &acmapi.ImportCertificateRequest{Certificate: self.pem(), PrivateKey: self.private(t)})).CertificateArn
	if d := h.describe(arn); *d.Type != acmapi.CertificateTypeImported || d.ImportedAt == nil || *d.RenewalEligibility != acmapi.RenewalEligibilityIneligible {
		t.Errorf("imported %+v", d)
	}
	// Another one takes its place.
	fronttest.Must[*acmapi.ImportCertificateResponse](t)(h.admin().ImportCertificate(ctx, &acmapi.ImportCertificateRequest{CertificateArn: &arn, Certificate: leaf.pem(), PrivateKey: leaf.private(t), CertificateChain: join(middle)}))
	if d := h.describe(arn); *d.DomainName != "shop.example.com" {
		t.Errorf("imported again: %s", *d.DomainName)
	}
	_, err = h.admin().ImportCertificate(ctx, &acmapi.ImportCertificateRequest{CertificateArn: &arn, Certificate: self.pem(), PrivateKey: self.private(t), Tags: []acmapi.Tag{{Key: new("a")}}})
	fronttest.Wants(t, err, "ValidationException: Tagging is not permitted on re-import.")
	_, err = h.admin().RenewCertificate(ctx, &acmapi.RenewCertificateRequest{CertificateArn: &arn})
	fronttest.Wants(t, err, "ValidationException")
	_, err = h.admin().UpdateCertificateOptions(ctx, &acmapi.UpdateCertificateOptionsRequest{CertificateArn: &arn, Options: &acmapi.CertificateOptions{}})
	fronttest.Wants(t, err, "InvalidStateException")
	// What a proxy is told.
	if err := h.store.View(ctx, func(r store.Reader) error {
		ok, err := h.service.Usable(r, arn)
		if !ok || err != nil {
			t.Errorf("usable %v, error %v", ok, err)
		}
		chain, key, err := h.service.KeyPair(r, arn)
		if chain != string(join(leaf, middle)) || string(key) != string(leaf.private(t)) {
			t.Errorf("key pair %s", chain)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestACertificateInUseStays(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	arn := fronttest.Must[string](t)(h.request("shop.example.com", func(in *acmapi.RequestCertificateRequest) { in.KeyAlgorithm = new(acmapi.KeyAlgorithmECPrime256v1) }))
	del := &acmapi.DeleteCertificateRequest{CertificateArn: &arn}
	h.users[arn] = []string{"arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/lb/1"}
	_, err := h.admin().DeleteCertificate(ctx, del)
	fronttest.Wants(t, err, "ResourceInUseException: Certificate "+arn+" in account 111122223333 is in use.")
	if d := h.describe(arn); len(d.InUseBy) != 1 {
		t.Errorf("in use by %v", d.InUseBy)
	}
	delete(h.users, arn)
	fronttest.Must[*acmapi.DeleteCertificateOutput](t)(h.admin().DeleteCertificate(ctx, del))
	_, err = h.admin().DescribeCertificate(ctx, &acmapi.DescribeCertificateRequest{CertificateArn: &arn})
	fronttest.Wants(t, err, "ResourceNotFoundException: Could not find certificate "+arn+".")
	_, err = h.admin().DescribeCertificate(ctx, &acmapi.DescribeCertificateRequest{CertificateArn: new("arn:aws:acm:us-east-1:111122223333:key/x")})
	fronttest.Wants(t, err, "InvalidArnException")
}

func TestLists(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	for _, n := range []string{"a.example.com", "b.example.com", "c.example.com"} {
		fronttest.Must[string](t)(h.request(n, func(in *acmapi.RequestCertificateRequest) { in.KeyAlgorithm = new(acmapi.KeyAlgorithmECPrime256v1) }))
		h.clock.Advance(time.Second)
	}
	rsa := fronttest.Must[string](t)(h.request("rsa.example.com", nil))
	list := func(in acmapi.ListCertificatesRequest) (names []string) {
		for {
			out := fronttest.Must[*acmapi.ListCertificatesResponse](t)(h.admin().ListCertificates(ctx, &in))
			for _, c := range out.CertificateSummaryList {
				names = append(names, *c.DomainName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return names
			}
		}
	}
	if got := list(acmapi.ListCertificatesRequest{}); !slices.Equal(got, []string{"rsa.example.com"}) {
		t.Errorf("without a filter: %v", got)
	}
	ec := &acmapi.Filters{KeyTypes: []acmapi.KeyAlgorithm{acmapi.KeyAlgorithmECPrime256v1}}
	if got := list(acmapi.ListCertificatesRequest{Includes: ec, MaxItems: new(int32(2)), SortBy: new(acmapi.SortByCreatedAt), SortOrder: new(acmapi.SortOrderAscending)}); !slices.Equal(got, []string{"a.example.com", "b.example.com", "c.example.com"}) {
		t.Errorf("in order: %v", got)
	}
	if got := list(acmapi.ListCertificatesRequest{Includes: ec, CertificateStatuses: []acmapi.CertificateStatus{acmapi.CertificateStatusExpired}}); len(got) != 0 {
		t.Errorf("expired: %v", got)
	}
	tag := []acmapi.Tag{{Key: new("env"), Value: new("prod")}}
	fronttest.Must[*acmapi.AddTagsToCertificateOutput](t)(h.admin().AddTagsToCertificate(ctx, &acmapi.AddTagsToCertificateRequest{CertificateArn: &rsa, Tags: tag}))
	// A tag with another value stays.
	fronttest.Must[*acmapi.RemoveTagsFromCertificateOutput](t)(h.admin().RemoveTagsFromCertificate(ctx, &acmapi.RemoveTagsFromCertificateRequest{CertificateArn: &rsa, Tags: []acmapi.Tag{{Key: new("env"), Value: new("test")}}}))
	if got := fronttest.Must[*acmapi.ListTagsForCertificateResponse](t)(h.admin().ListTagsForCertificate(ctx, &acmapi.ListTagsForCertificateRequest{CertificateArn: &rsa})).Tags; len(got) != 1 {
		t.Errorf("tags %v", got)
	}
	fronttest.Must[*acmapi.RemoveTagsFromCertificateOutput](t)(h.admin().RemoveTagsFromCertificate(ctx, &acmapi.RemoveTagsFromCertificateRequest{CertificateArn: &rsa, Tags: tag}))
	_, err := h.admin().AddTagsToCertificate(ctx, &acmapi.AddTagsToCertificateRequest{CertificateArn: &rsa, Tags: []acmapi.Tag{{Key: new("aws:x")}}})
	fronttest.Wants(t, err, "InvalidTagException")
}

// The names and the key's algorithm of a request are conditions.
func TestRequestsCanBeLimitedToNames(t *testing.T) {
	h := newHarness(t)
	who := user(testAccount, "requester")
	h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"acm:RequestCertificate","Resource":"*","Condition":{"ForAllValues:StringLike":{"acm:DomainNames":"*.shop.example.com"}}}}`)
	request := func(domain string) error {
		_, err := h.as(who, testRegion).RequestCertificate(t.Context(), &acmapi.RequestCertificateRequest{DomainName: &domain, KeyAlgorithm: new(acmapi.KeyAlgorithmECPrime256v1)})
		return err
	}
	fronttest.Wants(t, request("www.shop.example.com"), "")
	fronttest.Wants(t, request("bank.example.com"), "AccessDeniedException")
}

// What is exported, openssl can read.
func TestExport(t *testing.T) {
	h := newHarness(t)
	closed := fronttest.Must[string](t)(h.request("closed.example.com", func(in *acmapi.RequestCertificateRequest) { in.KeyAlgorithm = new(acmapi.KeyAlgorithmECPrime256v1) }))
	_, err := h.admin().ExportCertificate(t.Context(), &acmapi.ExportCertificateRequest{CertificateArn: &closed, Passphrase: []byte("secret")})
	fronttest.Wants(t, err, "ValidationException")
	arn := fronttest.Must[string](t)(h.request("open.example.com", func(in *acmapi.RequestCertificateRequest) {
		in.Options = &acmapi.CertificateOptions{Export: new(acmapi.CertificateExportEnabled)}
	}))
	out := fronttest.Must[*acmapi.ExportCertificateResponse](t)(h.admin().ExportCertificate(t.Context(), &acmapi.ExportCertificateRequest{CertificateArn: &arn, Passphrase: []byte("secret")}))
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(*out.PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("openssl", "pkey", "-in", file, "-passin", "pass:secret", "-pubout").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl (Debian package openssl): %v: %s", err, text)
	}
	block, _ := pem.Decode([]byte(*out.Certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := pem.Decode(text); got == nil || string(got.Bytes) != string(public) {
		t.Error("the exported key is not that of the certificate")
	}
	if err := exec.Command("openssl", "pkey", "-in", file, "-passin", "pass:wrong").Run(); err == nil {
		t.Error("the key opens with another passphrase")
	}
}

func FuzzParseImport(f *testing.F) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	self := certificate(f, "self.example.com", now.Add(-time.Hour), now.Add(time.Hour), false, nil)
	f.Add(self.pem(), []byte(nil), self.private(f))
	f.Add(self.pem(), self.pem(), self.private(f))
	f.Fuzz(func(t *testing.T, cert, chain, key []byte) {
		if p, err := parseImport(now, cert, chain, key); err == nil && (p.leaf == nil || len(p.key) == 0) {
			t.Error("accepted without a key or certificate")
		}
	})
}
