// Package restxml speaks restXml: like restJson1 with XML documents. S3's errors
// (wire.API.BareErrors) have a form, codes and request id headers of their own.
package restxml
