package sigv4

import (
	"strconv"
	"strings"
	"time"
)

// DefaultSkew and S3Skew are how far the clocks of client and server may differ.
const (
	DefaultSkew = 5 * time.Minute
	S3Skew      = 15 * time.Minute
)

// Rules is what the routed service demands of a signature. The zero value of every
// field but Region and Service is the strict choice.
type Rules struct {
	// Region is the Region that serves the request; required. A router that serves
	// several takes it from Signature.Region after checking that it serves it.
	Region string
	// Service is the signing name of the routed service; required.
	Service string
	// S3 selects S3's dialect: PathS3, X-Amz-Content-Sha256 required in header
	// signatures, presigned bodies unsigned, X-Amz-Expires required, S3Skew.
	S3 bool
	// Path is the path style; S3 overrides it.
	Path PathStyle
	// MaxSkew overrides DefaultSkew or S3Skew when positive.
	MaxSkew time.Duration
	// AllowUnsignedPayload admits UNSIGNED-PAYLOAD and
	// STREAMING-UNSIGNED-PAYLOAD-TRAILER. A caller sets it where the transport
	// protects the body (TLS or loopback). S3's presigned URLs need it not.
	AllowUnsignedPayload bool
	// AllowStreaming admits the STREAMING modes (S3 and its relatives).
	AllowStreaming bool
	// AllowUnsignedContentType admits a Content-Type that a header signature does
	// not cover, as the AWS SDK for PHP (before June 2026), other PHP clients and old
	// versions of curl send it: AWS's documentation demands that it is signed, its
	// services do not. Presigned requests may always carry one.
	AllowUnsignedContentType bool
	// TokenAfterSigning tells that clients add the session token to the request after
	// signing it (AWS IoT's device gateway), so that the signature does not cover
	// it. The token then has to prove itself to the caller.
	TokenAfterSigning bool
}

func (r *Rules) pathStyle() PathStyle {
	if r.S3 {
		return PathS3
	}
	return r.Path
}

func (r *Rules) skew() time.Duration {
	switch {
	case r.MaxSkew > 0:
		return r.MaxSkew
	case r.S3:
		return S3Skew
	}
	return DefaultSkew
}

// check applies the rules that need no key, at time now.
func (s *Signature) check(rules *Rules, now time.Time) error {
	if err := s.checkScope(rules); err != nil {
		return err
	}
	if err := s.checkCoverage(rules); err != nil {
		return err
	}
	if err := s.checkPayloadMode(rules); err != nil {
		return err
	}
	return s.checkTime(rules, now)
}

func (s *Signature) checkScope(rules *Rules) error {
	var text, s3 string
	if !s.CoversRegion(rules.Region) {
		text = "Credential should be scoped to a valid region. "
		s3 = "the region '" + clip(s.Region+s.RegionSet) + "' is wrong; expecting '" + rules.Region + "'"
	}
	if rules.Service == "" || s.Service != rules.Service {
		text += "Credential should be scoped to correct service: '" + rules.Service + "'. "
		if s3 == "" {
			s3 = "incorrect service \"" + clip(s.Service) + "\". This endpoint belongs to \"" + rules.Service + "\"."
		}
	}
	if text == "" {
		return nil
	}
	e := s.fail(KindScope, text, s.malformedS3(s3))
	e.Expected = rules.Region
	return e
}

// checkCoverage demands that the signature covers every X-Amz-* header of the
// request and its Content-Type.
func (s *Signature) checkCoverage(rules *Rules) error {
	for name := range s.req.Header {
		if len(name) < 6 || name[0] != 'X' && name[0] != 'x' || !strings.EqualFold(name[:6], "X-Amz-") {
			continue
		}
		if s.signedFold(name) || rules.TokenAfterSigning && name == "X-Amz-Security-Token" {
			continue
		}
		return s.fail(KindUnsignedHeader, "'"+clip(strings.ToLower(name))+"' must be a 'SignedHeader' in the AWS Authorization.", textUnsignedS3)
	}
	if len(s.req.Header["Content-Type"]) > 0 && !s.Presigned && !rules.AllowUnsignedContentType && !s.Signed("content-type") {
		return s.fail(KindUnsignedHeader, "'Content-Type' must be a 'SignedHeader' in the AWS Authorization.", textUnsignedS3)
	}
	return nil
}

// signedFold is Signed for a name in any case.
func (s *Signature) signedFold(name string) bool {
	for rest := s.SignedHeaders; rest != ""; {
		var signed string
		signed, rest, _ = strings.Cut(rest, ";")
		if len(signed) == len(name) && strings.EqualFold(signed, name) {
			return true
		}
	}
	return false
}

func (s *Signature) checkPayloadMode(rules *Rules) error {
	switch {
	case s.Payload == PayloadImplicit && rules.S3 && !s.Presigned:
		return s.fail(KindPayloadMode, textNoShaS3, "")
	case (s.Payload == PayloadUnsigned || s.Payload == PayloadUnsignedTrailer) && !rules.AllowUnsignedPayload && !(rules.S3 && s.Presigned):
		return s.fail(KindPayloadMode, "The payload of this request must be signed.", "")
	case s.Payload.Streaming() && (!rules.AllowStreaming || s.Presigned):
		return s.fail(KindPayloadMode, "The payload of this request must not be streamed in chunks.", "")
	}
	return nil
}

func (s *Signature) checkTime(rules *Rules, now time.Time) error {
	now = now.UTC()
	skew := rules.skew()
	life := skew
	s3Expired, s3Future := textSkewS3, textSkewS3
	if s.Presigned {
		s3Expired, s3Future = textExpiredS3, textFutureS3
		switch {
		case s.Expires > 0:
			life = s.Expires
		case rules.S3:
			return s.fail(KindIncomplete, "AWS query-string parameters must include 'X-Amz-Expires'. Re-examine the query-string parameters.", textQueryS3)
		default:
			life = defaultExpires
		}
	}
	if oldest := now.Add(-life); s.Time.Before(oldest.Truncate(time.Second)) {
		return s.fail(KindExpired, "Signature expired: "+s.stamp+" is now earlier than "+oldest.Format(stampLayout)+" ("+now.Format(stampLayout)+" - "+minutes(life)+")", s3Expired)
	}
	if newest := now.Add(skew); s.Time.After(newest) {
		return s.fail(KindNotYetValid, "Signature not yet current: "+s.stamp+" is still later than "+newest.Format(stampLayout)+" ("+now.Format(stampLayout)+" + "+minutes(skew)+")", s3Future)
	}
	return nil
}

// minutes prints a duration as AWS's texts do.
func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min."
	}
	return strconv.Itoa(int(d/time.Second)) + " sec."
}
