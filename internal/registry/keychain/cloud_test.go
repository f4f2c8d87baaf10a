package keychain

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is the time of these tests.
var clock = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// cloud starts a double of all clouds' servers and returns options that ask it and nobody else.
func cloud(t *testing.T, handler http.HandlerFunc, values map[string]string) Options {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	u := server.URL
	return Options{Env: env(values), Home: t.TempDir(), Now: func() time.Time { return clock },
		Endpoints: Endpoints{AWS: u, EC2: u, ECS: u, Google: u + "/token", GCE: u, Azure: u, IMDS: u, Exchange: u}}
}

// nobody answers as a place without any cloud.
func nobody(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// TestSignature compares with the example of AWS's documentation ("get-vanilla" of its test suite).
func TestSignature(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := awsKeys{access: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	keys.sign(req, nil, "us-east-1", "service", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := req.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

var credential = regexp.MustCompile(`Credential=([^/]+)/20261120/([^/]+)/([^/]+)/aws4_request, SignedHeaders=content-type;host;x-amz-date;(x-amz-security-token;)?x-amz-target, Signature=[0-9a-f]{64}$`)

// ecrServer gives a login to whoever signs with the key id that is expected.
func ecrServer(t *testing.T, keyID, region, service string, expires time.Time, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "" {
			next(w, r)
			return
		}
		m := credential.FindStringSubmatch(r.Header.Get("Authorization"))
		if m == nil || m[1] != keyID || m[2] != region || m[3] != service || r.Method != http.MethodPost {
			t.Errorf("signed %q", r.Header.Get("Authorization"))
			w.WriteHeader(http.StatusForbidden)
			return
		}
		token := fmt.Sprintf(`{"authorizationToken":%q,"expiresAt":%d.5}`, basic("AWS"), expires.Unix())
		if service == "ecr" {
			token = "[" + token + "]"
		}
		fmt.Fprintf(w, `{"authorizationData":%s}`, token)
	}
}

// TestECR gets a login for every kind of Amazon's registries.
func TestECR(t *testing.T) {
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": secret}
	for host, want := range map[string][2]string{
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com":  {"eu-central-1", "ecr"},
		"123456789012.dkr.ecr-fips.us-gov-1.amazonaws.com": {"us-gov-1", "ecr"},
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": {"cn-north-1", "ecr"},
		"123456789012.dkr-ecr.eu-west-1.on.aws":            {"eu-west-1", "ecr"},
		"public.ecr.aws":                                   {"us-east-1", "ecr-public"},
	} {
		t.Run(host, func(t *testing.T) {
			expires := clock.Add(12 * time.Hour)
			got := lookup(t, cloud(t, ecrServer(t, "AKIA1", want[0], want[1], expires, nobody), keys), host, "app")
			if diff := cmp.Diff(Credentials{Username: "AWS", Password: secret, Until: expires.Local()}, got.Credentials); diff != "" {
				t.Error(diff)
			}
			if got.Expired(clock) || !got.Expired(expires.Add(-time.Second)) {
				t.Error("the login ends at another time")
			}
		})
	}
	for _, host := range []string{"dkr.ecr.eu-central-1.amazonaws.com.evil.example", "123456789012.dkr.ecr.eu.example", "ecr.aws", "amazonaws.com"} {
		opt := cloud(t, func(http.ResponseWriter, *http.Request) { t.Errorf("a cloud was asked about %s", host) }, keys)
		if got := lookup(t, opt, host, ""); !got.empty() {
			t.Errorf("%s got %v", host, got)
		}
	}
}

const ecrHostName = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"

// TestAWSKeys finds keys in each place, in AWS's order.
func TestAWSKeys(t *testing.T) {
	token := writeFile(t, "token", "web-identity\n")
	profile := writeFile(t, "credentials", "# comment\n[default]\naws_access_key_id=AKIADEFAULT\naws_secret_access_key="+secret+
		"\n[ci]\naws_access_key_id = AKIACI\naws_secret_access_key = "+secret+"\naws_session_token = "+secret+"\n")
	servers := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch {
		case r.URL.Path == "/" && r.PostForm.Get("Action") == "AssumeRoleWithWebIdentity":
			if r.PostForm.Get("WebIdentityToken") != "web-identity" || r.PostForm.Get("RoleArn") != "arn:role" || r.PostForm.Get("Version") != "2011-06-15" {
				t.Errorf("asked for %v", r.PostForm)
			}
			fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
				<AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>s</SessionToken></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, secret)
		case r.URL.Path == "/v2/credentials/id" && r.Header.Get("Authorization") == "task-token":
			fmt.Fprintf(w, `{"AccessKeyId":"ASIATASK","SecretAccessKey":%q,"Token":"s"}`, secret)
		case r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
			io.WriteString(w, "imds-token")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds-token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
			io.WriteString(w, "my-role\n")
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/my-role":
			fmt.Fprintf(w, `{"AccessKeyId":"ASIAEC2","SecretAccessKey":%q,"Token":"s"}`, secret)
		default:
			http.NotFound(w, r)
		}
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"environment":     {map[string]string{"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": secret, "AWS_PROFILE": "ci", "AWS_SHARED_CREDENTIALS_FILE": profile}, "AKIAENV"},
		"web identity":    {map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:role"}, "ASIAWEB"},
		"profile":         {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profile, "AWS_PROFILE": "ci"}, "AKIACI"},
		"usual profile":   {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profile}, "AKIADEFAULT"},
		"other profile":   {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profile, "AWS_PROFILE": "none"}, "ASIAEC2"},
		"container":       {map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/id", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "task-token"}, "ASIATASK"},
		"instance":        {nil, "ASIAEC2"},
		"broken identity": {map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such", "AWS_ROLE_ARN": "arn:role"}, "ASIAEC2"},
	} {
		t.Run(name, func(t *testing.T) {
			got := lookup(t, cloud(t, ecrServer(t, c.want, "eu-central-1", "ecr", clock.Add(time.Hour), servers), c.env), ecrHostName, "")
			if got.Username != "AWS" {
				t.Errorf("tried %v", got.Tried)
			}
		})
	}
}

// TestAWSLacks tells what each place lacks, and passes on.
func TestAWSLacks(t *testing.T) {
	file := writeFile(t, "config.json", `{}`)
	for name, c := range map[string]struct {
		env     map[string]string
		handler http.HandlerFunc
		want    []string
	}{
		"nothing": {nil, nobody, []string{"AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE is not set", "credentials", "EC2: ", "answered 404"}},
		"no EC2":  {map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}, nobody, []string{"AWS_EC2_METADATA_DISABLED is set"}},
		"foreign container": {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example/"}, nobody,
			[]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine"}},
		"refused": {map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": secret}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":"UnrecognizedClientException","message":%q}`, secret)
		}, []string{"answered 400 Bad Request"}},
		"rubbish": {map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": secret}, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<html>"+secret)
		}, []string{"sent something else than a token"}},
		"no login": {map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": secret}, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"authorizationData":[]}`)
		}, []string{"AWS sent no login"}},
	} {
		t.Run(name, func(t *testing.T) {
			opt := cloud(t, c.handler, c.env)
			opt.Files = []File{{"", file}}
			got := lookup(t, opt, ecrHostName, "")
			if !got.empty() || len(got.Tried) != 3 {
				t.Fatalf("tried %v", got.Tried)
			}
			for _, want := range c.want {
				if !strings.Contains(got.Tried[1].Outcome, want) {
					t.Errorf("%q does not tell %q", got.Tried[1].Outcome, want)
				}
			}
		})
	}
}

