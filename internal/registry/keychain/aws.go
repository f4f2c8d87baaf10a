package keychain

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// awsKeys sign requests to AWS.
type awsKeys struct {
	access, secret, session string
}

// awsSource is a place where AWS's tools keep keys. It returns nothing and the reason if there are none.
type awsSource func(ctx context.Context, k *Keychain, region string) (awsKeys, string, error)

// awsSources are in the order of AWS's own tools.
// See https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html.
var awsSources = []awsSource{awsEnvironment, awsWebIdentity, awsProfile, awsContainer, awsInstance}

// aws returns the first keys that are found, else what each place lacks.
func (k *Keychain) aws(ctx context.Context, region string) (awsKeys, string, error) {
	var reasons []string
	for _, s := range awsSources {
		keys, reason, err := s(ctx, k, region)
		if err != nil {
			reason = err.Error()
		} else if keys.access != "" {
			return keys, "", nil
		}
		if ctx.Err() != nil {
			return keys, "", ctx.Err()
		}
		reasons = append(reasons, reason)
	}
	return awsKeys{}, "no AWS keys (" + strings.Join(reasons, "; ") + ")", nil
}

func awsEnvironment(_ context.Context, k *Keychain, _ string) (awsKeys, string, error) {
	keys := awsKeys{k.env("AWS_ACCESS_KEY_ID"), k.env("AWS_SECRET_ACCESS_KEY"), k.env("AWS_SESSION_TOKEN")}
	if keys.access == "" || keys.secret == "" {
		return awsKeys{}, "AWS_ACCESS_KEY_ID is not set", nil
	}
	return keys, "", nil
}

