package keychain

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const amzTime = "20060102T150405Z"

// sign adds the signature of a request whose body is known, in the form of Signature Version 4.
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.
func (keys awsKeys) sign(req *http.Request, body []byte, region, service string, now time.Time) {
	stamp := now.UTC().Format(amzTime)
	req.Header.Set("X-Amz-Date", stamp)
	if keys.session != "" {
		req.Header.Set("X-Amz-Security-Token", keys.session)
	}
	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	canonical, signed := canonicalRequest(req, body)
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum(canonical)}, "\n")
	key := []byte("AWS4" + keys.secret)
	for _, part := range []string{stamp[:8], region, service, "aws4_request"} {
		key = hmacSum(key, part)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keys.access+"/"+scope+", SignedHeaders="+signed+
		", Signature="+hex.EncodeToString(hmacSum(key, text)))
}

// canonicalRequest is the form that both sides sign. Our requests have a path without escapes and no query.
func canonicalRequest(req *http.Request, body []byte) (text []byte, signed string) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	values := map[string]string{"host": host}
	for name, v := range req.Header {
		values[strings.ToLower(name)] = strings.TrimSpace(strings.Join(v, ","))
	}
	names := sortedKeys(values)
	var b strings.Builder
	b.WriteString(req.Method + "\n" + req.URL.EscapedPath() + "\n" + req.URL.RawQuery + "\n")
	for _, name := range names {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	signed = strings.Join(slices.Clone(names), ";")
	b.WriteString("\n" + signed + "\n" + hexSum(body))
	return []byte(b.String()), signed
}

func hmacSum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