const googleHost = "europe-west1-docker.pkg.dev"

// TestGoogle gets tokens from a service account, a user's login, and the metadata server.
func TestGoogle(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var server string
	handler := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch {
		case r.PostForm.Get("grant_type") == jwtBearer:
			checkAssertion(t, r.PostForm.Get("assertion"), &key.PublicKey, "http://"+r.Host+"/token")
		case r.PostForm.Get("grant_type") == "refresh_token":
			if r.PostForm.Get("refresh_token") != "refresh" || r.PostForm.Get("client_id") != "id" || r.PostForm.Get("client_secret") != "shh" {
				t.Errorf("asked for %v", r.PostForm)
			}
		case r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/token" && r.Header.Get("Metadata-Flavor") == "Google":
		default:
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, secret)
	}
	opt := cloud(t, handler, nil)
	server = strings.TrimSuffix(opt.Endpoints.Google, "/token")
	account, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "robot@example", "private_key_id": "k1", "token_uri": server + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))})
	if err != nil {
		t.Fatal(err)
	}
	user := `{"type":"authorized_user","client_id":"id","client_secret":"shh","refresh_token":"refresh"}`
	for name, values := range map[string]map[string]string{
		"service account": {"GOOGLE_APPLICATION_CREDENTIALS": writeFile(t, "key.json", string(account))},
		"user":            {"GOOGLE_APPLICATION_CREDENTIALS": writeFile(t, "user.json", user)},
		"gcloud":          {"CLOUDSDK_CONFIG": filepath.Dir(writeFile(t, "application_default_credentials.json", user))},
		"instance":        {},
		"named instance":  {"GCE_METADATA_HOST": strings.TrimPrefix(server, "http://")},
	} {
		t.Run(name, func(t *testing.T) {
			opt.Env = env(values)
			got := lookup(t, opt, googleHost, "project/repo/app")
			want := Credentials{Username: "oauth2accesstoken", Password: secret, Until: clock.Add(3599 * time.Second)}
			if diff := cmp.Diff(want, got.Credentials); diff != "" {
				t.Errorf("%s\n%v", diff, got.Tried)
			}
		})
	}
}

