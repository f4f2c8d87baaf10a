package keychain

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// googleUser is the name under which Google's registries take access tokens.
	googleUser  = "oauth2accesstoken"
	googleScope = "https://www.googleapis.com/auth/cloud-platform"
	jwtBearer   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	jwtLifetime = time.Hour
)

// googleSource is an access token for Artifact Registry and Container Registry, from the places of Google's
// application default credentials. See https://cloud.google.com/docs/authentication/application-default-credentials.
var googleSource = source{
	name: "Google Cloud",
	applies: func(host string) bool {
		return host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") || strings.HasSuffix(host, "-docker.pkg.dev")
	},
	get: func(ctx context.Context, k *Keychain, _ target) (Credentials, string, error) {
		var reasons []string
		for _, path := range k.googleFiles() {
			token, err := k.googleFile(ctx, path)
			if err == nil {
				return token.credentials(k.now())
			}
			if ctx.Err() != nil {
				return Credentials{}, "", ctx.Err()
			}
			reason := path + ": " + err.Error()
			if errors.Is(err, fs.ErrNotExist) {
				reason = "no " + path
			}
			reasons = append(reasons, reason)
		}
		token, err := k.googleInstance(ctx)
		if err == nil {
			return token.credentials(k.now())
		}
		return Credentials{}, strings.Join(append(reasons, err.Error()), "; "), nil
	},
}

// googleFiles are the variable's file, else the one that gcloud writes.
func (k *Keychain) googleFiles() []string {
	if path := k.env("GOOGLE_APPLICATION_CREDENTIALS"); path != "" {
		return []string{path}
	}
	const name = "application_default_credentials.json"
	switch {
	case k.env("CLOUDSDK_CONFIG") != "":
		return []string{filepath.Join(k.env("CLOUDSDK_CONFIG"), name)}
	case runtime.GOOS == "windows" && k.env("APPDATA") != "":
		return []string{filepath.Join(k.env("APPDATA"), "gcloud", name)}
	case k.opt.Home != "":
		return []string{filepath.Join(k.opt.Home, ".config", "gcloud", name)}
	}
	return nil
}

// googleKey is a file of credentials: a service account's key, or a user's refresh token.
type googleKey struct {
	Type         string `json:"type"`
	ClientEmail  string `json:"client_email"`
	PrivateKey   string `json:"private_key"`
	PrivateKeyID string `json:"private_key_id"`
	TokenURI     string `json:"token_uri"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`
}

// accessToken is what OAuth2 servers answer. Azure's metadata server writes numbers as strings.
type accessToken struct {
	AccessToken string      `json:"access_token"`
	ExpiresIn   json.Number `json:"expires_in"`
}

func (t accessToken) credentials(now time.Time) (Credentials, string, error) {
	if t.AccessToken == "" {
		return Credentials{}, "", errors.New("the token server sent no token")
	}
	c := Credentials{Username: googleUser, Password: t.AccessToken}
	if seconds, err := t.ExpiresIn.Int64(); err == nil && seconds > 0 {
		c.Until = now.Add(time.Duration(min(seconds, 24*3600)) * time.Second)
	}
	return c, "", nil
}

// googleFile trades what a file has for a token.
func (k *Keychain) googleFile(ctx context.Context, path string) (token accessToken, err error) {
	data, err := readFile(path)
	if err != nil {
		return token, err
	}
	var key googleKey
	if json.Unmarshal(data, &key) != nil {
		return token, errors.New("is not JSON")
	}
	address := k.opt.Endpoints.Google
	var form url.Values
	switch key.Type {
	case "service_account":
		if key.TokenURI != "" {
			address = key.TokenURI
		}
		assertion, err := key.assertion(address, k.now())
		if err != nil {
			return token, err
		}
		form = url.Values{"grant_type": {jwtBearer}, "assertion": {assertion}}
	case "authorized_user":
		form = url.Values{"grant_type": {"refresh_token"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret},
			"refresh_token": {key.RefreshToken}}
	default:
		return token, errors.New("is neither a service account's key nor a user's; log in with `gcloud auth configure-docker`")
	}
	req, err := formRequest(address, form)
	if err != nil {
		return token, err
	}
	return token, k.ask(ctx, req, cloudTime, &token)
}

// assertion is the statement that a service account signs.
// See https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests.
func (g googleKey) assertion(audience string, now time.Time) (string, error) {
	bad := errors.New("its private key cannot be read")
	block, _ := pem.Decode([]byte(g.PrivateKey))
	if block == nil {
		return "", bad
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return "", bad
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": g.PrivateKeyID})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": g.ClientEmail, "scope": googleScope, "aud": audience,
		"iat": now.Unix(), "exp": now.Add(jwtLifetime).Unix()})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", bad
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// googleInstance asks the metadata server of a machine of Google's, or of a cluster's pod.
// See https://cloud.google.com/compute/docs/access/authenticate-workloads.
func (k *Keychain) googleInstance(ctx context.Context) (token accessToken, err error) {
	base := k.opt.Endpoints.GCE
	if host := k.env("GCE_METADATA_HOST"); host != "" {
		base = "http://" + host
	}
	req, err := http.NewRequest(http.MethodGet, base+"/computeMetadata/v1/instance/service-accounts/default/token", nil)
	if err != nil {
		return token, errors.New("GCE_METADATA_HOST is no host")
	}
	req.Header.Set("Metadata-Flavor", "Google") // without it the server refuses, so that no redirect can ask it
	return token, k.ask(ctx, req, metadataTime, &token)
}