// stsAnswer is an answer of AWS's token service.
type stsAnswer struct {
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
	} `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
}

// awsWebIdentity trades a token, which Kubernetes or a CI service wrote to a file, for keys.
// See https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
func awsWebIdentity(ctx context.Context, k *Keychain, region string) (awsKeys, string, error) {
	file, role := k.env("AWS_WEB_IDENTITY_TOKEN_FILE"), k.env("AWS_ROLE_ARN")
	if file == "" || role == "" {
		return awsKeys{}, "AWS_WEB_IDENTITY_TOKEN_FILE is not set", nil
	}
	token, err := readFile(file)
	if err != nil {
		return awsKeys{}, "", errors.New("AWS_WEB_IDENTITY_TOKEN_FILE: " + err.Error())
	}
	session := k.env("AWS_ROLE_SESSION_NAME")
	if session == "" {
		session = "lithe"
	}
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {role},
		"RoleSessionName": {session}, "WebIdentityToken": {strings.TrimSpace(string(token))}}
	req, err := formRequest(k.awsEndpoint("sts", region)+"/", form)
	if err != nil {
		return awsKeys{}, "", err
	}
	var answer stsAnswer
	if err := k.ask(ctx, req, cloudTime, &answer); err != nil {
		return awsKeys{}, "", err
	}
	c := answer.Credentials
	return awsKeys{c.AccessKeyID, c.SecretAccessKey, c.SessionToken}, "the token service sent no keys", nil
}

// awsProfile reads the shared credentials file.
func awsProfile(_ context.Context, k *Keychain, _ string) (awsKeys, string, error) {
	path := k.env("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		if k.opt.Home == "" {
			return awsKeys{}, "no home folder", nil
		}
		path = filepath.Join(k.opt.Home, ".aws", "credentials")
	}
	profile := k.env("AWS_PROFILE")
	if profile == "" {
		profile = "default"
	}
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return awsKeys{}, "no " + path, nil
	}
	if err != nil {
		return awsKeys{}, "", errors.New(path + ": " + err.Error())
	}
	values := parseProfile(data, profile)
	keys := awsKeys{values["aws_access_key_id"], values["aws_secret_access_key"], values["aws_session_token"]}
	if keys.access == "" || keys.secret == "" {
		return awsKeys{}, path + " has no keys for profile " + profile, nil
	}
	return keys, "", nil
}

// parseProfile returns the values of one section of an INI file, as AWS writes them.
func parseProfile(data []byte, profile string) map[string]string {
	values := map[string]string{}
	inside := false
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			inside = strings.TrimSpace(strings.Trim(line, "[]")) == profile
		case inside:
			if key, value, ok := strings.Cut(line, "="); ok {
				values[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
			}
		}
	}
	return values
}

// metadataKeys are keys as AWS's servers beside a machine tell them.
type metadataKeys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
}

func (m metadataKeys) keys() awsKeys { return awsKeys{m.AccessKeyID, m.SecretAccessKey, m.Token} }

// awsContainer asks the server that ECS and EKS name.
// See https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html.
func awsContainer(ctx context.Context, k *Keychain, _ string) (awsKeys, string, error) {
	address := k.env("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := k.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		address = k.opt.Endpoints.ECS + relative
	} else if address == "" {
		return awsKeys{}, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set", nil
	} else if !secureEndpoint(address) {
		return awsKeys{}, "", errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor of this machine")
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return awsKeys{}, "", errors.New("the address of the container's credentials is none")
	}
	token := k.env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := k.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		data, err := readFile(file)
		if err != nil {
			return awsKeys{}, "", errors.New("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: " + err.Error())
		}
		token = strings.TrimSpace(string(data))
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	var answer metadataKeys
	err = k.ask(ctx, req, metadataTime, &answer)
	return answer.keys(), "the container has no keys", err
}

// secureEndpoint accepts what AWS's own tools accept: https, this machine, and the two servers of ECS and EKS.
func secureEndpoint(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	known := u.Hostname() == "169.254.170.2" || u.Hostname() == "169.254.170.23" || u.Hostname() == "fd00:ec2::23"
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() || known
}

// awsInstance asks EC2's metadata server, in its second version: a token first.
// See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html.
func awsInstance(ctx context.Context, k *Keychain, _ string) (awsKeys, string, error) {
	if strings.EqualFold(k.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return awsKeys{}, "AWS_EC2_METADATA_DISABLED is set", nil
	}
	base := k.opt.Endpoints.EC2 + "/latest"
	req, err := http.NewRequest(http.MethodPut, base+"/api/token", nil)
	if err != nil {
		return awsKeys{}, "", err
	}
	req.Header.Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
	token, err := k.askRaw(ctx, req, metadataTime)
	if err != nil {
		return awsKeys{}, "", errors.New("EC2: " + err.Error())
	}
	get := func(path string) (*http.Request, error) {
		req, err := http.NewRequest(http.MethodGet, base+"/meta-data/iam/security-credentials/"+path, nil)
		if err == nil {
			req.Header.Set("X-Aws-Ec2-Metadata-Token", string(token))
		}
		return req, err
	}
	if req, err = get(""); err != nil {
		return awsKeys{}, "", err
	}
	role, err := k.askRaw(ctx, req, metadataTime)
	if err != nil {
		return awsKeys{}, "", errors.New("EC2: " + err.Error())
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	if req, err = get(url.PathEscape(name)); err != nil {
		return awsKeys{}, "", err
	}
	var answer metadataKeys
	err = k.ask(ctx, req, metadataTime, &answer)
	return answer.keys(), "EC2: the instance has no role", err
}

// awsEndpoint is where a service of AWS answers.
func (k *Keychain) awsEndpoint(service, region string) string {
	if k.opt.Endpoints.AWS != "" {
		return k.opt.Endpoints.AWS
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	return "https://" + service + "." + region + "." + domain
}

// formRequest is a POST of a form.
func formRequest(address string, form url.Values) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("the address of a token server is none")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

// now is the clock of signatures and of what runs out.
func (k *Keychain) now() time.Time {
	if k.opt.Now != nil {
		return k.opt.Now()
	}
	return time.Now()
}