// checkAssertion verifies what a service account signs as Google would.
func checkAssertion(t *testing.T, assertion string, key *rsa.PublicKey, audience string) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("assertion %q", assertion)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		t.Error(err)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	if err := json.Unmarshal(data, &claims); err != nil || claims.Iss != "robot@example" || claims.Aud != audience ||
		claims.Scope != googleScope || claims.Iat != clock.Unix() || claims.Exp != clock.Unix()+3600 {
		t.Errorf("claims %s: %v", data, err)
	}
}

// TestGoogleLacks tells what is wrong with each place.
func TestGoogleLacks(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"no file":  {"", "no "},
		"no JSON":  {secret, "is not JSON"},
		"no key":   {`{"type":"service_account","private_key":"` + secret + `"}`, "its private key cannot be read"},
		"external": {`{"type":"external_account"}`, "is neither a service account's key nor a user's"},
		"refused":  {`{"type":"authorized_user","refresh_token":"` + secret + `"}`, "answered 404"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key.json")
			if c.file != "" {
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := lookup(t, cloud(t, nobody, map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": path}), "gcr.io", "p/app")
			if outcome := got.Tried[0].Outcome; !got.empty() || !strings.Contains(outcome, c.want) || !strings.Contains(outcome, "; 127.0.0.1:") {
				t.Errorf("tried %v", got.Tried)
			}
		})
	}
}

// TestAzure gets a registry's token by each way in.
func TestAzure(t *testing.T) {
	federated := writeFile(t, "token", "assertion\n")
	end := clock.Add(10 * time.Minute)
	refresh := "x." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d,"secret":%q}`, end.Unix(), secret)) + ".y"
	handler := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form := r.PostForm
		login := r.URL.Path == "/tenant/oauth2/v2.0/token" && form.Get("grant_type") == "client_credentials" && form.Get("client_id") == "client" &&
			form.Get("scope") == azureScope
		switch {
		case login && form.Get("client_secret") == secret, login && form.Get("client_assertion") == "assertion" && form.Get("client_assertion_type") == clientAssert:
			fmt.Fprint(w, `{"access_token":"aad","expires_in":3599}`)
		case r.URL.Path == "/metadata/identity/oauth2/token" && r.Header.Get("Metadata") == "true" && r.URL.Query().Get("resource") == azureResource:
			fmt.Fprint(w, `{"access_token":"aad","expires_in":"86399"}`)
		case r.URL.Path == "/oauth2/exchange" && form.Get("access_token") == "aad" && form.Get("service") == "mine.azurecr.io":
			fmt.Fprintf(w, `{"refresh_token":%q}`, refresh)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	for name, values := range map[string]map[string]string{
		"secret":    {"AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_SECRET": secret},
		"federated": {"AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant", "AZURE_FEDERATED_TOKEN_FILE": federated},
		"instance":  {},
	} {
		t.Run(name, func(t *testing.T) {
			got := lookup(t, cloud(t, handler, values), "mine.azurecr.io", "app")
			if got.IdentityToken != refresh || !got.Until.Equal(end) {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		values := map[string]string{"AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_SECRET": "wrong " + secret}
		opt := cloud(t, handler, values)
		opt.Endpoints.IMDS = "http://127.0.0.1:1"
		outcome := lookup(t, opt, "mine.azurecr.io", "app").Tried[0].Outcome
		if !strings.Contains(outcome, "answered 401 Unauthorized; AZURE_FEDERATED_TOKEN_FILE is not set; managed identity: 127.0.0.1:1: ") {
			t.Errorf("got %q", outcome)
		}
	})
}

// TestCloudRedirect shows that no secret goes where a redirect points.
func TestCloudRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(other.Close)
	opt := cloud(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	},
		map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": secret})
	if got := lookup(t, opt, ecrHostName, ""); !got.empty() {
		t.Errorf("got %v", got)
	}
}
